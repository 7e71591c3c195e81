"""The scripts, run for real under every shell that is here, in a directory that stands for the pod's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from support import kubelet
from support.cases import NOW, complete
from support.offline_metacontroller import World
from support.strategies import texts

from hooks.config import Config
from hooks.environment import source_chunks
from hooks.protocol import HookRequest
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.runtimes import DEPENDENCIES, ENV_STRING_BYTES, FAMILIES, SOURCE, SOURCE_2
from hooks.sync import sync

# Each shell that is here once, though sh is one of the others; busybox' is called ash.
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
FILES = {"nodejs": "handler.js", "python": "handler.py"}
SERVERS = {"nodejs": ("node", "server.mjs"), "python": ("python", "server.py")}


def run(shell: list[str], script: str, family: str, tmp_path: Path, **env: str) -> Path:
    """Run a script with its directories moved to `tmp_path` and stand-ins for the programs; return the work dir."""
    work = tmp_path / "app" / "function"
    work.mkdir(parents=True)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("node", "python", "npm", "pip", "uv"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" > {tmp_path}/started\n')
        (tools / name).chmod(0o755)
    script = script.replace(FAMILIES[family].work_dir, str(work)).replace("HOME=/tmp", f"HOME={tmp_path}")
    env |= {"PATH": f"{tools}:{os.environ['PATH']}"}
    subprocess.run([*shell, "-c", script], cwd=work, env=env, check=True, timeout=10)
    return work


def variables(family: str, text: str) -> dict[str, str]:
    """Return what a container finds in its environment when the hook has answered for a Function with this source."""
    spec = {"runtime": "nodejs22" if family == "nodejs" else "python312", "source": {"inline": {"source": text}}}
    request = HookRequest.parse(World(complete({"spec": spec})).request())
    (deployment,) = (c for c in sync(request, Config(), now=NOW).children if c["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][2] == FAMILIES[family].start
    return kubelet.environment(container["env"])


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_source_is_written_exactly(shell: list[str], family: str, text: str, tmp_path: Path) -> None:
    """The handler's file holds the very bytes of the source, and the server takes the shell's place."""
    work = run(shell, FAMILIES[family].start, family, tmp_path, **dict(source_chunks(text)))
    assert (work / FILES[family]).read_bytes() == text.encode()
    assert (tmp_path / "started").read_text().split() == list(SERVERS[family])


@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_generated_sources_are_written_exactly(
    shell: list[str], family: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """500 texts for each language and shell: the hook's answer, expanded as by the kubelet, writes their very bytes."""
    work = tmp_path_factory.mktemp("work")
    script, _, _ = FAMILIES[family].start.partition("\n[ -f")[0].partition("\nexport ")

    @settings(max_examples=5 * settings().max_examples)
    @given(texts)
    def write(text: str) -> None:
        env = variables(family, text)
        subprocess.run([*shell, "-c", script], cwd=work, env=env, check=True, timeout=10)
        assert (work / FILES[family]).read_bytes() == text.encode()

    write()


@pytest.mark.parametrize("family", FAMILIES)
@every_shell
def test_the_largest_sources_are_written_exactly(shell: list[str], family: str, tmp_path: Path) -> None:
    """What just passes the size rule arrives whole, however much of it the shell or the kubelet could mistake."""
    nasty = "".join(text for text in TEXTS if len(text) < 100)
    text = nasty * (SOURCE_BYTES // encoded_bytes(nasty))
    work = run(shell, FAMILIES[family].start, family, tmp_path, **variables(family, text))
    assert (work / FILES[family]).read_bytes() == text.encode()


@every_shell
def test_dependencies_are_written_exactly(shell: list[str], tmp_path: Path) -> None:
    """Each installer finds the very bytes of the list: npm its package.json, uv its requirements."""
    packages = '{"scripts": {"a": "echo \\\\n $HOME %s"}}'
    work = run(shell, FAMILIES["nodejs"].install, "nodejs", tmp_path / "n", **{DEPENDENCIES: packages})
    assert (work / "package.json").read_text() == packages
    assert (tmp_path / "n" / "started").read_text().startswith("npm install --omit=dev")
    work = run(shell, FAMILIES["python"].install, "python", tmp_path / "p", **{DEPENDENCIES: "a\nb # $x\n"})
    assert (work / "requirements.txt").read_text() == "a\nb # $x\n"
    assert (tmp_path / "p" / "started").read_text().startswith("uv pip install")


def test_a_private_index_is_not_ignored(tmp_path: Path) -> None:
    """uv does not read pip.conf, so pip installs where there is one."""
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\n")
    script = FAMILIES["python"].install.replace("/etc/package-registry-config/pip.conf", str(conf))
    run(["sh"], script, "python", tmp_path / "p", **{DEPENDENCIES: "a\n"})
    assert (tmp_path / "p" / "started").read_text().startswith("pip install")


@every_shell
def test_what_is_meant_for_pip_reaches_pip(shell: list[str], tmp_path: Path) -> None:
    """uv reads no PIP_INDEX_URL and the like, so pip installs where a Function sets one."""
    script, given = FAMILIES["python"].install, {DEPENDENCIES: "a\n", "PIP_INDEX_URL": "https://index.example/simple"}
    run(shell, script, "python", tmp_path / "p", **given)
    assert (tmp_path / "p" / "started").read_text().startswith("pip install")


@every_shell
def test_other_settings_of_pip_keep_uv(shell: list[str], tmp_path: Path) -> None:
    """Images set PIP_NO_CACHE_DIR and the like, which change nothing of where packages come from."""
    given = {DEPENDENCIES: "a\n", "PIP_NO_CACHE_DIR": "1", "PIP_CERT": "/etc/authority.pem"}
    run(shell, FAMILIES["python"].install, "python", tmp_path / "p", **given)
    assert (tmp_path / "p" / "started").read_text().startswith("uv pip install")


def test_a_package_json_is_kept(tmp_path: Path) -> None:
    """What the install step wrote stays; without one there is an empty one of the Function's own."""
    script = "printf kept > package.json\n" + FAMILIES["nodejs"].start
    work = run(["sh"], script, "nodejs", tmp_path / "a", **{SOURCE: "x"})
    assert (work / "package.json").read_text() == "kept"
    work = run(["sh"], FAMILIES["nodejs"].start, "nodejs", tmp_path / "b", **{SOURCE: "x"})
    assert (work / "package.json").read_text() == "{}"


@pytest.mark.parametrize("size", [1, 65_525, 65_526, 100_000])
def test_chunks_fit_into_variables(size: int) -> None:
    """No chunk is longer than Linux allows, none cuts a character, and together they are the source."""
    chunks = dict(source_chunks("é" * size))
    assert "".join(chunks.values()) == "é" * size
    assert all(len(f"{name}={text}".encode()) <= ENV_STRING_BYTES for name, text in chunks.items())
    assert set(chunks) == {SOURCE, SOURCE_2}
    assert bool(chunks[SOURCE_2]) == (size > 65_525)
