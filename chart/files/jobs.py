"""
What the chart's two Jobs do, through the API server, with nothing but the standard library.

release CONTROLLER   before an uninstall: take the finalize hook away, so that Metacontroller lets go of all Functions
test NAMESPACE NAME  for `helm test`: apply a Function, call it, delete it
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SERVER = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format_map(os.environ)
FUNCTIONS = "/apis/serverless.kyma-project.io/v1alpha2"
CONTROLLERS = "/apis/metacontroller.k8s.io/v1alpha1/compositecontrollers"
SOURCES = {
    "python": "def main(event, context):\n    return 'it works'\n",
    "nodejs": "module.exports = { main: () => 'it works' };\n",
}
SECONDS = 240


def call(method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
    """Return the decoded answer to one request, None if there is no such object; raises on any other refusal."""
    with open(f"{ACCOUNT}/token") as token:
        headers = {"Authorization": f"Bearer {token.read()}", "Content-Type": kind}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        sys.exit(f"{method} {path}: {error.code} {json.load(error).get('message')}")


def wait(what: str, condition: Callable[[], Any]) -> Any:
    """Return the first true value of `condition`, or end with what was waited for."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(1)
    sys.exit(f"waited {SECONDS} seconds in vain: {what}")


def release(controller: str) -> None:
    """Return once no Function has the finalizer of this CompositeController."""
    patch = {"spec": {"hooks": {"finalize": None}}}
    if call("PATCH", f"{CONTROLLERS}/{controller}", patch, "application/merge-patch+json") is None:
        print(f"there is no CompositeController {controller}")
        return
    finalizer = f"metacontroller.io/compositecontroller-{controller}"

    def held() -> list[Any]:
        functions = call("GET", f"{FUNCTIONS}/functions") or {"items": []}
        return [each for each in functions["items"] if finalizer in each["metadata"].get("finalizers", ())]

    wait("Metacontroller has to take its finalizer off all Functions; does it run?", lambda: not held())
    print("all Functions are let go")


def test(namespace: str, name: str, family: str, runtime: str, labels: str) -> None:
    """End with 0 if a Function that is applied answers."""
    functions = f"{FUNCTIONS}/namespaces/{namespace}/functions"
    call("DELETE", f"{functions}/{name}")
    wait("the Function of an earlier test has to go", lambda: call("GET", f"{functions}/{name}") is None)
    spec = {"runtime": runtime, "source": {"inline": {"source": SOURCES[family]}}}
    metadata = {"name": name, "labels": json.loads(labels)}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata, "spec": spec}
    call("POST", functions, body)

    def ready() -> bool:
        conditions = call("GET", f"{functions}/{name}").get("status", {}).get("conditions", ())
        found = [condition for condition in conditions if condition["type"] == "Ready"]
        print(*(f"{each['status']} {each['reason']}: {each['message']}" for each in found), flush=True)
        return any(each["status"] == "True" for each in found)

    wait(f"Function {name} has to be Ready; it is left there to look at", ready)
    service = call("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
    with urllib.request.urlopen(f"http://{service['spec']['clusterIP']}/", timeout=30) as answer:
        text = answer.read().decode()
    print(text)
    call("DELETE", f"{functions}/{name}")
    sys.exit(text != "it works")


JOBS: dict[str, Callable[..., None]] = {"release": release, "test": test}
JOBS[sys.argv[1]](*sys.argv[2:])
