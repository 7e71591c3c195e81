"""Read the operator's config for a command; an invalid one ends the command with a line for each error."""

import os

import click
import yaml

from hooks import config
from hooks.cli import options
from hooks.cli.files import documents
from hooks.cli.problem import Problem, Unusable


def read(path: str | None) -> config.Config:
    """Return the config at `path`, else at BUILDLESS_CONFIG, else the defaults; raises Exit(2) if it is invalid."""
    name = path or os.environ.get("BUILDLESS_CONFIG")
    if not name:
        return config.Config()
    try:
        return _load(name)
    except Unusable as error:
        options.echo_problems(error.problems)
        raise click.exceptions.Exit(2) from None


def of_author(path: str | None) -> config.Config:
    """Return the same; without any config, the defaults with git.enabled: only an operator knows if that is missing."""
    chosen = read(path)
    if path or os.environ.get("BUILDLESS_CONFIG"):
        return chosen
    return chosen.model_copy(update={"git": config.Git(enabled=True)})


def _load(name: str) -> config.Config:
    try:
        document = next(documents(name), None)
        return config.load(name)
    except config.InvalidConfig as error:
        problems = [document.problem(*each) for each in error.errors] if document else []
        raise Unusable(sorted(problems, key=lambda problem: problem.line)) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        message = str(error).removeprefix(f"{name}: ")
        raise Unusable([Problem(file=name, line=0, path="", message=message)]) from None
