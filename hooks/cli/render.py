"""
Print the children that the hook returns for Functions, as one List.

With --status the List also has each Function with the status that the hook reports. Children and pods in the same
files count as observed; without them the status is that of the first seconds after kubectl apply. A Function whose
source Flux fetches has a Deployment if the object of Flux, with its status, is in the same files.

examples:
  buildless render hello.yaml
  buildless render functions/*.yaml -o json --config config.yaml
  kustomize build . | buildless render - | kubectl diff -f -
  kubectl get functions,deployments,services,serviceaccounts,hpa,pods -o yaml | buildless render - --status
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from hooks import naming
from hooks.children import build_children
from hooks.cli import settings
from hooks.cli.dump import WRITERS
from hooks.cli.files import Document, Unusable, objects
from hooks.cli.unknown import unknown_fields
from hooks.config import Config
from hooks.function import Function
from hooks.manifest import Manifest, as_mapping, value_at
from hooks.protocol import HookRequest
from hooks.resolve import resolve
from hooks.rules import validate
from hooks.sources import observed_source
from hooks.sync import sync

NO_UID = "00000000-0000-0000-0000-000000000000"
"""Replaces the UID, which only a cluster can assign."""
DEFAULT_NAMESPACE = "default"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML or JSON; - is standard input")
    parser.add_argument("--status", action="store_true", help="also print each Function with its status")
    parser.add_argument("-o", "--output", choices=sorted(WRITERS), default="yaml", help="default: %(default)s")
    parser.add_argument("--config", metavar="FILE", help="settings that override the defaults")


def run(args: argparse.Namespace) -> int:
    """Print one List, or every problem of every file and nothing else."""
    config = settings.read(args.config)
    functions, others, problems = objects(args.files)
    items: list[Manifest] = []
    for document in functions:
        try:
            function = validated(document, config)
        except Unusable as error:
            problems += error.problems
            continue
        if args.status:
            items.append(document.value | {"status": status(document, others, config)})
        items += children(function, config, _request(document, others))
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    sys.stdout.write(WRITERS[args.output]({"apiVersion": "v1", "kind": "List", "items": items}))
    return 0


def validated(document: Document, config: Config) -> Function:
    """
    Return a valid Function.

    Raises Unusable with every unknown field and every violation of the schema, or of the rules if the schema holds.
    """
    problems = [document.problem(path, message) for path, message in unknown_fields(document.value)]
    try:
        function = Function.model_validate(completed(document.value))
    except ValidationError as error:
        raise Unusable(problems + document.problems(error)) from None
    problems += [document.problem(violation.field, violation.message) for violation in validate(function, config)]
    if problems:
        raise Unusable(problems)
    return function


def children(function: Function, config: Config, request: HookRequest | None = None) -> list[Manifest]:
    """
    Return the children of a valid Function that has none yet.

    Without a request that has the fetched source of a Function from Git, these have no Deployment.
    """
    source = observed_source(function, request, config) if request else None
    if source is None:
        return build_children(resolve(function, config))
    return build_children(resolve(function, config, repository=source.repository, artifact=source.artifact))


def status(document: Document, observed: Iterable[Manifest], config: Config) -> dict[str, Any]:
    """Return the status that the hook reports for a valid Function while the objects in `observed` exist."""
    return sync(_request(document, observed), config, now=datetime.now(UTC)).status


def _request(document: Document, observed: Iterable[Manifest]) -> HookRequest:
    """Return the request that Metacontroller would send while the objects in `observed` exist."""
    parent, groups = completed(document.value), _grouped(observed)
    label = naming.uid_label(parent["metadata"]["uid"])
    pods = {key: pod for key, pod in groups.pop("Pod.v1", {}).items() if _has(pod, label)}
    return HookRequest.parse({"parent": parent, "children": groups, "related": groups | {"Pod.v1": pods}})


def _has(pod: Manifest, labels: dict[str, str]) -> bool:
    return labels.items() <= as_mapping(value_at(pod, "metadata", "labels")).items()


def _grouped(manifests: Iterable[Manifest]) -> dict[str, dict[str, Manifest]]:
    """Return objects as a hook request has them: by kind and apiVersion, then by namespace and name."""
    groups: dict[str, dict[str, Manifest]] = {}
    for each in manifests:
        namespace, name = (value_at(each, "metadata", key) for key in ("namespace", "name"))
        group = groups.setdefault(f"{each.get('kind')}.{each.get('apiVersion')}", {})
        group[f"{namespace or DEFAULT_NAMESPACE}/{name}"] = each
    return groups


def completed(value: dict[str, Any]) -> dict[str, Any]:
    """Return a Function as the API server would store it: with the metadata that it adds, and without nulls."""
    added = {"namespace": DEFAULT_NAMESPACE, "uid": NO_UID, "generation": 1}
    stored: dict[str, Any] = _without_nulls(value)
    metadata = stored.get("metadata")
    return stored | {"metadata": added | metadata} if isinstance(metadata, dict) else stored


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
