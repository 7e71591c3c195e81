"""Pods of Functions when they start, are edited, crash and are deleted."""

import contextlib
import hashlib
import http.client
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.cluster.control_plane import Manifest, wait_until
from support.node.load import steady
from support.node.testbed import Functions, container_status

LANGUAGES = {"python": "python312", "nodejs": "nodejs22"}
every_language = pytest.mark.parametrize("language", LANGUAGES)
CPU: Manifest = {
    "resourceConfiguration": {"function": {"resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "1"}}}}
}

RETURNS = {
    "python": "def main(event, context):\n    return {!r}\n",
    "nodejs": "module.exports = {{main: () => {!r}}}\n",
}
NASTY = "$$ $(HOME) ${HOME} $(FUNC_NAME) \\n \\\\ \\c %s %% ' \" ` é 😀"
OWN_BYTES = {
    "python": "# " + NASTY + "\r\n"
    "def main(event, context):\n    import hashlib\n    return hashlib.sha256(open(__file__, 'rb').read()).hexdigest()",
    "nodejs": "// " + NASTY + "\r\nconst {createHash} = require('crypto'), {readFileSync} = require('fs');\n"
    "exports.main = () => createHash('sha256').update(readFileSync(__filename)).digest('hex')",
}
PRE_STOP_SECONDS = 5
BROKEN = {"python": "def main(:\n", "nodejs": "module.exports = {\n"}
SLOW = {
    "python": "import time\ndef main(event, context):\n    time.sleep(6.5)\n    return 'whole'\n",
    "nodejs": "exports.main = () => new Promise((done) => setTimeout(() => done('whole'), 6500))\n",
}
CRASHES = {
    "python": "import os, requests\n"
    "def main(event, context):\n"
    "    if event['extensions']['request'].path == '/crash':\n        os._exit(7)\n"
    "    return str(os.stat('/kubeless/.local').st_mtime_ns)\n",
    "nodejs": "const {statSync} = require('fs'); require('dayjs');\n"
    "exports.main = ({extensions: {request}}) => {\n"
    "  if (request.path === '/crash') process.exit(7);\n"
    "  return String(statSync('/usr/src/app/function/node_modules', {bigint: true}).mtimeNs);\n};\n",
}
DEPENDENCIES = {"python": "requests", "nodejs": '{"dependencies": {"dayjs": "1"}}'}
STARTS_SLOWLY = "import time\ntime.sleep(45)\ndef main(event, context):\n    return 'at last'\n"


@every_language
def test_an_edit_loses_no_request(functions: Functions, language: str) -> None:
    """No request fails during a rollout under load: of 10,000 each is answered by the old code or the new."""
    functions.create("hello", RETURNS[language].format("old"), LANGUAGES[language], **CPU)
    functions.wait_until_ready("hello")
    (old,) = functions.pods("hello")
    with steady(node_port(functions)) as load:
        wait_until(lambda: load.requests > 2000, "2,000 requests", 120)
        functions.edit("hello", RETURNS[language].format("new"))
        wait_until(lambda: load.answers["new"], "a response of the new code", 60)
        wait_until(lambda: old["metadata"]["name"] not in pod_names(functions), "the old pod to be deleted", 60)
        before = load.answers["old"]
        wait_until(lambda: load.requests > 10_000, "10,000 requests", 120)
    assert load.errors == []
    assert set(load.answers) == {"old", "new"}
    assert load.answers["old"] == before
    print(f"{load.requests} requests, {load.answers}")


def node_port(functions: Functions) -> int:
    """Return a port of this machine that has the endpoints of the Function's Service."""
    service = functions.stack.get("services", functions.namespace, "hello") or {}
    ports = [{"port": 80, "targetPort": 8080}]
    spec = {"type": "NodePort", "selector": service["spec"]["selector"], "ports": ports}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "node-port"}, "spec": spec}
    code, created = functions.plane.call("POST", f"/api/v1/namespaces/{functions.namespace}/services", body)
    assert code == 201, created
    port = int(created["spec"]["ports"][0]["nodePort"])
    wait_until(lambda: http_status(port) == 200, "the node port")
    return port


def http_status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def pod_names(functions: Functions) -> list[str]:
    return [pod["metadata"]["name"] for pod in functions.pods("hello")]


@every_language
def test_the_code_arrives_byte_for_byte(functions: Functions, language: str) -> None:
    """The file in the pod has the digest of the source in the Function."""
    source = OWN_BYTES[language]
    functions.create("hello", source, LANGUAGES[language])
    functions.wait_until_ready("hello")
    assert functions.get("hello") == (200, hashlib.sha256(source.encode()).hexdigest())


@every_language
def test_a_restart_installs_nothing(functions: Functions, language: str) -> None:
    """A crashed container restarts with the installed packages: the install step does not run again."""
    functions.create("hello", CRASHES[language], LANGUAGES[language], DEPENDENCIES[language])
    functions.wait_until_ready("hello")
    (before,) = functions.pods("hello")
    installed = functions.get("hello")
    with pytest.raises((OSError, http.client.HTTPException)):
        functions.get("hello", "/crash")
    wait_until(lambda: functions.restarts("hello") == 1, "a restart")
    assert wait_until(lambda: response_if_reachable(functions), "a response of the new container") == installed
    (after,) = functions.pods("hello")
    assert container_status(after)["lastState"]["terminated"]["exitCode"] == 7
    assert container_status(after, "install-dependencies") == container_status(before, "install-dependencies")


def response_if_reachable(functions: Functions) -> tuple[int, str] | None:
    """
    Return the response of the Function, None while its Service has no endpoints.

    Between two rules of kube-proxy a request may leave the node, and something else may respond to it.
    """
    with contextlib.suppress(OSError, http.client.HTTPException):
        response = functions.get("hello")
        return response if response[0] == 200 else None
    return None


@every_language
def test_a_handler_that_cannot_load_never_becomes_ready(functions: Functions, language: str) -> None:
    """Its container restarts with exit code 1 and the error, and no request reaches it."""
    functions.create("hello", BROKEN[language], LANGUAGES[language])
    wait_until(lambda: functions.restarts("hello") >= 2, "two restarts", 90)
    (pod,) = functions.pods("hello")
    ended = container_status(pod)["lastState"]["terminated"]
    assert ended["exitCode"] == 1
    assert "SyntaxError" in ended["message"].strip().rpartition("\n")[2]
    assert container_status(pod)["ready"] is False
    assert functions.condition("hello").get("status") == "False"
    with pytest.raises(OSError, match=r"refused|timed out"):
        functions.get("hello", timeout=2)


def test_a_slow_start_is_not_cut_short(functions: Functions) -> None:
    """A handler that takes longer to load than a liveness probe would wait becomes Ready without a restart."""
    functions.create("hello", STARTS_SLOWLY)
    functions.wait_until_ready("hello")
    assert functions.get("hello") == (200, "at last")
    assert functions.restarts("hello") == 0


@every_language
def test_a_deleted_pod_finishes_its_requests(functions: Functions, language: str) -> None:
    """A request in flight at SIGTERM, 5 s after the deletion, is answered; the pod ends within 8 s of SIGTERM."""
    functions.create("hello", SLOW[language], LANGUAGES[language])
    functions.wait_until_ready("hello")
    answers: list[object] = []
    request = in_background(lambda: answers.append(functions.get("hello")))
    time.sleep(0.3)
    (pod,) = functions.pods("hello")
    deleted = datetime.now(UTC)
    functions.plane.kubectl("delete", "pod", pod["metadata"]["name"], "-n", functions.namespace, "--wait=false")
    wait_until(lambda: pod["metadata"]["name"] not in pod_names(functions), "the pod to be deleted", interval=0.05)
    seconds = (datetime.now(UTC) - deleted).total_seconds()
    request.join()
    assert answers == [(200, "whole")]
    # A process that does not end is killed 25 s after SIGTERM, so the bound does not depend on this machine.
    assert seconds < PRE_STOP_SECONDS + 8
    print(f"deleted after {seconds:.1f} s")


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
