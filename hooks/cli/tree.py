"""Draw what the hook answered for a Function: its conditions, and its children with what matters about each."""

from collections.abc import Iterator
from typing import Any

from hooks.children import KINDS
from hooks.manifest import Manifest


def lines(title: str, answer: dict[str, Any]) -> Iterator[str]:
    """Yield the tree of one answer, line by line."""
    conditions = [_condition(condition) for condition in answer["status"].get("conditions", [])]
    children = [f"{child['kind']} {child['metadata']['name']}: {_facts(child)}" for child in answer["children"]]
    yield title
    yield from _branch("status", conditions, last=False)
    yield from _branch("children", children, last=True)


def _branch(name: str, leaves: list[str], *, last: bool) -> Iterator[str]:
    yield f"{'└' if last else '├'}─ {name}"
    for number, leaf in enumerate(leaves, start=1):
        yield f"{' ' if last else '│'}  {'└' if number == len(leaves) else '├'}─ {leaf}"


def _condition(condition: dict[str, Any]) -> str:
    return f"{condition['type']} {condition['status']}: {condition['reason']}: {condition['message']}"


def _facts(child: Manifest) -> str:
    return ", ".join(KINDS[child["kind"]].summary(child))
