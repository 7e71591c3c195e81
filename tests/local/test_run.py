"""`buildless run` with real processes: responses, changed files, restarts, and clean-up."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml
from support import node26
from support.cases import ROOT
from support.local_run import HELLO, SECONDS, function, inside, running, wait_until

from hooks.cli import runtime_cache
from hooks.config import Config
from hooks.runtimes import FAMILIES

pytestmark = pytest.mark.sampled

EXAMPLES = ROOT / "examples"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "functions.yaml"
    path.write_text(function())
    return path


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="LEFT OUT: there is no /proc to find processes")
def test_ctrl_c_leaves_no_process_and_no_file(file: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(file)) as run:
        assert run.get("hello") == (200, "one")
        started = inside(run.temporary)
        assert started
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(SECONDS) == 0
    assert not list(run.temporary.iterdir())
    assert not any(process.exists() for process in started)


def test_a_saved_file_loses_no_request(file: Path, tmp_path: Path) -> None:
    answers: list[tuple[int, str]] = []
    with running(tmp_path, str(file)) as run:
        run.url("hello")
        stop = threading.Event()

        def send() -> None:
            while not stop.is_set():
                answers.append(run.get("hello"))

        sending = threading.Thread(target=send)
        sending.start()
        file.write_text(function(source=HELLO.replace("one", "two")))
        wait_until(lambda: bool(answers) and answers[-1] == (200, "two"))
        # Until the old process has finished draining.
        time.sleep(1.5)
        stop.set()
        sending.join()
    assert set(answers) == {(200, "one"), (200, "two")}
    assert answers == sorted(answers), "the old code responded after the new one"


@pytest.mark.parametrize(
    ("broken", "output"),
    [
        (function(source="def main(:"), "SyntaxError"),
        (function(source="x = 1"), "no function main"),
        ("kind: [", "functions.yaml:"),
        (function(runtime="cobol"), "spec.runtime"),
    ],
)
def test_a_broken_file_keeps_the_old_version(file: Path, tmp_path: Path, broken: str, output: str) -> None:
    with running(tmp_path, str(file)) as run:
        run.url("hello")
        file.write_text(broken)
        run.wait_for(output)
        assert run.get("hello") == (200, "one")
        file.write_text(function(source=HELLO.replace("one", "corrected")))
        wait_until(lambda: run.get("hello") == (200, "corrected"))


def test_environment_and_files_are_those_of_the_pod(file: Path, tmp_path: Path) -> None:
    source = """
import os

def main(event, context):
    names = ("PLAIN", "ESCAPED", "REFERRED", "SECRET", "POD", "CHUNK")
    return {n: os.environ.get(n) for n in names} | {"file": open(os.environ["PLACE"]).read(), "sign": "$(PLAIN) $$"}
"""
    env = [
        {"name": "PLAIN", "value": "plain"},
        {"name": "ESCAPED", "value": "$$(PLAIN)"},
        {"name": "REFERRED", "value": "a $(PLAIN) b"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "CHUNK", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k", "optional": True}}},
        {"name": "PLACE", "value": "/etc/it/k"},
    ]
    secret = yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "dg=="}})
    mounts = [{"secretName": "s", "mountPath": "/etc/it"}]
    file.write_text(f"{secret}---\n{function(source=source, env=env, secretMounts=mounts)}")
    with running(tmp_path, str(file)) as run:
        answer = yaml.safe_load(run.get("hello")[1])
    assert answer == {
        "PLAIN": "plain",
        "ESCAPED": "$(PLAIN)",
        "REFERRED": "a plain b",
        "SECRET": "v",
        "POD": "default",
        "CHUNK": None,
        "file": "v",
        "sign": "$(PLAIN) $$",
    }


def test_functions_call_each_other_by_name(file: Path, tmp_path: Path) -> None:
    source = """
import os, urllib.request

def main(event, context):
    return "hello responds " + urllib.request.urlopen(os.environ["URL"]).read().decode()
"""
    env = [{"name": "URL", "value": "http://hello.default.svc.cluster.local/path"}]
    file.write_text(f"{function()}---\n{function('caller', source, env=env)}")
    with running(tmp_path, str(file)) as run:
        run.url("hello")
        assert run.get("caller") == (200, "hello responds one")


def test_a_process_that_exits_is_restarted(file: Path, tmp_path: Path) -> None:
    file.write_text(function(source="import os\ndef main(event, context):\n    os._exit(3)\n"))
    with running(tmp_path, str(file)) as run:
        with contextlib.suppress(OSError, http.client.HTTPException):
            run.get("hello")
        run.wait_for("exited with code 3")
        run.wait_for("ready in", times=2)


@pytest.mark.parametrize(
    ("text", "code", "output"),
    [
        (function(), 0, "answered 200: one"),
        (function(source="def main(event, context):\n    return 1 / 0\n"), 1, "answered 500"),
        (function(source="x = 1"), 1, "no function main"),
        (function(runtime="cobol"), 1, "spec.runtime"),
        (function(replicas=0), 0, "off (replicas: 0)"),
        (function(secretMounts=[{"secretName": "s", "mountPath": "/s"}]), 1, "Secret s is in none of the files"),
    ],
)
def test_once_sends_one_request(file: Path, tmp_path: Path, text: str, code: int, output: str) -> None:
    file.write_text(text)
    with running(tmp_path, str(file), "--once") as run:
        assert run.process.wait(SECONDS) == code
    assert output in run.output
    assert not list(run.temporary.iterdir())


def test_without_node_the_others_run(file: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "env", "uname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(runtime_cache.cache_directory().parent)}
    script = "module.exports = {main: () => ''}"
    file.write_text(f"{function()}---\n{function('js', script, 'nodejs22')}")
    with running(tmp_path, str(file), "--once", PATH=str(tools), **env) as run:
        assert run.process.wait(SECONDS) == 1
    assert run.output.count("Functions for Node.js cannot run: node, npm not found on PATH") == 1
    assert re.search(r"^  js     failed  not started: node, npm not found on PATH$", run.output, re.MULTILINE)
    assert "answered 200: one" in run.output


def test_another_version_of_the_interpreter_is_named(file: Path, tmp_path: Path) -> None:
    """If this machine lacks the Python of a runtime, another one runs the Function, and the output names it."""
    (tmp_path / "config.yaml").write_text("runtimes: {python399: {family: python, image: python399}}")
    file.write_text(function(runtime="python399"))
    with running(tmp_path, str(file), "--once", "--config", str(tmp_path / "config.yaml")) as run:
        assert run.process.wait(SECONDS) == 0
    assert re.search(r"^python399 runs with Python 3\.[0-9.]+, the nearest here$", run.output, re.MULTILINE)


RUNTIMES = {name: FAMILIES[runtime.family] for name, runtime in Config().runtimes.items()}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_runs(file: Path, tmp_path: Path, runtime: str) -> None:
    """The sample of each family responds as `helm test` expects, in the older and the newer style of handlers."""
    if missing := runtime_cache.missing_programs(RUNTIMES[runtime].name):
        pytest.skip(f"LEFT OUT: not on PATH: {', '.join(missing)}")
    file.write_text(function(source=RUNTIMES[runtime].sample, runtime=runtime))
    with running(tmp_path, str(file), "--once", PATH=path_for(runtime)) as run:
        assert run.process.wait(SECONDS) == 0
    assert "answered 200: it works" in run.output


def path_for(runtime: str) -> str:
    """Return a PATH with a Node.js that has the newer style."""
    return node26.path() if runtime == "nodejs26" else os.environ["PATH"]


@pytest.mark.parametrize(
    ("example", "runtime", "answer"),
    [
        ("nodejs-express", "nodejs26", '{"function":"nodejs-express","event":null}'),
        ("python-flask", "python314", '{"event":null,"function":"python-flask"}'),
    ],
)
def test_the_examples_of_the_newer_style_run(tmp_path: Path, example: str, runtime: str, answer: str) -> None:
    with running(tmp_path, str(EXAMPLES / f"{example}.yaml"), "--once", PATH=path_for(runtime)) as run:
        assert run.process.wait(SECONDS) == 0
    assert f"{example} | GET / answered 200: {answer}" in run.output
