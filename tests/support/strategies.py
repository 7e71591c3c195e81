"""
Sound Functions for Hypothesis, made by random_functions.py.

Hypothesis chooses the numbers, so it can shrink a failing Function.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from support import random_functions, value_pools
from support.cases import complete
from support.function_values import value_of

Manifest = dict[str, Any]
Made = TypeVar("Made")


def made_by(make: Callable[[Random], Made]) -> st.SearchStrategy[Made]:
    """Return a strategy for what a function makes from a Random."""
    return st.randoms(use_true_random=False).map(make)


def functions() -> st.SearchStrategy[Manifest]:
    """Sound Functions."""
    return made_by(lambda random: complete(_with_metadata(random, random_functions.sound(random))))


def fetched_functions() -> st.SearchStrategy[Manifest]:
    """Sound Functions whose source Flux fetches."""
    return made_by(lambda random: complete(_with_metadata(random, random_functions.fetched(random))))


def specs() -> st.SearchStrategy[Manifest]:
    """Sound specs."""
    return made_by(lambda random: dict(random_functions.sound(random)["spec"]))


texts = made_by(value_pools.text)
scales = made_by(lambda random: value_of(random, "scaleConfig"))


def _with_metadata(random: Random, parent: Manifest) -> Manifest:
    labels = value_of(random, "labels")
    parent["metadata"] |= {"generation": random.randint(1, 9), "labels": labels}
    return parent
