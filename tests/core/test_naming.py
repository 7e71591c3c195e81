"""Names, labels and selectors."""

import re
from typing import get_args, get_type_hints

import pytest

from hooks import core_v1, naming
from hooks.naming import Identity

HELLO = Identity(name="hello", namespace="default", uid="u", labels={})


def test_internal_labels_take_precedence() -> None:
    """A label of the Function object never overrides an internal one, and the hook never sends controller-uid."""
    forged = {"serverless.kyma-project.io/uuid": "forged", "controller-uid": "forged", "team": "blue"}
    identity = Identity(name="hello", namespace="default", uid="u", labels=forged)
    assert naming.child_metadata(identity)["labels"] == {"team": "blue"} | naming.internal_labels(identity)


def test_selector_has_exactly_four_keys() -> None:
    """API gateways and dashboards rely on these four."""
    assert set(naming.selector(HELLO)) == {
        f"serverless.kyma-project.io/{key}" for key in ("function-name", "managed-by", "resource", "uuid")
    }


def test_selector_text_is_in_kubectls_notation() -> None:
    """The scale subresource gets the selector as key=value pairs in a fixed order."""
    text = naming.selector_text(HELLO)
    assert dict(pair.split("=") for pair in text.split(",")) == naming.selector(HELLO)
    assert text == ",".join(sorted(text.split(",")))


def test_pod_labels_contain_the_selector() -> None:
    """Pods have the user's labels, the selector, which takes precedence, and the recommended name label."""
    labels = naming.pod_labels(HELLO, {"app": "x", "serverless.kyma-project.io/uuid": "forged"})
    assert naming.selector(HELLO).items() <= labels.items()
    assert labels["app"] == "x"
    assert labels["app.kubernetes.io/name"] == "hello"


@pytest.mark.parametrize("name", ["a", "tls.example.com", "x" * 253, "tmp", "sources"])
def test_volume_names_are_valid(name: str) -> None:
    """For any name of an object the volume name is valid and differs from those of the hook's own volumes."""
    own = {naming.SOURCES_VOLUME, naming.TMP_VOLUME, naming.REGISTRY_CONFIG_VOLUME}
    for kind in ("secret", "configmap"):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", naming.mount_volume(kind, name))
        assert naming.mount_volume(kind, name) not in own
    assert naming.mount_volume("secret", name) != naming.mount_volume("configmap", name)


def test_references_name_what_is_built() -> None:
    """A resourceFieldRef or fileKeyRef may name only the container and the volumes that every pod has."""
    volume = get_type_hints(core_v1.FileKeySelector)["volumeName"]
    container, _ = get_args(get_type_hints(core_v1.ResourceFieldSelector)["containerName"])
    assert set(get_args(volume)) == {naming.SOURCES_VOLUME, naming.TMP_VOLUME}
    assert get_args(container) == (naming.MAIN_CONTAINER,)
