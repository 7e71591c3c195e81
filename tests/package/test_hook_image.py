"""
The Dockerfile of the hook and the result of its steps.

No container engine is needed: the steps of the build stage run in a scratch directory with this Python. The result is
started with the image's entry point, without the source tree and without development dependencies.
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
from support.left_out import require_program
from support.ports import free_port

import hooks

ROOT = Path(__file__).parents[2]
STEPS = steps(ROOT / "Dockerfile")
TARGET = "/opt/buildless"
NOT_IN_THE_IMAGE = (
    *("deepdiff", "cachebox", "orderly_set"),  # only for `buildless diff`
    *("hypothesis", "jsonschema", "mypy", "pip", "pytest", "ruff", "setuptools"),
)
NEVER_LOADED = ("deepdiff", "kubernetes", "kr8s", "lightkube", "kopf", "pytest", "jsonschema", "hooks.cli")
FUNCTION = {
    "apiVersion": "serverless.kyma-project.io/v1alpha2",
    "kind": "Function",
    "metadata": {"name": "hello", "namespace": "default", "uid": "0-0", "generation": 1},
    "spec": {"runtime": "python312", "source": {"inline": {"source": "def main(event, context): return 1"}}},
}


def only(word: str) -> str:
    """Return the arguments of an instruction that occurs once."""
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


def test_only_these_instructions_are_used() -> None:
    """The Dockerfile has only instructions that these tests understand; not ADD, which can download files."""
    known = {"FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "EXPOSE", "ENTRYPOINT"}
    assert {step.word for step in STEPS} == known


def test_base_images_are_pinned() -> None:
    """All stages start from the same image of Python, with its digest."""
    images = {step.rest.split()[0] for step in STEPS if step.word == "FROM"}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-trixie@sha256:[0-9a-f]{64}", images.pop())


def test_user_is_a_number_other_than_root() -> None:
    """USER is a number other than 0, since Kubernetes checks runAsNonRoot by the number."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))


def test_entrypoint_is_in_exec_form() -> None:
    """The entry point is in exec form, so that the service gets the signals itself."""
    assert json.loads(only("ENTRYPOINT")) == [f"{TARGET}/bin/buildless", "serve"]


def test_packages_are_checked_against_their_hashes() -> None:
    """pip installs only requirements with hashes, or the wheel of this build without an index."""
    installs = [line for step in STEPS for line in step.rest.split("&&") if " install " in line]
    assert len(installs) == 3
    for line in installs:
        assert ("--require-hashes -r requirements" in line) != ("--no-deps --no-index" in line)


def test_last_stage_copies_the_build_only() -> None:
    """The last stage has one COPY, from the build stage, and no RUN."""
    last = stages()[-1]
    assert [step.rest for step in last if step.word == "COPY"] == [f"--from=build {TARGET} {TARGET}"]
    assert not [step for step in last if step.word == "RUN"]


def test_labels_have_version_and_licence() -> None:
    """The labels have the version of the package and its licence."""
    labels = dict(pair.split("=", 1) for pair in shlex.split(only("LABEL")))
    assert labels["org.opencontainers.image.version"] == hooks.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_build_context_is_what_is_copied() -> None:
    """.dockerignore excludes everything but the sources of COPY."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    copied = [name for step in stages()[0] if step.word == "COPY" for name in step.rest.split()[:-1]]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)


LOCKS = [
    *ROOT.glob("requirements*.txt"),
    *(ROOT / name / "requirements.txt" for name in ("runtimes/python", "hooks/cli/debugger")),
]


def pins(lock: Path) -> set[str]:
    """Return the pinned versions of a lock, such as "flask==3.1.3"."""
    return set(re.findall(r"^\S+==\S+", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_locks_name_no_index(lock: Path) -> None:
    """A lock has versions and hashes, but no index, URL or path."""
    text = lock.read_text()
    assert "--hash=sha256:" in text
    # The only path in a lock is that of the lock that pins uv.
    checked = text.replace("# via -c runtimes/python/requirements.txt", "")
    assert not re.search(r"://|^-|^--(index|find|extra|trusted)|/[a-z]+/", checked, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_locks_hash_every_file(lock: Path) -> None:
    """Every line of a lock is a comment, a pin or a hash, and every pin has a hash."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"\S+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines)
    assert all(not line.endswith("\\") or following.startswith("    --hash=") for line, following in pairwise(lines))


def test_image_lock_is_part_of_the_development_lock() -> None:
    """The tests use the versions of the image: the development lock contains its pins."""
    development = pins(ROOT / "requirements-dev.txt")
    assert pins(ROOT / "requirements.txt") < development
    assert pins(ROOT / "requirements-build.txt") < development


def test_the_build_lock_is_what_pyproject_names() -> None:
    """The build lock pins the build requirements of pyproject.toml and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pins(ROOT / "requirements-build.txt") == set(project["build-system"]["requires"])


def test_there_is_one_version_of_uv() -> None:
    """A checkout is set up with the version of uv that installs the packages of Functions."""
    (uv,) = pins(ROOT / "requirements-uv.txt")
    assert uv in pins(ROOT / "runtimes/python/requirements.txt")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The /opt/buildless of the build stage, read-only."""
    scratch = tmp_path_factory.mktemp("image")
    target = scratch / "opt"
    # A new virtual environment takes the place of the base image's Python.
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
    """Execute COPY."""
    for name in names[:-1]:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, destination / names[-1], ignore=ignored)
        else:
            shutil.copy(ROOT / name, destination)


def clean(**extra: str) -> dict[str, str]:
    """Return an environment with only the variables that pip needs to reach its index."""
    return {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_"))} | extra


class Service(NamedTuple):
    """The service of the image: its process, its URL and its log."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def workers(self) -> list[str]:
        """Return the PIDs of the workers."""
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def call(self, path: str, body: Any = None) -> tuple[int, bytes]:
        """Send one request, with a body as JSON; return the HTTP status and the body of the response."""
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()


@pytest.fixture(scope="module")
def service(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The image's entry point, running; its log names every module that it loads."""
    scratch = tmp_path_factory.mktemp("service")
    address = f"127.0.0.1:{free_port()}"
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
    """Return once /readyz has status 200 and both workers run; fail with the log if the process ends before."""
    for _ in range(600):
        assert service.process.poll() is None, service.log.read_text()
        with contextlib.suppress(urllib.error.URLError):
            if service.call("/readyz")[0] == 200 and len(service.workers()) == 2:
                return
        time.sleep(0.05)
    pytest.fail(service.log.read_text())


@pytest.mark.image
def test_no_development_dependency_is_in_the_image(image: Path) -> None:
    """The image contains none of the packages that only developers need."""
    check = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n)])"
    python = [str(image / "bin" / "python"), "-I", "-c", check, *NOT_IN_THE_IMAGE, "hooks"]
    found = subprocess.run(python, check=True, capture_output=True, text=True, cwd="/", env=clean())
    assert found.stdout.split() == ["hooks"]


@pytest.mark.image
def test_bytecode_is_complete_and_never_checked(image: Path) -> None:
    """Every module has unchecked hash-based bytecode (PEP 552: flags are 1), for a read-only file system."""
    compiled = list(image.glob("lib/**/__pycache__/*.pyc"))
    assert len(compiled) == len(list(image.glob("lib/**/*.py")))
    assert {file.read_bytes()[4:8] for file in compiled} == {b"\1\0\0\0"}


@pytest.mark.image
def test_service_answers_a_sync(service: Service) -> None:
    """The service answers a sync with the children of a Function."""
    code, body = service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    assert code == 200
    assert {child["kind"] for child in json.loads(body)["children"]} == {"Deployment", "Service", "ServiceAccount"}


@pytest.mark.image
def test_service_loads_only_what_it_needs(service: Service) -> None:
    """The service loads neither DeepDiff, a Kubernetes client nor the command line, even for a sync."""
    service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    # Python prints this heading again when the command line has become gunicorn.
    log = service.log.read_text().rpartition("imported package")[2]
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", log, re.MULTILINE))
    assert {"flask", "hooks.sync"} <= loaded
    assert not {name for name in loaded if name.startswith(NEVER_LOADED)}


@pytest.mark.image
def test_service_writes_no_file_of_the_package(image: Path, service: Service) -> None:
    """A sync changes no file of the package: a read-only root file system is enough."""
    before = {path: path.lstat().st_mtime_ns for path in image.rglob("*")}
    service.call("/v1/sync", {"parent": FUNCTION, "children": {}, "finalizing": False})
    assert {path: path.lstat().st_mtime_ns for path in image.rglob("*")} == before


@pytest.mark.image
def test_silent_clients_block_no_client_over_tls(image: Path, tmp_path: Path) -> None:
    """Sixteen silent connections without a TLS handshake delay no other client."""
    require_program("openssl")
    files = {"--tls-certificate": tmp_path / "tls.crt", "--tls-key": tmp_path / "tls.key"}
    made = ["-subj", "/CN=localhost", "-out", str(files["--tls-certificate"]), "-keyout", str(files["--tls-key"])]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *made], check=True, capture_output=True)
    port = free_port()
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
    """Send one probe over HTTPS; return the first bytes of the response, b"" after an error or a timeout."""
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
    """The service closes the connection of a silent client; its worker continues and is not killed."""
    workers = service.workers()
    head = b"POST /v1/sync HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    host, port = service.url.removeprefix("http://").split(":")
    clients = [socket.create_connection((host, int(port))) for _ in workers]
    clients[0].sendall(head)  # silent within the body, the others before the request
    assert service.call("/healthz")[0] == 200
    answers = [client.recv(99).split(b"\r\n")[0] for client in clients]
    for client in clients:
        client.close()
    assert service.workers() == workers
    assert answers == [b"HTTP/1.1 400 BAD REQUEST", b""]
    assert "Traceback" not in service.log.read_text()
