"""`buildless eject --app`: a directory with code, server, Dockerfile and manifests, which starts without Docker."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import node26
from support.cases import ROOT
from support.dockerfile import steps
from support.local_git import URL, git_function, instead_of, repository
from support.local_run import HELLO, function, wait_until
from support.ports import free_port
from support.runtime_servers import NEEDS

from hooks.cli import main, runtime_cache
from hooks.cli.eject.languages import LANGUAGES
from hooks.config import Config
from hooks.runtimes import FAMILIES

Eject = Callable[..., tuple[int, str]]
Manifest = dict[str, Any]
SECRET = {"valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}}
SOURCES = {"python": HELLO, "nodejs": "module.exports = { main: () => 'one' };\n"}


@pytest.fixture
def eject(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Eject:
    """Make an app of a text with Functions in the directory `app`; return the exit code and the errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)

    def run(text: str, *arguments: str, directory: str = "app") -> tuple[int, str]:
        Path("objects.yaml").write_text(text)
        code = main(["eject", "objects.yaml", "--app", directory, *arguments])
        return code, capsys.readouterr().err

    return run


def files(directory: Path) -> dict[str, bytes]:
    return {str(each.relative_to(directory)): each.read_bytes() for each in directory.rglob("*") if each.is_file()}


def manifests(app: Path) -> dict[str, Manifest]:
    (file,) = yaml.safe_load((app / "manifests/kustomization.yaml").read_text())["resources"]
    return {each["kind"]: each for each in yaml.safe_load_all((app / "manifests" / file).read_text())}


@pytest.mark.parametrize("runtime", Config().runtimes)
def test_the_dockerfile_is_that_of_the_runtime(eject: Eject, tmp_path: Path, runtime: str) -> None:
    """It has the base image of the version and the steps of the server, copies what is there; hadolint accepts it."""
    family = Config().runtimes[runtime].family
    packages = "requests\n" if family == "python" else '{"dependencies": {"lodash": "4"}}'
    assert eject(function("hello", SOURCES[family], runtime, packages)) == (0, "")
    made, own = steps(tmp_path / "app/Dockerfile"), steps(ROOT / f"runtimes/{family}/Dockerfile")
    version = FAMILIES[family].interpreter.version_of(runtime)
    (image,) = (step.rest.partition(" AS ")[0] for step in own if step.rest.endswith(version) and step.word == "FROM")
    assert [step.rest for step in made if step.word == "FROM"] == [image]
    server = [step for step in own if step.word not in ("FROM", "ARG")]
    fetched = re.compile(" fetch[-_]source\\.\\w+")
    assert made[1 : len(server) + 1] == [step._replace(rest=fetched.sub("", step.rest)) for step in server]
    copied = [each for step in made if step.word == "COPY" for each in step.rest.split()[:-1]]
    ignored = (tmp_path / "app/.dockerignore").read_text().splitlines()
    assert all((tmp_path / "app" / each).exists() and each not in ignored for each in copied)
    assert made[-1] == ("USER", "1000")
    hadolint = Path(sys.executable).with_name("hadolint")
    subprocess.run([hadolint, tmp_path / "app/Dockerfile"], check=True)


@pytest.mark.parametrize("runtime", Config().runtimes)
def test_the_pods_need_the_image_only(eject: Eject, tmp_path: Path, runtime: str) -> None:
    """The Deployment has neither source nor init containers, and nothing covers the code; the rest stays."""
    family = Config().runtimes[runtime].family
    mounts = [{"secretName": "login", "mountPath": "/etc/login"}]
    assert eject(function("hello", SOURCES[family], runtime, secretMounts=mounts)) == (0, "")
    pod = manifests(tmp_path / "app")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert "initContainers" not in pod
    assert container["image"] == "hello"
    assert not {"command", "workingDir"} & container.keys()
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/tmp", "/etc/login"]
    assert [each["name"] for each in container["volumeMounts"]] == [each["name"] for each in pod["volumes"]]
    assert not [each for each in container["env"] if each["name"].startswith("FUNC_HANDLER_")]
    (image,) = yaml.safe_load((tmp_path / "app/manifests/kustomization.yaml").read_text())["images"]
    assert image == {"name": "hello", "newName": "registry.example.com/hello", "newTag": "1"}


def test_a_custom_image_is_the_base(eject: Eject, tmp_path: Path) -> None:
    """With runtimeImageOverride the image of the author has the server, and only the code is added."""
    assert eject(function(runtimeImageOverride="registry.example/own:1"))[0] == 0
    made = steps(tmp_path / "app/Dockerfile")
    assert made[0] == ("FROM", "registry.example/own:1")
    assert [step.rest for step in made if step.word == "COPY"] == ["function ./"]
    assert "kubeless.py" in made[-1].rest


def test_secrets_are_named_and_not_written(eject: Eject, tmp_path: Path) -> None:
    """The README names what comes from elsewhere; no file has a value of a Secret."""
    env = [{"name": "TOKEN", **SECRET}, {"name": "URL", "value": "http://x/$(TOKEN)"}, {"name": "B", "value": "$(C)"}]
    where = [{"secretRef": {"name": "all"}, "prefix": "P_"}]
    mounts = [{"configMapName": "settings", "mountPath": "/etc/settings"}]
    data = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"token": "hunter2"}}
    text = function(env=env, envFrom=where, configMapMounts=mounts)
    assert eject(f"{yaml.safe_dump(data)}---\n{text}")[0] == 0
    readme = (tmp_path / "app/README.md").read_text()
    for row in (
        "| `P_*` | all keys of the Secret `all` |",
        "| `TOKEN` | key `token` of the Secret `login` |",
        "| `URL` | its value in `manifests/`, which has to be set by hand |",
        "| `B` | its value in `manifests/`, which has to be set by hand |",
        "| `/etc/settings/` | the ConfigMap `settings` |",
    ):
        assert row in readme
    assert not [name for name, content in files(tmp_path / "app").items() if b"hunter2" in content]


VALUES = {
    "A": "it's",
    "B": "$(A) $$(A) $HOME `id`",
    "C": "two\nlines",
    "D": "$(NOWHERE)",
    "PUBLISHER_PROXY_ADDRESS": "x",
}


def test_variables_have_their_values(eject: Eject, tmp_path: Path) -> None:
    """env.sh sets what the kubelet sets, byte for byte; a name that is none for a shell is left to the reader."""
    env = [{"name": name, "value": value} for name, value in VALUES.items()]
    assert eject(function(env=[*env, {"name": "x; touch pwned", "value": "1"}]))[0] == 0
    script = ". app/env.sh; for name in A B C D PUBLISHER_PROXY_ADDRESS; do eval printf '%s\\|' '\"$'$name'\"'; done"
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True, env={"HOME": "/"})
    assert done.stdout == "it's|it's $(A) $HOME `id`|two\nlines|$(NOWHERE)|x|"
    assert "`x; touch pwned`" in (tmp_path / "app/README.md").read_text()
    assert not (tmp_path / "pwned").exists()


MAINS = {"./handler.ts": "handler.ts", "handler.mjs": "handler.mjs", "handler.cts": "handler.cts"} | dict.fromkeys(
    ("../../../evil.js", "/etc/passwd", "lib/handler.js", "handler.js/../../x.js", "handler.json", "", 1, None),
    "handler.js",
)


@pytest.mark.parametrize("main_field", MAINS)
def test_the_handler_has_the_name_of_main(eject: Eject, tmp_path: Path, main_field: str | int | None) -> None:
    """An inline source is written as handler with the extension of main, or as handler.js, and nowhere else."""
    packages = json.dumps({"main": main_field})
    assert eject(function("hello", SOURCES["nodejs"], "nodejs24", packages))[0] == 0
    names = {path.name for path in (tmp_path / "app/function").iterdir()}
    assert names == {MAINS[main_field], "package.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"app", "objects.yaml"}


def test_other_files_are_not_touched(eject: Eject, tmp_path: Path) -> None:
    """A directory with other files, and a file, are refused; nothing is written."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/own").write_text("x")
    assert "app is not empty, and was not written by buildless eject" in eject(function())[1]
    for directory in ("app/own", "app/own/below"):
        code, error = eject(function(), directory=directory)
        assert code == 1
        assert "directory" in error
    assert files(tmp_path / "app") == {"own": b"x"}


def test_an_earlier_app_is_replaced(eject: Eject, tmp_path: Path) -> None:
    """What it had written is replaced or removed, in no place that a link names; what has been added stays."""
    app, outside = tmp_path / "app", tmp_path / "outside"
    assert eject(function("hello", SOURCES["nodejs"], "nodejs22"))[0] == 0
    (app / "own").write_text("x")
    outside.mkdir()
    (outside / "kept").write_text("x")
    shutil.rmtree(app / "function")
    (app / "function").symlink_to(outside)
    with (app / ".ejected").open("a") as marker:
        marker.write("../outside\n..\n.\n\nlib/../../outside\n")
    assert eject(function())[0] == 0
    found = files(app)
    assert found["own"] == b"x"
    assert "server.mjs" not in found
    assert not (app / "function").is_symlink()
    assert files(outside) == {"kept": b"x"}
    assert eject(function())[0] == 0
    assert files(app) == found


def test_a_failure_changes_nothing(eject: Eject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that cannot be had leaves an earlier app as it is, and no new directory."""
    for name, value in instead_of({URL: tmp_path / "nothing"}).items():
        monkeypatch.setenv(name, value)
    assert eject(git_function())[0] == 1
    assert not (tmp_path / "app").exists()
    assert eject(function())[0] == 0
    before = files(tmp_path / "app")
    assert eject(git_function())[0] == 1
    assert files(tmp_path / "app") == before


def test_an_app_is_of_one_function(eject: Eject, tmp_path: Path) -> None:
    """Several Functions, none, an invalid one and one of another version of the language are refused."""
    assert eject(function("a") + "---\n" + function("b"))[0] == 2
    assert eject("")[0] == 1
    assert "spec.runtime" in eject(function(runtime="cobol"))[1]
    config = "runtimes: {python39: {family: python, image: x}}\n"
    (tmp_path / "config.yaml").write_text(config)
    code, error = eject(function(runtime="python39"), "--config", "config.yaml")
    assert code == 1
    assert "spec.runtime: Unsupported value: there is a server for Python 3.12, 3.14" in error
    assert not (tmp_path / "app").exists()


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository behind URL with a handler for each family, and a link in it."""
    made = repository(
        tmp_path, {"fn/handler.py": HELLO, "fn/handler.js": SOURCES["nodejs"], "fn/deep/a": "x", "b": "x"}
    )
    os.symlink("deep/a", made.clone / "fn/link")
    made.push({"fn/.hidden": "x"})
    for name, value in instead_of({URL: made.bare}).items():
        monkeypatch.setenv(name, value)
    return made.clone


def test_the_files_of_a_repository_are_copied(eject: Eject, remote: Path, tmp_path: Path) -> None:
    """The directory of the Function is copied, without its history; the README names the commit."""
    assert eject(git_function())[0] == 0
    code = tmp_path / "app/function"
    assert sorted(files(code)) == [".hidden", "deep/a", "handler.js", "handler.py", "link"]
    assert (code / "link").readlink() == Path("deep/a")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=remote, capture_output=True, text=True, check=True).stdout
    assert f"commit {commit.strip()} of {URL}" in (tmp_path / "app/README.md").read_text()
    assert "GitRepository" not in manifests(tmp_path / "app")


def test_a_link_out_of_the_source_is_refused(eject: Eject, remote: Path, tmp_path: Path) -> None:
    """As in a pod; nothing is written."""
    (remote / "fn/out").symlink_to("../../../objects.yaml")
    assert eject(git_function(), "--repository", f"hello={remote}")[0] == 1
    assert not (tmp_path / "app").exists()


def test_an_app_inside_its_source_is_refused(eject: Eject, remote: Path) -> None:
    """The next app would contain the one before."""
    inside = remote / "fn/app"
    assert eject(git_function(), "--repository", f"hello={remote}", directory=str(inside))[0] == 1
    assert not inside.exists()


TYPESCRIPT = (
    "import _ from 'lodash';\nexport const main = (event: object): string => _.snakeCase('One more') + typeof event;\n"
)
STARTS: Mapping[str, tuple[str, str]] = {
    "python": (function("hello", "import idna\n" + HELLO, packages="idna\n"), "one"),
    "python-newer": (function("hello", "def main():\n    return 'newer'\n", "python314"), "newer"),
    "python-git": (git_function(), "one"),
    "nodejs": (function("hello", SOURCES["nodejs"], "nodejs22"), "one"),
    "nodejs-module": (
        function("hello", "export const main = () => 'module';\n", "nodejs22", '{"type": "module"}'),
        "module",
    ),
    "nodejs-typescript": (
        function("hello", TYPESCRIPT, "nodejs24", '{"main": "handler.ts", "dependencies": {"lodash": "4.17.21"}}'),
        "one_moreobject",
    ),
    "nodejs-git": (git_function(runtime="nodejs22"), "one"),
}
"""A Function, and what it answers."""


INSTALL_SECONDS = 240
"""pip installs the packages of the server, where runtime_cache.py may use uv."""


def link_packages(app: Path, family: str) -> None:
    """Set up the server of an app from this machine's cache, so that only the packages of the code are installed."""
    if family == "python":
        packages, lock = runtime_cache.python().parents[1], "requirements.txt"
    else:
        packages, lock = runtime_cache.node_modules(), "package-lock.json"
    made = app / (".venv" if family == "python" else packages.name)
    made.mkdir()
    for each in packages.iterdir():
        (made / each.name).symlink_to(each)
    shutil.copy(app / lock, made / ".installed")


@contextmanager
def started(app: Path, path: str = "") -> Iterator[str]:
    """Follow the README; yield the address of the app."""
    (command,) = re.findall(r"## Run it on this machine\n\n```sh\n(.*)\n```", (app / "README.md").read_text())
    port, log = free_port(), app.with_name("log")
    with log.open("w") as output:
        env = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=app,
            env=env | {"PORT": str(port), "PYTHON": sys.executable, "PATH": path or env["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: process.poll() is not None or answers(port), INSTALL_SECONDS)
        assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.sampled
@pytest.mark.usefixtures("remote")
@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS[name.partition("-")[0]]) for name in STARTS])
def test_an_app_starts_without_docker(eject: Eject, tmp_path: Path, name: str) -> None:
    """The command in the README installs what is needed and starts the app, which answers; also a second time."""
    text, answer = STARTS[name]
    assert eject(text)[0] == 0
    if name not in LANGUAGES:
        link_packages(tmp_path / "app", name.partition("-")[0])
    path = node26.path() if name == "nodejs-typescript" else ""
    for _ in range(2):
        with started(tmp_path / "app", path) as url, urllib.request.urlopen(url, timeout=10) as response:
            assert response.read().decode() == answer


def test_every_family_has_a_row() -> None:
    """LANGUAGES names the languages of FAMILIES."""
    assert set(LANGUAGES) == set(FAMILIES)
