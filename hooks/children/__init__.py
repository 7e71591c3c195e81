"""
The desired children, one Kubernetes kind per module, each with one public build().

A builder decides whether something exists, never what a value is: a gap is filled in resolve.py.
"""

from hooks.children import deployment, horizontal_pod_autoscaler, service, service_account
from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction

BUILDERS = (
    service_account.build,
    service.build,
    deployment.build,
    horizontal_pod_autoscaler.build,
)


def build_children(function: ResolvedFunction) -> list[Manifest]:
    """Return every child that this Function should have."""
    return [manifest for build in BUILDERS for manifest in build(function)]
