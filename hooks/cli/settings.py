"""Read the operator's config for a command, or end the command with one line for each fault."""

import os
import sys

import yaml

from hooks import config
from hooks.cli.files import Problem, Unusable, documents


def read(path: str | None) -> config.Config:
    """Return the config at `path`, else at BUILDLESS_CONFIG, else the defaults; exits with 2 if it is faulty."""
    name = path or os.environ.get("BUILDLESS_CONFIG")
    if not name:
        return config.Config()
    try:
        return _load(name)
    except Unusable as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _load(name: str) -> config.Config:
    try:
        document = next(documents(name), None)
        return config.load(name)
    except config.Unsound as error:
        problems = [document.problem(*fault) for fault in error.faults] if document else []
        raise Unusable(sorted(problems, key=lambda problem: problem.line)) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        message = str(error).removeprefix(f"{name}: ")
        raise Unusable([Problem(file=name, line=0, path="", message=message)]) from None
