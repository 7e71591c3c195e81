"""
The Dockerfile: what it says, and what comes of its steps.

No container engine is needed: the steps of the build stage run in a scratch directory, on this Python, and what
they make is started as the image would start it, with no source tree and no development dependency in reach.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.dockerfile import Step, steps

import hooks

ROOT = Path(__file__).parents[2]
STEPS = steps(ROOT / "Dockerfile")
TARGET = "/opt/buildless"
NOT_IN_THE_IMAGE = ("deepdiff", "hypothesis", "jsonschema", "mypy", "pip", "pytest", "ruff", "setuptools")
NEVER_LOADED = ("deepdiff", "kubernetes", "kr8s", "lightkube", "kopf", "pytest", "jsonschema", "hooks.cli")
FUNCTION = {
    "apiVersion": "serverless.kyma-project.io/v1alpha2",
    "kind": "Function",
    "metadata": {"name": "hello", "namespace": "default", "uid": "0-0", "generation": 1},
    "spec": {"runtime": "python312", "source": {"inline": {"source": "def main(event, context): return 1"}}},
}


def only(word: str) -> str:
    """Return what follows an instruction that may stand in the Dockerfile once."""
    (rest,) = [step.rest for step in STEPS if step.word == word]
    return rest


def stages() -> list[list[Step]]:
    """Return the instructions of each stage, its FROM first."""
    found: list[list[Step]] = []
    for step in STEPS:
        if step.word == "FROM":
            found.append([])
        found[-1].append(step)
    return found


def test_every_instruction_is_known() -> None:
    """Nothing is used that this lint does not understand; ADD, which can fetch from anywhere, least of all."""
    known = {"FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "EXPOSE", "ENTRYPOINT"}
    assert {step.word for step in STEPS} == known


def test_base_images_are_pinned() -> None:
    """Every stage starts from one and the same image of one Python version, by its digest."""
    images = {step.rest.split()[0] for step in STEPS if step.word == "FROM"}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-trixie@sha256:[0-9a-f]{64}", images.pop())


def test_user_is_a_number_other_than_root() -> None:
    """Kubernetes can check runAsNonRoot only where USER is a number."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))


def test_entrypoint_is_in_exec_form() -> None:
    """The service itself gets the signals, not a shell around it."""
    assert json.loads(only("ENTRYPOINT")) == [f"{TARGET}/bin/buildless", "serve"]


def test_packages_are_checked_against_their_hashes() -> None:
    """pip installs nothing by name: only locked requirements, or the wheel that was just built."""
    installs = [line for step in STEPS for line in step.rest.split("&&") if " install " in line]
    assert len(installs) == 3
    for line in installs:
        assert ("--require-hashes -r requirements" in line) != ("--no-deps --no-index" in line)


def test_last_stage_takes_only_what_was_built() -> None:
    """No source tree, no shell step and no secret reaches the image; everything comes from the build stage."""
    last = stages()[-1]
    assert [step.rest for step in last if step.word == "COPY"] == [f"--from=build {TARGET} {TARGET}"]
    assert not [step for step in last if step.word == "RUN"]


def test_labels_tell_version_and_licence() -> None:
    """The image says what it is, and in the package's own version."""
    labels = dict(pair.split("=", 1) for pair in shlex.split(only("LABEL")))
    assert labels["org.opencontainers.image.version"] == hooks.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_builder_is_sent_what_is_copied_and_no_more() -> None:
    """.dockerignore shuts everything out, then lets in exactly what COPY names."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    copied = [name for step in stages()[0] if step.word == "COPY" for name in step.rest.split()[:-1]]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)


LOCKS = [*ROOT.glob("requirements*.txt"), ROOT / "runtimes/python/requirements.txt"]


def pins(lock: Path) -> set[str]:
    """Return the versions that a lock pins, like "flask==3.1.3"."""
    return set(re.findall(r"^\S+==\S+", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_locks_name_no_place(lock: Path) -> None:
    """A lock pins versions and hashes; where packages come from is for whoever installs them."""
    text = lock.read_text()
    assert "--hash=sha256:" in text
    # The one path in a lock is that of the lock which gives uv its version.
    stated = text.replace("# via -c runtimes/python/requirements.txt", "")
    assert not re.search(r"://|^-|^--(index|find|extra|trusted)|/[a-z]+/", stated, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_locks_hash_every_file(lock: Path) -> None:
    """Every line of a lock is a comment, a pin or a hash, and every pin has a hash."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"\S+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines)
    assert all(not line.endswith("\\") or following.startswith("    --hash=") for line, following in pairwise(lines))


def test_image_lock_is_part_of_the_development_lock() -> None:
    """What is tested is what runs: both locks pin the same versions."""
    development = pins(ROOT / "requirements-dev.txt")
    assert pins(ROOT / "requirements.txt") < development
    assert pins(ROOT / "requirements-build.txt") < development


def test_the_build_lock_is_what_pyproject_names() -> None:
    """The package is built with the version of setuptools in pyproject.toml, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pins(ROOT / "requirements-build.txt") == set(project["build-system"]["requires"])


def test_there_is_one_version_of_uv() -> None:
    """The uv that sets up a checkout is the one that installs the packages of a Function."""
    (uv,) = pins(ROOT / "requirements-uv.txt")
    assert uv in pins(ROOT / "runtimes/python/requirements.txt")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build stage leaves in /opt/buildless, made read-only."""
    scratch = tmp_path_factory.mktemp("image")
    target = scratch / "opt"
    # The base image's Python, played by a fresh virtual environment.
    subprocess.run([sys.executable, "-m", "venv", scratch / "base"], check=True)
    environment = clean(PATH=f"{scratch / 'base' / 'bin'}:{os.environ['PATH']}")
    here = scratch
    for step in stages()[0]:
        if step.word == "WORKDIR":
            here = scratch / step.rest.lstrip("/")
            here.mkdir()
        elif step.word == "COPY":
            copy(step.rest.split(), here)
        elif step.word == "RUN":
            command = step.rest.replace(TARGET, str(target)).replace("/src/", f"{here}/")
            subprocess.run(command, shell=True, check=True, cwd=here, env=environment)
    shutil.rmtree(here)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return target


def copy(names: list[str], destination: Path) -> None:
    """Do what COPY does."""
    for name in names[:-1]:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, destination / names[-1], ignore=ignored)
        else:
            shutil.copy(ROOT / name, destination)


def clean(**extra: str) -> dict[str, str]:
    """Return an environment in which Python hears of nothing but how to reach packages."""
    return {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_"))} | extra


class Service(NamedTuple):
    """The service of the image: its process, where it listens, and where it writes its log."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def workers(self) -> list[str]:
        """Return the ids of the processes that answer."""
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def call(self, path: str, body: Any = None) -> tuple[int, bytes]:
        """Make one request; a body is sent as JSON."""
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()


@pytest.fixture(scope="module")
def service(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The image's entry point, running; its log names every module it loads."""
    scratch = tmp_path_factory.mktemp("service")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    command = [part.replace(TARGET, str(image)) for part in json.loads(only("ENTRYPOINT"))]
    environment = clean(PYTHONDONTWRITEBYTECODE="1", PYTHONPROFILEIMPORTTIME="1")
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--bind", address], cwd="/", env=environment, stderr=log)
        try:
            running = Service(process, f"http://{address}", scratch / "log")
            wait_until_ready(running)
            yield running
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


def wait_until_ready(service: Service) -> None:
    """Return once /readyz answers and both workers are there; fail with the log if the process ends before."""
    for _ in range(600):
        assert service.process.poll() is None, service.log.read_text()
        with contextlib.suppress(urllib.error.URLError):
            if service.call("/readyz")[0] == 200 and len(service.workers()) == 2:
                return
        time.sleep(0.05)
    pytest.fail(service.log.read_text())


@pytest.mark.image
def test_no_development_dependency_is_in_the_image(image: Path) -> None:
    """What only developers need is not there to be loaded, attacked or updated."""
    check = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n)])"
    python = [image / "bin" / "python", "-I", "-c", check, *NOT_IN_THE_IMAGE, "hooks"]
    found = subprocess.run(python, check=True, capture_output=True, text=True, cwd="/", env=clean())
    assert found.stdout.split() == ["hooks"]


@pytest.mark.image
def test_bytecode_is_complete_and_never_checked(image: Path) -> None:
    """Python finds its bytecode in a read-only image whose files have no times (PEP 552: flags are 1)."""
    compiled = list(image.glob("lib/**/__pycache__/*.pyc"))
    assert len(compiled) == len(list(image.glob("lib/**/*.py")))
    assert {file.read_bytes()[4:8] for file in compiled} == {b"\1\0\0\0"}


@pytest.mark.image
def test_service_answers_a_sync(service: Service) -> None:
    """The image as it ships turns a Function into children."""
    code, body = service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    assert code == 200
    assert {child["kind"] for child in json.loads(body)["children"]} == {"Deployment", "Service", "ServiceAccount"}


@pytest.mark.image
def test_service_loads_only_what_it_needs(service: Service) -> None:
    """Neither DeepDiff nor a Kubernetes client nor the other commands are ever loaded, not even by an answer."""
    service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    # The command line's own imports end where it becomes gunicorn, and Python prints its heading anew.
    log = service.log.read_text().rpartition("imported package")[2]
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", log, re.MULTILINE))
    assert {"flask", "hooks.sync"} <= loaded
    assert not {name for name in loaded if name.startswith(NEVER_LOADED)}


@pytest.mark.image
def test_service_writes_nothing_beside_itself(image: Path, service: Service) -> None:
    """The package directory is the same after an answer as before: a read-only root file system is enough."""
    before = {path: path.lstat().st_mtime_ns for path in image.rglob("*")}
    service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    assert {path: path.lstat().st_mtime_ns for path in image.rglob("*")} == before


@pytest.mark.image
def test_silent_clients_hold_up_nobody_over_tls(image: Path, tmp_path: Path) -> None:
    """Sixteen connections that say nothing, not even a handshake, keep no other client from its answer."""
    files = {"--tls-certificate": tmp_path / "tls.crt", "--tls-key": tmp_path / "tls.key"}
    made = ["-subj", "/CN=localhost", "-out", files["--tls-certificate"], "-keyout", files["--tls-key"]]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *made], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    entry = [part.replace(TARGET, str(image)) for part in json.loads(only("ENTRYPOINT"))]
    flags = [str(word) for pair in files.items() for word in pair]
    process = subprocess.Popen([*entry, "--bind", f"127.0.0.1:{port}", *flags], cwd="/", env=clean())
    context = ssl.create_default_context(cafile=str(files["--tls-certificate"]))
    try:
        while not (answer := over_tls(context, port)):
            assert process.poll() is None
            time.sleep(0.1)
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(16)]
        answer = over_tls(context, port)
        for client in silent:
            client.close()
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert answer.startswith(b"HTTP/1.1 200")


def over_tls(context: ssl.SSLContext, port: int) -> bytes:
    """Return the beginning of the answer to one probe over HTTPS, nothing where it is refused or not given in time."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return client.recv(99)
    except OSError:
        return b""


@pytest.mark.image
def test_silent_clients_free_their_workers(service: Service) -> None:
    """A client that falls silent is let go: its worker answers the next one, and is not killed for it."""
    workers = service.workers()
    head = b"POST /v1/sync HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    host, port = service.url.removeprefix("http://").split(":")
    clients = [socket.create_connection((host, int(port))) for _ in workers]
    clients[0].sendall(head)  # falls silent within the body, the others before the request
    assert service.call("/healthz")[0] == 200
    answers = [client.recv(99).split(b"\r\n")[0] for client in clients]
    for client in clients:
        client.close()
    assert service.workers() == workers
    assert answers == [b"HTTP/1.1 400 BAD REQUEST", b""]
    assert "Traceback" not in service.log.read_text()
