"""docs/upgrading.md: which Functions a setting restarts, and the commands that show it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.cases import NOW, ROOT, complete, settle
from support.offline_metacontroller import World
from support.upgrade.templates import deployment, of_this_tree, parts, with_default_config

from hooks.config import Config
from hooks.function import FunctionSpec
from hooks.references import references

Manifest = dict[str, Any]

PAGE = (ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))


def chosen(spec: Manifest) -> Manifest:
    choice: Manifest = spec.get("resourceConfiguration", {}).get("function", {})
    return choice


def leaves_size_open(spec: Manifest) -> bool:
    sides = chosen(spec).get("resources", {})
    # Requests above the limits of every profile become the limits.
    return "profile" not in chosen(spec) and not {"requests", "limits"} <= set(sides) and "4Gi" not in str(sides)


def names(spec: Manifest) -> set[str]:
    return {entry["name"] for entry in spec.get("env", ())}


def names_objects(spec: Manifest) -> bool:
    return any(references(FunctionSpec.model_validate(spec)))


def has_dependencies(spec: Manifest) -> bool:
    return bool(spec["source"]["inline"].get("dependencies", "").strip())


def has_own_image(spec: Manifest) -> bool:
    return bool(spec.get("runtimeImageOverride", "").strip())


def every_function(spec: Manifest) -> bool:
    return True


def no_function(spec: Manifest) -> bool:
    return False


class Change(NamedTuple):
    """The page's text for a setting, another value for it, and which Functions restart then."""

    said: str
    value: Any
    restarts: Callable[[Manifest], bool]


UNSET, PACKAGES = "all that do not set", "those with dependencies or a fetched source"
CHANGES = {
    "registry": Change(
        "all without `runtimeImageOverride`", "mirror.example.com", lambda spec: not has_own_image(spec)
    ),
    "runtimes": Change(
        "those that use a changed image",
        {"python312": {"image": "python:2"}},
        lambda spec: spec["runtime"] == "python312" and not has_own_image(spec),
    ),
    "profiles": Change(
        "those with a changed profile",
        {"S": {"limits": {"memory": "1Gi"}}},
        lambda spec: chosen(spec).get("profile") == "S",
    ),
    "defaultProfile": Change("those with neither a profile nor complete requests and limits", "XS", leaves_size_open),
    "minimumResources": Change("none", {"cpu": "5m"}, no_function),
    "install": Change(PACKAGES, {"limits": {"cpu": "9", "memory": "9Gi"}}, has_dependencies),
    "volumeSizes": Change("all", {"tmp": "1Gi"}, every_function),
    "related": Change("with `configs`: those that name Secrets or ConfigMaps", {"configs": True}, names_objects),
    "git": Change("none", {"enabled": True, "interval": "5m0s"}, no_function),
    "targetCPUUtilizationPercentage": Change("none", 70, no_function),
    "allowedImageOverrides": Change("none", ["example.com/*"], no_function),
    "allowUnrestrictedSecurityContext": Change("none", True, no_function),
    "imagePullSecrets": Change("all", ["mirror"], every_function),
    "packageRegistryConfigSecretName": Change(PACKAGES, "packages", has_dependencies),
    "traceCollectorEndpoint": Change(
        f"{UNSET} `TRACE_COLLECTOR_ENDPOINT`",
        "http://other",
        lambda spec: "TRACE_COLLECTOR_ENDPOINT" not in names(spec),
    ),
    "publisherProxyAddress": Change(
        f"{UNSET} `PUBLISHER_PROXY_ADDRESS`", "http://other", lambda spec: "PUBLISHER_PROXY_ADDRESS" not in names(spec)
    ),
    "podAnnotations": Change(
        "all that do not set the same annotation",
        {"sidecar.istio.io/nativeSidecar": "maybe"},
        lambda spec: "sidecar.istio.io/nativeSidecar" not in spec.get("annotations", {}),
    ),
}


def test_page_names_every_setting() -> None:
    """The table has a row for each setting, in the order of Config, with the words of CHANGES."""
    assert list(ROWS) == [field.alias or name for name, field in Config.model_fields.items()]
    assert {name: change.said for name, change in CHANGES.items()} == ROWS


@pytest.mark.sampled
@pytest.mark.parametrize("setting", CHANGES)
def test_a_setting_restarts_the_functions_of_the_page(setting: str) -> None:
    """Another value changes the pod templates of exactly these reference Functions."""
    change, specs = CHANGES[setting], with_default_config()
    changed = {
        name
        for name, spec in specs.items()
        if parts(deployment(name, spec | {"config": {setting: change.value}})) != of_this_tree()[name]
    }
    assert changed == {name for name, spec in specs.items() if change.restarts(spec)}


KUBECTL = """#!/bin/sh
[ "$*" = "get functions,deployments,services,serviceaccounts,hpa --all-namespaces -o json" ] && cat {live}
"""
BUILDLESS = """#!/bin/sh
PYTHONPATH={root} exec {python} -m hooks.cli "$@"
"""


def test_commands_show_what_would_restart(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The commands of the page print nothing for the children of this version, and the restarts by other settings."""
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    functions = [*with_default_config().items()][:: request.config.getoption("--share")]
    items: list[Manifest] = []
    for number, (name, spec) in enumerate(functions):
        world = World(complete({"metadata": {"name": name, "uid": f"u{number}"}, "spec": spec}))
        settle(world, Config(), NOW)
        items += [world.parent, *world.children.values()]
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "bin").mkdir()
    same = run_commands(tmp_path, commands)
    assert (same.returncode, same.stdout) == (0, ""), same.stderr
    (tmp_path / "config.yaml").write_text("volumeSizes: {tmp: 1Gi}\n")
    other = run_commands(tmp_path, commands)
    assert other.returncode == 1, other.stderr
    assert other.stdout.count(": restarts pods") == len(functions)


def run_commands(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands with a fake kubectl that prints live objects, and this tree's buildless."""
    buildless = BUILDLESS.format(python=sys.executable, root=ROOT)
    for name, text in (("kubectl", KUBECTL.format(live=folder / "all.json")), ("buildless", buildless)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    env = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    command = [bash, "-euc", commands]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
