"""
A Function with every default applied, in groups of fields.

resolve.py returns it; the builders in children/ read nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hooks.manifest import Manifest
from hooks.naming import Identity
from hooks.resources import Resources
from hooks.runtimes import Family


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An archive that Flux made: where it is, the digest of the file (`sha256:...`), and the revision in it."""

    url: str
    digest: str
    revision: str


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """
    The init container that downloads `artifact` and unpacks its directory `path`, "." for all of it.

    `artifact` is None while there is none that counts; `max_bytes` is the size of the volume that holds the files.
    `given` are the fields of spec.source that the status repeats.
    """

    artifact: Artifact | None
    path: str
    max_bytes: int
    given: Mapping[str, str]
    resources: Resources


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The child GitRepository: its whole spec, and its annotations."""

    spec: Manifest
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ResolvedSource:
    """
    What runs: `text` is the user's source, unchanged, "" if it is fetched; `runtime_name` is spec.runtime.

    `fetch` is None for an inline source, `repository` for every source but spec.source.gitRepository.
    """

    text: str
    fetch: Fetch | None
    repository: Repository | None
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
    """`cpu` and `memory` are the targets in percent of the requests; `memory` is 0 if only CPU is a target."""

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
    The init container that installs `dependencies`, which are the user's text, unchanged, "" if they are fetched.

    `gets_inputs` is whether it also has the variables and files of the main container.
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
    """`install` is None for an inline source without dependencies."""

    identity: Identity
    source: ResolvedSource
    pod: Pod
    scaling: Scaling
    install: Install | None
    platform: Platform
