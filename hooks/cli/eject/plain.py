"""
The children of a Function as plain manifests: without owner, and without anything of Metacontroller or the hook.

A live child gives the values and their order, so that applying its manifest changes no pod template. Its last-applied
record gives the fields: without it, defaults of the API server and what other components have added would be in the
manifest, too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hooks import naming
from hooks.children import KINDS
from hooks.cli.comparison.metacontroller import list_key
from hooks.cli.document import Document
from hooks.cli.live_children import live_children
from hooks.cli.problem import Unusable
from hooks.cli.render import NO_UID
from hooks.manifest import Manifest, as_mapping, as_text, value_at
from hooks.records import last_applied
from hooks.same_content import commit_in, revision_in

_BRANCH = "refs/heads/"


def complete_children(document: Document, others: Iterable[Document]) -> dict[str, Manifest]:
    """
    Return the children of a Function among `others`, by kind.

    Empty without the Deployment; raises Unusable if another child is missing that the Function has in the cluster.
    """
    found = live_children((each.value for each in others), document.value)
    if "Deployment" not in found:
        return {}
    if missing := _expected(document, found["Deployment"]) - found.keys():
        raise Unusable(
            document.problem("", f"the {kind} {document.name} is not among the objects: print it with kubectl, too")
            for kind in sorted(missing)
        )
    return {kind: found[kind] for kind in KINDS if kind in found}


def plain(document: Document, children: Mapping[str, Manifest]) -> list[Manifest]:
    """Return children by kind, live or rendered ones, as plain manifests."""
    deployment = children["Deployment"]
    made = {kind: _plain(document, child) for kind, child in children.items()}
    if "HorizontalPodAutoscaler" in made:
        del made["Deployment"]["spec"]["replicas"]  # the next `kubectl apply` would undo what the autoscaler has set
    if repository := made.get("GitRepository"):
        repository["spec"]["ref"] = _pinned(
            as_mapping(repository["spec"].get("ref")), commit_in(revision_in(deployment))
        )
    return list(made.values())


def _expected(document: Document, deployment: Manifest) -> set[str]:
    """Return the kinds of children that a Function with this Deployment has."""
    spec = value_at(document.value, "spec")
    expected = {"Service"}
    if value_at(deployment, "spec", "template", "spec", "serviceAccountName") == document.name:
        expected |= {"ServiceAccount"} if value_at(spec, "serviceAccountName") is None else set()
    if value_at(spec, "scaleConfig") and value_at(spec, "replicas") != 0:
        expected.add("HorizontalPodAutoscaler")
    if value_at(spec, "source", "gitRepository"):
        expected.add("GitRepository")
    return expected


def _plain(document: Document, child: Manifest) -> Manifest:
    given = as_mapping(value_at(document.value, "metadata"))
    labels = {key: value for key, value in as_mapping(given.get("labels")).items() if key != naming.CONTROLLER_UID}
    metadata = {"name": document.name, "namespace": given.get("namespace"), "labels": labels}
    fields = {field: child[field] for field in KINDS[child["kind"]].fields if field in child}
    record = last_applied(child) if "annotations" in child["metadata"] else None
    return {
        "apiVersion": child["apiVersion"],
        "kind": child["kind"],
        "metadata": {key: value for key, value in metadata.items() if value},
        **_without_placeholder(_fields_of(record, fields) if record else fields),
    }


def _fields_of(record: Any, live: Any) -> Any:
    """Return the parts of a live value that the record has."""
    if isinstance(record, dict) and isinstance(live, dict):
        return {key: _fields_of(value, live[key]) for key, value in record.items() if key in live}
    if isinstance(record, list) and isinstance(live, list) and (key := list_key(record, live)):
        recorded = {each[key]: each for each in record}
        return [_fields_of(recorded[each[key]], each) for each in live if each[key] in recorded]
    return live


def _without_placeholder(value: Any) -> Any:
    """Return a value without the label with a UID, if only a placeholder is known."""
    if isinstance(value, dict):
        placeholder = naming.uid_label(NO_UID).items()
        return {key: _without_placeholder(item) for key, item in value.items() if (key, item) not in placeholder}
    return [_without_placeholder(item) for item in value] if isinstance(value, list) else value


def _pinned(reference: Manifest, commit: str) -> Manifest:
    """
    Return a reference of Flux with the commit that the pods fetch: of another one Flux would delete the archive.

    The branch says where Flux finds the commit. A tag stays as it is: which branch has its commit is not known.
    """
    branch = as_text(reference.get("branch")) or as_text(reference.get("name")).partition(_BRANCH)[2]
    return {"branch": branch, "commit": commit} if branch and commit else reference
