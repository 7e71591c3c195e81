"""
The children of a Function as a cluster would have them: the hook responds until Metacontroller has nothing to write.

With observed children this is what an edit, or another version of the hook, makes of them. Fields that other components
have set, the replicas that an autoscaler has set and the order of merged lists stay, as in a cluster.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from hooks import naming
from hooks.children import KINDS
from hooks.cli.comparison import sources
from hooks.cli.comparison.metacontroller import applied
from hooks.config import Config
from hooks.manifest import Manifest
from hooks.protocol import HookRequest
from hooks.sync import sync

Children = Mapping[str, Manifest]
"""The children of one Function by kind."""
_ROUNDS = 12
"""More than any change needs: a removed addition takes two responses, reordered variables three, a source two."""
_NOW = datetime(2000, 1, 1, tzinfo=UTC)


def settled(
    parent: Manifest, config: Config, observed: Children, related: Mapping[str, Mapping[str, Manifest]]
) -> Children:
    """Return the children of a valid Function after the last write; `observed` are those before the first sync."""
    children = observed
    for _ in range(_ROUNDS):
        groups = {KINDS[kind].group: {child["metadata"]["name"]: child} for kind, child in children.items()}
        request = HookRequest.parse({"parent": parent, "children": groups, "related": related})
        desired = sync(request, config, now=_NOW).children
        written = {child["kind"]: applied(child, children.get(child["kind"]), parent) for child in desired}
        if repository := written.get("GitRepository"):
            written["GitRepository"] = sources.fetched(repository, children.get("GitRepository"))
        if written == children:
            break
        children = written
    return children


def rendered_in(objects: Iterable[Manifest], parent: Manifest) -> Children:
    """Return the children of a Function among those that `buildless render` printed, as they would be created."""
    own = naming.uid_label(parent["metadata"]["uid"]).items()
    made = [applied(each, None, parent) for each in objects if own <= each["metadata"]["labels"].items()]
    return {child["kind"]: sources.fetched(child, None) if "url" in child.get("spec", ()) else child for child in made}
