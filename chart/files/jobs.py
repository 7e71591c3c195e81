"""
The chart's two Jobs. They run in the hook's image and call the API server.

release CONTROLLER [v2alpha1]
    before an uninstall: remove the finalize hook and wait until Metacontroller has removed its finalizer from all
    Functions; with v2alpha1, first remove that version from the CRD, which stays and could not be read without the hook
test NAMESPACE NAME FAMILY RUNTIME LABELS
    for `helm test`: create a Function, call it, delete it; LABELS is a JSON map
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

from hooks.runtimes import FAMILIES

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SERVER = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format_map(os.environ)
FUNCTIONS = "/apis/serverless.kyma-project.io/v1alpha2"
CONTROLLERS = "/apis/metacontroller.k8s.io/v1alpha1/compositecontrollers"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/functions.serverless.kyma-project.io"
WITHOUT_CONVERSION = [
    {"op": "test", "path": "/spec/versions/1/name", "value": "v2alpha1"},
    {"op": "remove", "path": "/spec/versions/1"},
    {"op": "replace", "path": "/spec/conversion", "value": {"strategy": "None"}},
]
JSON_PATCH = "application/json-patch+json"
MANAGER = "function-hook-uninstall"
SECONDS = 240


def call(method: str, path: str, body: Any = None, kind: str = "application/json", retries: int = 60) -> Any:
    """
    Return the decoded response, None for 404; any other error ends the Job with the API server's message.

    429 is repeated every second: after a change of the CRD the API server answers "storage is (re)initializing".
    """
    with open(f"{ACCOUNT}/token") as token:
        headers = {"Authorization": f"Bearer {token.read()}", "Content-Type": kind}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, headers, method=method)
    context = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    try:
        with urllib.request.urlopen(request, context=context) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        if error.code != 429 or not retries:
            sys.exit(f"{method} {path}: {error.code} {json.load(error).get('message')}")
    time.sleep(1)
    return call(method, path, body, kind, retries - 1)


def wait(what: str, condition: Callable[[], Any]) -> Any:
    """Return the first true value of `condition`; after SECONDS the Job ends with `what`."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(1)
    sys.exit(f"timed out after {SECONDS} seconds: {what}")


def release(controller: str, version: str = "") -> None:
    """
    Remove the finalize hook and return once no Function has the finalizer of this CompositeController.

    `version` is one to be removed from the CRD first, with the webhook, which may be there without it.
    """
    definition = call("GET", DEFINITION) if version else None
    if definition:
        without_version(definition, version)
    without = {"spec": {"hooks": {"finalize": None}}}
    if call("PATCH", f"{CONTROLLERS}/{controller}", without, "application/merge-patch+json") is None:
        print(f"CompositeController {controller} does not exist")
        return
    finalizer = f"metacontroller.io/compositecontroller-{controller}"

    def held() -> list[Any]:
        functions = call("GET", f"{FUNCTIONS}/functions") or {"items": []}
        return [each for each in functions["items"] if finalizer in each["metadata"].get("finalizers", ())]

    wait("Metacontroller has not removed its finalizer from all Functions; is it running?", lambda: not held())
    print("all Functions are released")


def without_version(definition: Any, version: str) -> None:
    """Remove a version and the webhook from the CRD, and own none of its fields, so that an install can apply all."""
    served = version in [each["name"] for each in definition["spec"]["versions"]]
    patch = WITHOUT_CONVERSION if served else WITHOUT_CONVERSION[-1:]
    changed = call("PATCH", f"{DEFINITION}?fieldManager={MANAGER}", patch, JSON_PATCH)
    fields = [each for each in changed["metadata"]["managedFields"] if each["manager"] != MANAGER]
    call("PATCH", DEFINITION, [{"op": "replace", "path": "/metadata/managedFields", "value": fields}], JSON_PATCH)


def test(namespace: str, name: str, family: str, runtime: str, labels: str) -> None:
    """Create a Function, call it and delete it; the exit code is 0 if it responds with "it works"."""
    functions = f"{FUNCTIONS}/namespaces/{namespace}/functions"
    call("DELETE", f"{functions}/{name}")
    wait("the Function of an earlier test still exists", lambda: call("GET", f"{functions}/{name}") is None)
    spec = {"runtime": runtime, "source": {"inline": {"source": FAMILIES[family].sample}}}
    metadata = {"name": name, "labels": json.loads(labels)}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata, "spec": spec}
    call("POST", functions, body)

    def ready() -> bool:
        conditions = call("GET", f"{functions}/{name}").get("status", {}).get("conditions", ())
        found = [condition for condition in conditions if condition["type"] == "Ready"]
        print(*(f"{each['status']} {each['reason']}: {each['message']}" for each in found), flush=True)
        return any(each["status"] == "True" for each in found)

    wait(f"Function {name} is not Ready; it is kept for inspection", ready)
    service = call("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
    with urllib.request.urlopen(f"http://{service['spec']['clusterIP']}/", timeout=30) as response:
        text = response.read().decode()
    print(text)
    call("DELETE", f"{functions}/{name}")
    sys.exit(text != "it works")


JOBS: dict[str, Callable[..., None]] = {"release": release, "test": test}
JOBS[sys.argv[1]](*sys.argv[2:])
