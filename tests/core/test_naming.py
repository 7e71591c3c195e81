"""Names, labels and selectors."""

import re

import pytest
from support.cases import complete

from hooks import naming
from hooks.config import Config
from hooks.function import Function
from hooks.resolve import ResolvedFunction, resolve


def function(**metadata: object) -> ResolvedFunction:
    return resolve(
        Function.model_validate(complete({"metadata": metadata, "spec": {"labels": {"app": "x"}}})), Config()
    )


def test_internal_labels_win() -> None:
    """A label of the Function's own object never hides an internal one, and controller-uid is never ours to set."""
    forged = {"serverless.kyma-project.io/uuid": "forged", "controller-uid": "forged", "team": "blue"}
    labels = naming.child(function(labels=forged))["labels"]
    assert labels["serverless.kyma-project.io/uuid"] != "forged"
    assert labels["team"] == "blue"
    assert "controller-uid" not in labels


def test_selector_has_exactly_four_keys() -> None:
    """API gateways and dashboards count on these four."""
    assert set(naming.selector(function())) == {
        f"serverless.kyma-project.io/{key}" for key in ("function-name", "managed-by", "resource", "uuid")
    }


def test_selector_text_is_kubectls() -> None:
    """The scale subresource gets the selector as key=value pairs in a fixed order."""
    one = naming.selector_text(function())
    assert dict(pair.split("=") for pair in one.split(",")) == naming.selector(function())
    assert one == ",".join(sorted(one.split(",")))


def test_pod_labels_hold_the_selector() -> None:
    """Pods carry the user's labels, the selector, and the recommended name."""
    labels = naming.pod_labels(function())
    assert naming.selector(function()).items() <= labels.items()
    assert labels["app"] == "x"
    assert labels["app.kubernetes.io/name"] == "hello"


@pytest.mark.parametrize("name", ["a", "tls.example.com", "x" * 253, "tmp", "sources"])
def test_volume_names_fit(name: str) -> None:
    """Whatever an object is called, its volume has a valid name that is none of ours."""
    for kind in ("secret", "configmap"):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", naming.volume(kind, name))
        assert naming.volume(kind, name) not in {"sources", "tmp", "package-registry-config"}
    assert naming.volume("secret", name) != naming.volume("configmap", name)
