"""
The health that GitOps tools show for a Function, by the tools' own code, and recorded lives of Functions.

kstatus   its Go code, in judges/gitops
Flux      gitops/flux-health.yaml, evaluated with the CEL library of Flux, in judges/gitops
Argo CD   gitops/argocd-health.lua, run by Lua 5.1 as in Argo CD

tests/core/lifecycles/<life>.yaml has every distinct status that the API server served in one life, with its generation.
tests/cluster/test_status_steps.py runs the lives again, and writes the files with --bless.
"""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lupa import lua51
from support import go_tools
from support.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests" / "core" / "lifecycles"
HEAD = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
VERDICTS = {
    "current": ("Current", "Healthy", "Current"),
    "failed": ("Failed", "Degraded", "Failed"),
    "in progress": ("InProgress", "Progressing", "InProgress"),
    "terminating": ("Terminating", "Progressing", "InProgress"),
}
"""The words of kstatus, Argo CD and Flux for each state."""

Manifest = dict[str, Any]


def state_of(function: Manifest) -> str:
    """Return the state by the Function's own conditions; "in progress" if they are of an older generation."""
    metadata, status = function["metadata"], function.get("status", {})
    conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
    if "deletionTimestamp" in metadata:
        return "terminating"
    if status.get("observedGeneration") != metadata["generation"]:
        return "in progress"
    if conditions.get("Stalled") == "True":
        return "failed"
    return "current" if conditions.get("Ready") == "True" else "in progress"


def milestones(steps: list[Manifest]) -> list[str]:
    """Return the states of a life in order, without repetitions and "in progress", which a watch may miss."""
    words = [word for step in steps if (word := state_of(step)) != "in progress"]
    return [word for before, word in zip(["", *words], words, strict=False) if word != before]


def step_of(function: Manifest) -> Manifest:
    """Return the fields that the tools read, with constant times."""
    keys = ("name", "generation", "deletionTimestamp")
    status = {key: function["status"][key] for key in ("observedGeneration", "conditions") if key in function["status"]}
    step = HEAD | {"metadata": {key: function["metadata"][key] for key in keys if key in function["metadata"]}}
    timeless: Manifest = _timeless(step | {"status": status})
    return timeless


def recorded_lives() -> dict[str, list[Manifest]]:
    return {path.stem: read_yaml(path) for path in sorted(RECORDINGS.glob("*.yaml"))}


def argo(function: Manifest) -> str:
    """Return Argo CD's health status; fail if it has no message."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals()["obj"] = lua.table_from(function, recursive=True)
    health: Any = lua.execute((ROOT / "gitops" / "argocd-health.lua").read_text(encoding="utf-8"))
    assert health.message, "Argo CD shows a message with the health"
    return str(health.status)


def kstatus_and_flux(functions: list[Manifest]) -> list[tuple[str, str]]:
    """Return the verdicts of kstatus and Flux on each; skip the test if their code cannot be built."""
    check = read_yaml(ROOT / "gitops" / "flux-health.yaml")
    exprs = {key: check[key] for key in ("inProgress", "failed", "current")}
    lines = "\n".join(json.dumps({"object": function, "exprs": exprs}) for function in functions)
    done = subprocess.run([_judge()], input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(functions)
    return [(verdict["kstatus"], verdict["flux"]) for verdict in verdicts]


def check_argo(functions: list[Manifest]) -> None:
    """Fail unless Argo CD agrees with the conditions of each Function."""
    for function in functions:
        assert argo(function) == VERDICTS[state_of(function)][1], function


def check_kstatus_and_flux(functions: list[Manifest]) -> None:
    """Fail unless kstatus and Flux agree with the conditions of each Function."""
    for function, verdict in zip(functions, kstatus_and_flux(functions), strict=True):
        kstatus, _, flux = VERDICTS[state_of(function)]
        assert verdict == (kstatus, flux), function


@cache
def _judge() -> Path:
    """Build and return the program of judges/gitops; skip the test if Go or its modules are missing."""
    program, source = ROOT / "build" / "judges" / "gitops", Path(__file__).parent / "judges" / "gitops"
    go_tools.require_go("the program that runs kstatus and Flux")
    fetched = subprocess.run(["go", "mod", "download"], cwd=source, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"LEFT OUT: the Go modules of kstatus and Flux cannot be downloaded: {fetched.stderr}")
    build = ["go", "build", "-buildvcs=false", "-o", str(program), "."]
    built = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        times = ("lastTransitionTime", "deletionTimestamp")
        return {key: "2026-01-01T00:00:00Z" if key in times else _timeless(each) for key, each in value.items()}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
