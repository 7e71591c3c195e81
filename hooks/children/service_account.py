"""The ServiceAccount a Function runs as, unless it names one of the user's."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolve import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield an account without a mounted token, or nothing when the user brings one."""
    if function.own_service_account:
        account: Manifest = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": naming.child(function),
            "automountServiceAccountToken": False,
        }
        if function.image_pull_secrets:
            account["imagePullSecrets"] = [{"name": name} for name in function.image_pull_secrets]
        yield account


def summary(child: Manifest) -> Iterator[str]:
    """Yield whether pods get an API token."""
    yield "API token mounted" if child.get("automountServiceAccountToken", True) else "no API token"
