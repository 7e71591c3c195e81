"""All of examples/, applied together and called through their Services."""

import json
import time
from pathlib import Path

import pytest
import yaml
from support.node.testbed import Functions

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ANSWERS = {
    "autoscaled": "Hello from autoscaled-",
    "caller": "hello-python responded: Hello from Python!",
    "cloudevent": "Send me a CloudEvent.",
    "hello-nodejs": "Hello from Node.js!",
    "hello-python": "Hello from Python!",
    "nodejs-dependencies": "installed-once-per-pod",
    "nodejs-express": '{"function":"nodejs-express","event":null}',
    "profile-and-labels": "Small, and easy to find.",
    "python-dependencies": "requests 2.",
    "python-flask": '{"event":null,"function":"python-flask"}',
    "python-env-and-secret": json.dumps({"price": "$5 (five)", "language": "en", "same token": True}),
}
FILES = [file for file in sorted(EXAMPLES.glob("*.yaml")) if "kind: Function" in file.read_text()]


@pytest.fixture
def applied(functions: Functions) -> Functions:
    """The Functions of all examples; without a cluster DNS the caller gets the address of its target."""
    for file in FILES:
        functions.plane.kubectl("apply", "-n", functions.namespace, "-f", str(file))
    if not functions.stack.get("services", "kube-system", "kube-dns"):
        env = [{"name": "HELLO_URL", "value": f"http://{functions.address('hello-python')}"}]
        functions.stack.patch("functions", functions.namespace, "caller", {"spec": {"env": env}})
    return functions


def test_every_example_answers(applied: Functions) -> None:
    """
    Each Function becomes Ready and returns the response of its source; the one with 0 replicas is Ready without a pod.

    At rest nothing is written, though each change of a pod causes a sync.
    """
    named = {document["metadata"]["name"] for file in FILES for document in yaml.safe_load_all(file.read_text())}
    assert named - {"greeting", "off"} == set(ANSWERS)
    for name in ANSWERS:
        applied.wait_until_ready(name)
    for name, expected in ANSWERS.items():
        status, body = applied.get(name)
        assert (status, body[: len(expected)]) == (200, expected), name
    applied.wait_until_ready("off")
    assert not applied.pods("off")
    assert not any(applied.restarts(name) for name in ANSWERS)
    settled = applied.write_counters()
    for pod in applied.stack.list("pods", applied.namespace):
        patch = {"metadata": {"annotations": {"touched": "yes"}}}
        applied.stack.patch("pods", applied.namespace, pod["metadata"]["name"], patch)
    time.sleep(5)
    assert applied.write_counters() == settled
