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

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from hooks import naming
from hooks.children import build_children
from hooks.cli import options, settings
from hooks.cli.document import DEFAULT_NAMESPACE, Document, without_nulls
from hooks.cli.dump import WRITERS
from hooks.cli.files import objects
from hooks.cli.problem import Problem, Unusable
from hooks.cli.unknown import did_you_mean, unknown_fields
from hooks.config import Config
from hooks.function import Function, Model
from hooks.manifest import Manifest, as_mapping, as_text, value_at
from hooks.resolve import resolve
from hooks.resolved import Artifact
from hooks.rules import validate

if TYPE_CHECKING:
    from hooks.protocol import HookRequest

NO_UID = "00000000-0000-0000-0000-000000000000"
"""Replaces the UID, which only a cluster can assign."""
NO_ARTIFACT = Artifact(url="http://localhost/", digest="sha256:" + 64 * "0", revision="local")
"""Replaces what Flux has fetched where the source is fetched here: without any there is no Deployment."""


@options.command(__doc__)
@options.files_argument()
@click.option("--status", "with_status", is_flag=True, help="Also print each Function with its status.")
@click.option(
    "-o", "--output", type=click.Choice(sorted(WRITERS)), default="yaml", show_default=True, help="The format."
)
@options.config_option
def command(files: tuple[str, ...], output: str, config: str | None, *, with_status: bool) -> int:
    """Print one List, or every problem of every file and nothing else."""
    chosen, found = settings.of_author(config), objects(files)
    others, problems = [each.value for each in found.others], found.problems
    items: list[Manifest] = []
    for document in found.functions:
        try:
            function = validated(document, chosen)
        except Unusable as error:
            problems += error.problems
            continue
        if with_status:
            items.append(document.value | {"status": status(document, others, chosen)})
        fetched = None if function.spec.source.inline else request(document, others)
        items += children(function, chosen, fetched)
    if problems:
        options.echo_problems(problems)
        return 1
    options.write(WRITERS[output]({"apiVersion": "v1", "kind": "List", "items": items}))
    return 0


def validated(document: Document, config: Config) -> Function:
    """
    Return a valid Function.

    Raises Unusable with every unknown field and every violation of the schema, or of the rules if the schema holds.
    """
    own = document.as_written()
    problems = [own.problem(path, message) for path, message in unknown_fields(own.value, own_schema(document))]
    try:
        function = _parsed(document)
        problems += [document.problem(violation.field, violation.message) for violation in validate(function, config)]
    except Unusable as error:
        problems += error.problems
    if problems:
        raise Unusable(_with_runtimes(each, document, config) for each in problems)
    return function


def _parsed(document: Document) -> Function:
    """Return the Function; raises Unusable with every violation of the schemas of the file's version and our own."""
    problems: list[Problem] = []
    own = document.as_written()
    try:
        if own is not document:
            own_schema(document).model_validate(completed(own.value))
    except ValidationError as error:
        problems += own.problems(error)
    try:
        function = Function.model_validate(completed(document.value))
    except ValidationError as error:
        found = {problem.path for problem in problems}
        problems += [problem for problem in document.problems(error) if problem.path not in found]
    if problems:
        raise Unusable(problems)
    return function


def own_schema(document: Document) -> type[Model]:
    """Return the model of a Function in the file's version."""
    if document.written is None:
        return Function
    from hooks.cli import function_v2alpha1  # noqa: PLC0415 - only files of this version need it, and it takes time

    return function_v2alpha1.Function


def _with_runtimes(problem: Problem, document: Document, config: Config) -> Problem:
    """Return a problem of spec.runtime with the runtimes of the config, and the most similar of them."""
    if problem.path != "spec.runtime":
        return problem
    given = as_text(value_at(document.value, "spec", "runtime"))
    names = ", ".join(f'"{name}"' for name in sorted(config.runtimes))
    listed = "" if "supported values: " in problem.message else f"supported values: {names}"
    parts = problem.message, listed, did_you_mean(given, config.runtimes)
    return replace(problem, message="; ".join(filter(None, parts)))


def children(function: Function, config: Config, request: "HookRequest | None" = None) -> list[Manifest]:
    """
    Return the children of a valid Function that has none yet.

    Without a request that has the fetched source of a Function from Git, these have no Deployment.
    """
    if request is None:
        return build_children(resolve(function, config))
    from hooks.sources import observed_source  # noqa: PLC0415 - its modules take time to load

    if source := observed_source(function, request, config):
        return build_children(resolve(function, config, repository=source.repository, artifact=source.artifact))
    return build_children(resolve(function, config))


def status(document: Document, observed: Iterable[Manifest], config: Config) -> dict[str, Any]:
    """Return the status that the hook reports for a valid Function while the objects in `observed` exist."""
    from hooks.sync import sync  # noqa: PLC0415 - only --status needs the hook, and its start takes time

    return sync(request(document, observed), config, now=datetime.now(UTC)).status


def request(document: Document, observed: Iterable[Manifest]) -> "HookRequest":
    """Return the request that Metacontroller would send while the objects in `observed` exist."""
    from hooks.protocol import HookRequest  # noqa: PLC0415 - as above

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
    stored: dict[str, Any] = without_nulls(value)
    metadata = stored.get("metadata")
    return stored | {"metadata": added | metadata} if isinstance(metadata, dict) else stored
