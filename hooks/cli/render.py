"""
Print the children that the hook would make of Functions, as one List.

examples:
  buildless render hello.yaml
  buildless render functions/*.yaml -o json --config config.yaml
  kustomize build . | buildless render - | kubectl diff -f -
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from hooks.cli import settings
from hooks.cli.dump import WRITERS
from hooks.cli.files import Document, Problem, functions
from hooks.cli.unknown import unknown_fields
from hooks.config import Config
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.protocol import HookRequest
from hooks.rules import validate
from hooks.sync import sync

NO_UID = "00000000-0000-0000-0000-000000000000"
"""Stands in the labels for the UID that only a cluster gives."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML or JSON; - is standard input")
    parser.add_argument("-o", "--output", choices=sorted(WRITERS), default="yaml", help="default: %(default)s")
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")


def run(args: argparse.Namespace) -> int:
    """Print one List of children, or every fault and nothing else."""
    config = settings.read(args.config)
    found, problems = functions(args.files)
    problems += [problem for document in found for problem in problems_of(document, config)]
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    items = [child for document in found for child in children(document, config)]
    sys.stdout.write(WRITERS[args.output]({"apiVersion": "v1", "kind": "List", "items": items}))
    return 0


def problems_of(document: Document, config: Config) -> list[Problem]:
    """Return what is wrong with a Function: what it is made of first, and if that is sound, the rules."""
    problems = [document.problem(path, message) for path, message in unknown_fields(document.value)]
    try:
        function = Function.model_validate(completed(document.value))
    except ValidationError as error:
        return problems + document.problems(error)
    return problems + [document.problem(violation.field, violation.message) for violation in validate(function, config)]


def children(document: Document, config: Config) -> list[Manifest]:
    """Return what the hook answers for a sound Function that has no children yet."""
    request = HookRequest.parse({"parent": completed(document.value), "children": {}})
    return sync(request, config, now=datetime.now(UTC)).children


def completed(value: dict[str, Any]) -> dict[str, Any]:
    """Return a Function as a cluster would store it: with metadata of its own, and without what is null."""
    given = {"namespace": "default", "uid": NO_UID, "generation": 1}
    stored: dict[str, Any] = _without_nulls(value)
    metadata = stored.get("metadata")
    return stored | {"metadata": given | metadata} if isinstance(metadata, dict) else stored


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
