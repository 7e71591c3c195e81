"""
The kinds of children: one row for each in KINDS, and one module with its build().

A builder decides whether an object or field exists. Values come from ResolvedFunction: resolve.py decides defaults.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hooks import harmful_additions
from hooks.children import deployment, git_repository, horizontal_pod_autoscaler, service, service_account
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction

LAST_STEP = 3


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    One kind of child.

    `fields` are those that a response may set beside apiVersion, kind and metadata. A deletion removes the kinds with
    the lowest `teardown` first. `adopt` finds harmful additions of other components (harmful_additions.py). Only where
    the operator has set git.enabled does Metacontroller know a kind with `needs_git`.
    """

    name: str
    api_version: str
    resource: str
    build: Callable[[ResolvedFunction], Iterator[Manifest]]
    fields: tuple[str, ...] = ("spec",)
    teardown: int = LAST_STEP
    adopt: harmful_additions.Adopt | None = None
    needs_git: bool = False

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
        fields=("automountServiceAccountToken", "imagePullSecrets"),
    ),
    Kind(
        name="Service",
        api_version="v1",
        resource="services",
        build=service.build,
        adopt=harmful_additions.SERVICE,
    ),
    Kind(
        name="GitRepository",
        api_version="source.toolkit.fluxcd.io/v1",
        resource="gitrepositories",
        build=git_repository.build,
        adopt=harmful_additions.GIT_REPOSITORY,
        needs_git=True,
    ),
    Kind(
        name="Deployment",
        api_version="apps/v1",
        resource="deployments",
        build=deployment.build,
        teardown=2,
        adopt=harmful_additions.DEPLOYMENT,
    ),
    Kind(
        name="HorizontalPodAutoscaler",
        api_version="autoscaling/v2",
        resource="horizontalpodautoscalers",
        build=horizontal_pod_autoscaler.build,
        teardown=1,
    ),
)
KINDS = {kind.name: kind for kind in _ROWS}
"""Every kind by its name, in the order of the children in a response."""


def build_children(function: ResolvedFunction) -> list[Manifest]:
    """Return every desired child of this Function."""
    return [manifest for kind in KINDS.values() for manifest in kind.build(function)]
