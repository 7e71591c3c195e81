"""The ServiceAccount that a Function runs as, unless its spec names another one."""

from collections.abc import Iterator

from hooks import naming
from hooks.manifest import Manifest
from hooks.resolved import ResolvedFunction


def build(function: ResolvedFunction) -> Iterator[Manifest]:
    """Yield an account that mounts no token, unless the spec names another account."""
    if function.pod.has_own_account:
        account: Manifest = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": naming.child_metadata(function.identity),
            "automountServiceAccountToken": False,
        }
        if function.pod.image_pull_secrets:
            account["imagePullSecrets"] = [{"name": name} for name in function.pod.image_pull_secrets]
        yield account
