"""The start and install scripts, run by every shell on this machine in a temporary directory."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from support import kubelet
from support.cases import NOW, complete
from support.left_out import require_program
from support.offline_metacontroller import World
from support.strategies import texts

from hooks.config import Config
from hooks.environment import source_chunks
from hooks.protocol import HookRequest
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.runtimes import DEPENDENCIES, ENV_STRING_BYTES, FAMILIES, SOURCE, SOURCE_2, Family
from hooks.sync import sync

# Each shell on this machine once: sh is a link to another one; BusyBox has ash.
SHELLS = {
    os.path.realpath(path): [path, *arguments]
    for name, *arguments in (["sh"], ["dash"], ["bash"], ["busybox", "ash"])
    if (path := shutil.which(name))
}
every_shell = pytest.mark.parametrize("shell", SHELLS.values(), ids=[Path(path).name for path in SHELLS])
TEXTS = [
    "plain\n",
    "no newline at the end",
    "\\n \\t \\\\ \\c \\0101",
    "%s %d %% '\"`",
    "$HOME ${HOME} $(id) $$",
    "\r\n\r\n",
    "-n",
    "é 😀 \u2028\n",
    "é" * 65_600,
]


def scripts(family: Family) -> str:
    """Return all scripts of a family."""
    fetched = family.fetched
    return "".join([family.start, family.install, fetched.fetch, fetched.install, fetched.start])


def run(
    shell: list[str],
    script: str,
    family: str,
    tmp_path: Path,
    path: str = "",
    *,
    files: Sequence[str] = (),
    **env: str,
) -> Path:
    """
    Run a script below `tmp_path`, with fake programs that log their arguments; return its working directory.

    `files` are there before, each with its own name as content.
    """
    work = tmp_path / "app" / "function"
    work.mkdir(parents=True)
    for name in files:
        (work / name).write_text(name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in set(re.findall(r"exec (\w+)", "".join(map(scripts, FAMILIES.values())))):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" > {tmp_path}/started\n')
        (tools / name).chmod(0o755)
    script = script.replace(FAMILIES[family].work_dir, str(work)).replace("HOME=/tmp", f"HOME={tmp_path}")
    env |= {"PATH": f"{path}{tools}:{os.environ['PATH']}"}
    subprocess.run([*shell, "-c", script], cwd=work, env=env, check=True, timeout=10)
    return work


def variables(family: str, text: str) -> dict[str, str]:
    """Return the environment of the container of a Function with this source."""
    spec = {"runtime": Config().runtime_names(family)[-1], "source": {"inline": {"source": text}}}
    request = HookRequest.parse(World(complete({"spec": spec})).request())
    (deployment,) = (c for c in sync(request, Config(), now=NOW).children if c["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][2] == FAMILIES[family].start
    return kubelet.environment(container["env"])


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_source_is_written_exactly(shell: list[str], family: str, text: str, tmp_path: Path) -> None:
    """The file has exactly the bytes of the source, and the server replaces the shell."""
    work = run(shell, FAMILIES[family].start, family, tmp_path, **dict(source_chunks(text)))
    assert (work / FAMILIES[family].handler_file).read_bytes() == text.encode()
    assert (tmp_path / "started").read_text().split() == FAMILIES[family].start.rstrip().rpartition("exec ")[2].split()


@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_generated_sources_are_written_exactly(
    shell: list[str], family: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """500 sources for each family and shell: the environment, as the kubelet expands it, writes exactly their bytes."""
    work = tmp_path_factory.mktemp("work")
    script, _, _ = FAMILIES[family].start.partition("\n[ -f")[0].partition("\nexport ")

    @settings(max_examples=5 * settings().max_examples)
    @given(texts)
    def write(text: str) -> None:
        env = variables(family, text)
        subprocess.run([*shell, "-c", script], cwd=work, env=env, check=True, timeout=10)
        assert (work / FAMILIES[family].handler_file).read_bytes() == text.encode()

    write()


@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_the_largest_sources_are_written_exactly(shell: list[str], family: str, tmp_path: Path) -> None:
    """The largest valid source is written exactly, even if it is full of special characters."""
    special = "".join(text for text in TEXTS if len(text) < 100)
    text = special * (SOURCE_BYTES // encoded_bytes(special))
    work = run(shell, FAMILIES[family].start, family, tmp_path, **variables(family, text))
    assert (work / FAMILIES[family].handler_file).read_bytes() == text.encode()


@every_shell
def test_dependencies_are_written_exactly(shell: list[str], tmp_path: Path) -> None:
    """npm and uv find exactly the bytes of the dependencies."""
    packages = '{"scripts": {"a": "echo \\\\n $HOME %s"}}'
    work = run(shell, FAMILIES["nodejs"].install, "nodejs", tmp_path / "n", **{DEPENDENCIES: packages})
    assert (work / "package.json").read_text() == packages
    assert (tmp_path / "n" / "started").read_text().startswith("npm install --include=dev")
    work = run(shell, FAMILIES["python"].install, "python", tmp_path / "p", **{DEPENDENCIES: "a\nb # $x\n"})
    assert (work / "requirements.txt").read_text() == "a\nb # $x\n"
    assert (tmp_path / "p" / "started").read_text().startswith("uv pip install")


def test_a_private_index_is_not_ignored(tmp_path: Path) -> None:
    """uv does not read pip.conf, so pip installs if it exists."""
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\n")
    script = FAMILIES["python"].install.replace("/etc/package-registry-config/pip.conf", str(conf))
    run(["sh"], script, "python", tmp_path / "p", **{DEPENDENCIES: "a\n"})
    assert (tmp_path / "p" / "started").read_text().startswith("pip install")


@every_shell
def test_pip_installs_from_another_index(shell: list[str], tmp_path: Path) -> None:
    """uv does not read PIP_INDEX_URL, so pip installs if a Function sets it."""
    script, given = FAMILIES["python"].install, {DEPENDENCIES: "a\n", "PIP_INDEX_URL": "https://index.example/simple"}
    run(shell, script, "python", tmp_path / "p", **given)
    assert (tmp_path / "p" / "started").read_text().startswith("pip install")


@every_shell
def test_other_settings_of_pip_keep_uv(shell: list[str], tmp_path: Path) -> None:
    """Variables such as PIP_NO_CACHE_DIR, which images set, do not change the index: uv installs."""
    given = {DEPENDENCIES: "a\n", "PIP_NO_CACHE_DIR": "1", "PIP_CERT": "/etc/authority.pem"}
    run(shell, FAMILIES["python"].install, "python", tmp_path / "p", **given)
    assert (tmp_path / "p" / "started").read_text().startswith("uv pip install")


@pytest.mark.parametrize("tools", ["this machine's", "busybox"])
@every_shell
def test_uv_decides_as_pip_does(shell: list[str], tools: str, tmp_path: Path) -> None:
    """The best version of all indexes is taken, and one hash asks for all; pip installs what uv does not follow."""
    for number, (text, program, has_hashes) in enumerate(
        (
            ("a\n", "uv", False),
            ("a==1 \\\n    --hash=sha256:0 \\\n --hash=sha256:1\nb\n", "uv", True),
            (
                "-i https://a/simple \n--extra-index-url=https:b\na # --pre --hash=sha256:0\n# b \\\nc-d; x == '-y'\n",
                "uv",
                False,
            ),
            ('a --config-settings="x=y"\n', "pip", False),
            ("a -C x=y\n", "pip", False),
            ("--pre\na\n", "pip", False),
            ("a>=1, \\\r\n  <2\r\n", "pip", False),
            ("a==1 --hash=sha256:0\nb \\", "pip", False),
        )
    ):
        folder = tmp_path / str(number)
        path = f"{busybox(tmp_path)}:" if tools == "busybox" else ""
        run(shell, FAMILIES["python"].install, "python", folder, path, **{DEPENDENCIES: text})
        started = (folder / "started").read_text()
        assert started.startswith(f"{program} "), text
        assert ("--index-strategy unsafe-best-match" in started) == (program == "uv")
        assert ("--require-hashes" in started) == has_hashes


def busybox(folder: Path) -> Path:
    """Return a directory with the tools of Alpine images."""
    require_program("busybox")
    directory = folder / "busybox"
    if not directory.exists():
        directory.mkdir()
        for name in ("env", "grep", "sed", "tr"):
            (directory / name).symlink_to(str(shutil.which("busybox")))
    return directory


def test_a_package_json_is_kept(tmp_path: Path) -> None:
    """The start script keeps the package.json of the install step, and else writes an empty one."""
    script = "printf kept > package.json\n" + FAMILIES["nodejs"].start
    work = run(["sh"], script, "nodejs", tmp_path / "a", **{SOURCE: "x"})
    assert (work / "package.json").read_text() == "kept"
    work = run(["sh"], FAMILIES["nodejs"].start, "nodejs", tmp_path / "b", **{SOURCE: "x"})
    assert (work / "package.json").read_text() == "{}"


FETCH = {"nodejs": "node /usr/src/app/fetch-source.mjs", "python": "python /fetch_source.py"}
FETCHED_INSTALLS = [
    ("nodejs", ["handler.js"], ""),
    ("nodejs", ["package.json"], "npm install --include=dev"),
    ("nodejs", ["package.json", "package-lock.json"], "npm ci --include=dev"),
    ("nodejs", ["package.json", "npm-shrinkwrap.json"], "npm ci --include=dev"),
    ("nodejs", ["package-lock.json"], ""),
    ("nodejs", ["package.json", "yarn.lock"], "npm install --include=dev"),
    ("python", ["handler.py"], ""),
    ("python", ["requirements.txt"], "uv pip install"),
    ("python", ["requirements.txt", "package.json"], "uv pip install"),
]


@every_shell
@pytest.mark.parametrize(("family", "files", "started"), FETCHED_INSTALLS)
def test_fetched_lists_are_installed(
    shell: list[str], family: str, files: list[str], started: str, tmp_path: Path
) -> None:
    """A lock beside package.json is honoured; without a list nothing is started; the files stay as they are."""
    work = run(shell, FAMILIES[family].fetched.install, family, tmp_path, files=files)
    log = tmp_path / "started"
    assert (log.read_text() if log.exists() else "").startswith(started)
    assert log.exists() == bool(started)
    assert {path.name: path.read_text() for path in work.iterdir()} == {name: name for name in files}


@every_shell
def test_fetched_hashes_are_required(shell: list[str], tmp_path: Path) -> None:
    """One hash in a fetched list asks for all."""
    script = "printf 'a==1 --hash=sha256:0\\nb\\n' > requirements.txt\n" + FAMILIES["python"].fetched.install
    run(shell, script, "python", tmp_path)
    assert "--require-hashes" in (tmp_path / "started").read_text()


@every_shell
@pytest.mark.parametrize("family", FAMILIES)
def test_fetched_sources_are_started(shell: list[str], family: str, tmp_path: Path) -> None:
    """The fetch script starts the program of the image; the start script changes no file of the source."""
    run(shell, FAMILIES[family].fetched.fetch, family, tmp_path / "fetch")
    assert (tmp_path / "fetch" / "started").read_text() == f"{FETCH[family]}\n"
    files = ["handler.js", "handler.py", "package.json"]
    work = run(shell, FAMILIES[family].fetched.start, family, tmp_path / "start", files=files)
    assert {path.name: path.read_text() for path in work.iterdir()} == {name: name for name in files}
    assert (tmp_path / "start" / "started").read_text() in ("node server.mjs\n", "python server.py\n")


@pytest.mark.parametrize("size", [1, 65_525, 65_526, 100_000])
def test_chunks_fit_into_variables(size: int) -> None:
    """No chunk is longer than Linux allows or ends inside a character, and together they are the source."""
    chunks = dict(source_chunks("é" * size))
    assert "".join(chunks.values()) == "é" * size
    assert all(len(f"{name}={text}".encode()) <= ENV_STRING_BYTES for name, text in chunks.items())
    assert set(chunks) == {SOURCE, SOURCE_2}
    assert bool(chunks[SOURCE_2]) == (size > 65_525)


@pytest.mark.parametrize(
    ("family", "files", "begins"),
    [
        ("nodejs", {}, ""),
        ("nodejs", {"package-lock.json": "{}"}, ""),
        ("nodejs", {"package.json": "{}"}, "npm install --include=dev"),
        ("nodejs", {"package.json": "{}", "package-lock.json": "{}"}, "npm ci --include=dev"),
        ("nodejs", {"package.json": "{}", "npm-shrinkwrap.json": "{}"}, "npm ci --include=dev"),
        ("python", {}, ""),
        ("python", {"requirements.txt": "a==1 --hash=sha256:0\n"}, "uv pip install"),
        ("python", {"requirements.txt": "a --global-option=x\n"}, "pip install"),
    ],
)
@every_shell
def test_packages_of_a_fetched_source(
    shell: list[str], family: str, files: dict[str, str], begins: str, tmp_path: Path
) -> None:
    """The list and the lock in the source decide; without a list nothing is installed."""
    written = "".join(f"printf '%s' '{text}' > {name}\n" for name, text in files.items())
    work = run(shell, written + FAMILIES[family].fetched.install, family, tmp_path)
    started = tmp_path / "started"
    assert (started.read_text() if started.exists() else "").startswith(begins)
    assert started.exists() == bool(begins)
    assert {path.name: path.read_text() for path in work.iterdir()} == files


@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_a_fetched_source_is_served_as_it_is(shell: list[str], family: str, tmp_path: Path) -> None:
    """The server is the one of inline sources; no file of the source is changed."""
    own = FAMILIES[family]
    written = f"printf own > {own.handler_file}\nprintf own > {own.dependencies_format}\n"
    work = run(shell, written + own.fetched.start, family, tmp_path, **{SOURCE: "other"})
    assert (tmp_path / "started").read_text().split() == own.start.rstrip().rpartition("exec ")[2].split()
    assert {path.read_text() for path in work.iterdir()} == {"own"}
