"""
The kinds of children: one row for each in KINDS, and one module with its build() and summary().

A builder decides whether something exists, never what a value is: a gap is filled in resolve.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hooks import additions
from hooks.children import deployment, horizontal_pod_autoscaler, service, service_account
from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction

LAST = 3


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    All that is particular to one kind of children.

    `fields` is what an answer may have beside apiVersion, kind and metadata. A deletion takes away the kinds with the
    lowest `teardown` first. `adopt` decides about additions of others (additions.py). `summary` yields the facts that
    the command line shows.
    """

    name: str
    api_version: str
    resource: str
    build: Callable[[ResolvedFunction], Iterator[Manifest]]
    summary: Callable[[Manifest], Iterator[str]]
    fields: tuple[str, ...] = ("spec",)
    teardown: int = LAST
    adopt: additions.Adopt | None = None

    @property
    def group(self) -> str:
        """The key of this kind in the children of a hook request."""
        return f"{self.name}.{self.api_version}"


_ROWS = (
    Kind(
        name="ServiceAccount",
        api_version="v1",
        resource="serviceaccounts",
        build=service_account.build,
        summary=service_account.summary,
        fields=("automountServiceAccountToken", "imagePullSecrets"),
    ),
    Kind(
        name="Service",
        api_version="v1",
        resource="services",
        build=service.build,
        summary=service.summary,
        adopt=additions.SERVICE,
    ),
    Kind(
        name="Deployment",
        api_version="apps/v1",
        resource="deployments",
        build=deployment.build,
        summary=deployment.summary,
        teardown=2,
        adopt=additions.DEPLOYMENT,
    ),
    Kind(
        name="HorizontalPodAutoscaler",
        api_version="autoscaling/v2",
        resource="horizontalpodautoscalers",
        build=horizontal_pod_autoscaler.build,
        summary=horizontal_pod_autoscaler.summary,
        teardown=1,
    ),
)
KINDS = {kind.name: kind for kind in _ROWS}
"""Every kind by its name, in the order in which children are answered."""


def build_children(function: ResolvedFunction) -> list[Manifest]:
    """Return every child that this Function should have."""
    return [manifest for kind in KINDS.values() for manifest in kind.build(function)]
