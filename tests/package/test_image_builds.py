"""docker-bake.json and its Dockerfiles: names of images, and pinned base images."""

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
from hooks.runtimes import FAMILIES, Family

DOCKERFILES = sorted({ROOT / target.context / "Dockerfile" for target in targets().values()})
PINNED = r"(\w+:[\w.]+-(?:slim-trixie|trixie-slim))@(sha256:[0-9a-f]{64})"


def froms(dockerfile: Path) -> list[Step]:
    return [step for step in steps(dockerfile) if step.word == "FROM"]


def test_the_hook_has_its_image() -> None:
    """The image of the hook has the name in the chart and in the plain YAML."""
    chart = yaml.safe_load((ROOT / "chart/values.yaml").read_text(encoding="utf-8"))
    tag = targets()["function-hook"].tag
    assert tag == f"{chart['config']['registry']}/{chart['image']['repository']}:{__version__}"
    assert f"image: {tag}\n" in (ROOT / "config/hook.yaml").read_text(encoding="utf-8")


def test_images_are_named_like_their_targets() -> None:
    """The target of an image in docker-bake.json is its name."""
    assert {name: re.split("[/:]", target.tag)[-2] for name, target in targets().items()} == {n: n for n in targets()}


def test_every_dockerfile_is_built() -> None:
    """Every Dockerfile belongs to a target."""
    assert sorted([ROOT / "Dockerfile", *(ROOT / "runtimes").rglob("Dockerfile")]) == DOCKERFILES


def test_base_images_have_a_digest() -> None:
    """Every base image has a tag and a digest, and every tag has the same digest everywhere."""
    named: dict[str, set[str]] = {}
    for dockerfile in DOCKERFILES:
        stages = {step.rest.partition(" AS ")[2] for step in froms(dockerfile)}
        for step in froms(dockerfile):
            image = step.rest.partition(" AS ")[0]
            if image not in stages and "$" not in image:
                pinned = re.fullmatch(PINNED, image)
                assert pinned, f"{dockerfile}: FROM {image}"
                named.setdefault(pinned[1], set()).add(pinned[2])
    assert all(len(digests) == 1 for digests in named.values()), named


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_version_has_its_stage(family: Family) -> None:
    """A runtime's Dockerfile has a stage for each version in docker-bake.json, of its image, and no other."""
    *stages, last = (step.rest for step in froms(ROOT / f"runtimes/{family.name}/Dockerfile"))
    found = [re.fullmatch(r"(\w+):([\d.]+)-\S+ AS (\S+)", stage) for stage in stages]
    assert all(each and each[3] == each[1] + each[2] for each in found), stages
    versions = [target.arguments.get(family.build_argument) for target in targets().values()]
    assert [each[2] for each in found if each] == [version for version in versions if version]
    assert last == f"{stages[0].partition(':')[0]}${{{family.build_argument}}}"


@pytest.mark.image
@pytest.mark.sampled
@pytest.mark.parametrize(
    ("lock", "version"),
    [
        ("requirements.txt", "3.12"),
        ("requirements-build.txt", "3.12"),
        ("runtimes/python/requirements.txt", "3.12"),
        ("runtimes/python/requirements.txt", "3.14"),
    ],
)
def test_every_package_has_an_arm_wheel(lock: str, version: str, tmp_path: Path) -> None:
    """No image needs a compiler: every package has a wheel for arm64 (test_hook_image.py: for amd64)."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--require-hashes"]
    there = ["--only-binary=:all:", "--platform=manylinux2014_aarch64", f"--python-version={version}"]
    subprocess.run([*pip, *there, f"--target={tmp_path}", "-r", ROOT / lock], check=True)


def test_javascript_tools_are_in_no_image() -> None:
    """Linters and types have a separate lock, so that their updates change no image."""
    runtime = json.loads((ROOT / "runtimes/nodejs/package.json").read_text(encoding="utf-8"))
    tools = json.loads((ROOT / "tools/javascript/package.json").read_text(encoding="utf-8"))
    assert "devDependencies" not in runtime
    assert "dependencies" not in tools
    assert not set(tools["devDependencies"]) & set(runtime["dependencies"])


def test_buildx_agrees() -> None:
    """`docker buildx bake` finds the same images, arguments and names as tests/support/bake.py."""
    command = [str(go_tools.program("buildx")), "bake", "--print"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed)["target"]
    assert {name: (each["context"], each.get("args", {}), each["tags"]) for name, each in found.items()} == {
        name: (each.context, each.arguments, [each.tag]) for name, each in targets().items()
    }
