"""docs/upgrading.md: which Functions a setting restarts, and the commands that show it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from support.cases import ROOT
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
[ "$*" = "get functions --all-namespaces -o yaml" ] && cat {functions}
"""
DOCKER = """#!{python}
import os, sys
arguments = sys.argv[sys.argv.index("render"):]
image = sys.argv[sys.argv.index("render") - 1]
assert image.startswith("ghcr.io/buildless-functions/function-hook:"), image
here = [word.replace("/data/", os.getcwd() + "/") for word in arguments]
os.environ["PYTHONPATH"] = {root!r}
os.execv(sys.executable, [sys.executable, "-m", "hooks.cli", *here, *CONFIG.get(image.rpartition(":")[2], [])])
"""


def test_commands_show_what_would_restart(tmp_path: Path) -> None:
    """The commands of the page print the differences between two releases for a cluster's Functions, and no others."""
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    items = [
        {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
        | {"spec": spec}
        for name, spec in with_default_config().items()
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "other.yaml").write_text("volumeSizes: {tmp: 1Gi}\n")
    (tmp_path / "bin").mkdir()
    same = run_commands(tmp_path, commands, {})
    assert same.returncode == 0, same.stderr
    assert same.stdout == ""
    other = run_commands(tmp_path, commands, {"0.2.0": ["--config", str(tmp_path / "other.yaml")]})
    assert other.returncode == 1, other.stderr
    assert other.stdout.count(">             sizeLimit: '1Gi'\n") == len(items)


def run_commands(folder: Path, commands: str, config: dict[str, list[str]]) -> subprocess.CompletedProcess[str]:
    """Run commands with a fake kubectl that prints the Functions, and a fake docker that runs this tree."""
    docker = DOCKER.format(python=sys.executable, root=str(ROOT)).replace("CONFIG", repr(config))
    for name, text in (("kubectl", KUBECTL.format(functions=folder / "all.yaml")), ("docker", docker)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    env = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    command = [bash, "-euc", commands]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
