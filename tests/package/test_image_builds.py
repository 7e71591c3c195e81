"""docker-bake.json and the Dockerfiles that it names: which images there are, and what they are made from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import go_tools
from support.bake import ROOT, targets
from support.dockerfile import Step, steps

from hooks import __version__
from hooks.config import Config

DOCKERFILES = sorted({ROOT / target.context / "Dockerfile" for target in targets().values()})
PINNED = r"(\w+:[\w.]+-(?:slim-trixie|trixie-slim))@(sha256:[0-9a-f]{64})"


def froms(dockerfile: Path) -> list[Step]:
    return [step for step in steps(dockerfile) if step.word == "FROM"]


def test_every_runtime_has_its_image() -> None:
    """What is built for a runtime is called as the hook calls it."""
    config = Config()
    wanted = {f"runtime-{name}": config.image(runtime) for name, runtime in config.runtimes.items()}
    assert {name: target.tag for name, target in targets().items() if name != "function-hook"} == wanted


def test_the_hook_has_its_image() -> None:
    """What is built for the hook is called as chart and plain YAML call it."""
    chart = yaml.safe_load((ROOT / "chart/values.yaml").read_text(encoding="utf-8"))
    tag = targets()["function-hook"].tag
    assert tag == f"{chart['config']['registry']}/{chart['image']['repository']}:{__version__}"
    assert f"image: {tag}\n" in (ROOT / "config/hook.yaml").read_text(encoding="utf-8")


def test_images_are_called_as_their_targets() -> None:
    """A name is enough to build an image and to find it."""
    assert {name: re.split("[/:]", target.tag)[-2] for name, target in targets().items()} == {n: n for n in targets()}


def test_every_dockerfile_is_built() -> None:
    """No Dockerfile lies about that nobody builds."""
    assert sorted([ROOT / "Dockerfile", *(ROOT / "runtimes").rglob("Dockerfile")]) == DOCKERFILES


def test_base_images_have_a_digest() -> None:
    """Whatever comes from a registry has a tag to read and a digest that holds, the same one wherever it is named."""
    named: dict[str, set[str]] = {}
    for dockerfile in DOCKERFILES:
        stages = {"node${NODE_VERSION}", *(step.rest.partition(" AS ")[2] for step in froms(dockerfile))}
        for step in froms(dockerfile):
            image = step.rest.partition(" AS ")[0]
            if image not in stages:
                pinned = re.fullmatch(PINNED, image)
                assert pinned, f"{dockerfile}: FROM {image}"
                named.setdefault(pinned[1], set()).add(pinned[2])
    assert all(len(digests) == 1 for digests in named.values()), named


def test_every_version_of_node_has_its_stage() -> None:
    """Each NODE_VERSION that is asked for is a stage, and each stage is asked for."""
    dockerfile = ROOT / "runtimes/nodejs/Dockerfile"
    stages = {step.rest for step in froms(dockerfile)}
    asked = {target.arguments["NODE_VERSION"] for target in targets().values() if "NODE_VERSION" in target.arguments}
    assert {name.partition(" AS ")[2] for name in stages} == {"", *(f"node{version}" for version in asked)}
    assert all(re.search(r"node:(\d+)-.* AS node\1$", name) for name in stages if " AS " in name)


@pytest.mark.image
@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-build.txt", "runtimes/python/requirements.txt"])
def test_arm_has_its_wheels_too(lock: str, tmp_path: Path) -> None:
    """No image needs a compiler: the locked files include a wheel for arm64 (test_hook_image.py: for amd64)."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--require-hashes"]
    there = ["--only-binary=:all:", "--platform=manylinux2014_aarch64", "--python-version=3.12"]
    subprocess.run([*pip, *there, f"--target={tmp_path}", "-r", ROOT / lock], check=True)


def test_javascript_tools_are_in_no_image() -> None:
    """Linter and types have a lock of their own: their updates change no image of a runtime."""
    runtime = json.loads((ROOT / "runtimes/nodejs/package.json").read_text(encoding="utf-8"))
    tools = json.loads((ROOT / "tools/javascript/package.json").read_text(encoding="utf-8"))
    assert "devDependencies" not in runtime
    assert "dependencies" not in tools
    assert not set(tools["devDependencies"]) & set(runtime["dependencies"])


def test_builders_read_it_the_same_way() -> None:
    """`docker buildx bake` itself finds the same images, arguments and names."""
    command = [str(go_tools.program("buildx")), "bake", "--print"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed)["target"]
    assert {name: (each["context"], each.get("args", {}), each["tags"]) for name, each in found.items()} == {
        name: (each.context, each.arguments, [each.tag]) for name, each in targets().items()
    }
