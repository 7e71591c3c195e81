"""
A Function with no gap left, in groups, so that a builder shows which part of it it needs.

resolve.py fills it in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hooks.manifest import Manifest
from hooks.naming import Identity
from hooks.resources import Resources
from hooks.runtimes import Family


@dataclass(frozen=True, kw_only=True)
class ResolvedSource:
    """What runs: `text` is the user's source, unchanged; `runtime_name` is spec.runtime."""

    text: str
    runtime_name: str
    runtime: Family
    is_deprecated: bool
    image: str


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A Secret ("secret") or ConfigMap ("configmap") called `name`, mounted as files at `path`."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Pod:
    """
    The pod template. `labels` and `annotations` are complete; `user_annotations` are spec.annotations alone.

    `has_own_account` is true where the Function gets a ServiceAccount of its own.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    user_annotations: Mapping[str, str]
    env: tuple[Manifest, ...]
    env_from: tuple[Manifest, ...]
    mounts: tuple[Mount, ...]
    resources: Resources
    has_own_account: bool
    service_account_name: str
    automounts_token: bool
    image_pull_secrets: tuple[str, ...]
    pod_security: Manifest
    container_security: Manifest
    node_selector: Mapping[str, str]
    tolerations: tuple[Manifest, ...]
    priority_class_name: str
    startup_timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """Targets are percent of the requests; `memory` is 0 where only CPU is a target."""

    min_replicas: int
    max_replicas: int
    cpu: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """`replicas` of the Deployment; `autoscaling` is None where the Function is not autoscaled."""

    replicas: int
    autoscaling: Autoscaling | None


@dataclass(frozen=True, kw_only=True)
class Install:
    """
    The init container that installs `dependencies`, which are the user's text, unchanged.

    `gets_inputs` is whether it has the variables and files of the main container too.
    """

    dependencies: str
    resources: Resources
    gets_inputs: bool
    registry_secret_name: str


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Operator settings that go into every pod; sizes are Kubernetes quantities."""

    trace_collector_endpoint: str
    publisher_proxy_address: str
    sources_size: str
    tmp_size: str


@dataclass(frozen=True, kw_only=True)
class ResolvedFunction:
    """`install` is None where the Function has no dependencies."""

    identity: Identity
    source: ResolvedSource
    pod: Pod
    scaling: Scaling
    install: Install | None
    platform: Platform
