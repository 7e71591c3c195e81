"""
What GitOps tools make of a Function, asked of the tools themselves, and the recorded life cycles they are asked about.

kstatus   its own Go code, in judges/gitops
Flux      gitops/flux-health.yaml, evaluated by the CEL library that Flux uses, in judges/gitops
Argo CD   gitops/argocd-health.lua, run by Lua 5.1 as in Argo CD

lifecycles/<story>.yaml holds every distinct status that the API server has served in one life, with its generation.
tests/cluster/test_status_steps.py lives them again, and with --bless writes them.
"""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51
from support import go_tools

ROOT = Path(__file__).parents[2]
STORIES = ROOT / "tests" / "core" / "lifecycles"
HEAD = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
AGREED = {
    "current": ("Current", "Healthy", "Current"),
    "failed": ("Failed", "Degraded", "Failed"),
    "in progress": ("InProgress", "Progressing", "InProgress"),
    "terminating": ("Terminating", "Progressing", "InProgress"),
}
"""What kstatus, Argo CD and Flux call it."""

Manifest = dict[str, Any]


def said(function: Manifest) -> str:
    """Return what the Function itself says: its conditions, unless it is being deleted or they are of the past."""
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
    """Return where a life's steps lead, one place after the other: what is in progress is seen sometimes, or not."""
    words = [word for step in steps if (word := said(step)) != "in progress"]
    return [word for before, word in zip(["", *words], words, strict=False) if word != before]


def step_of(function: Manifest) -> Manifest:
    """Return what a judge looks at, without what differs from one life to the next."""
    keys = ("name", "generation", "deletionTimestamp")
    status = {key: function["status"][key] for key in ("observedGeneration", "conditions") if key in function["status"]}
    step = HEAD | {"metadata": {key: function["metadata"][key] for key in keys if key in function["metadata"]}}
    return _timeless(step | {"status": status})


def stories() -> dict[str, list[Manifest]]:
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(STORIES.glob("*.yaml"))}


def argo(function: Manifest) -> str:
    """Return Argo CD's health status."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(function, recursive=True)
    health = lua.execute((ROOT / "gitops" / "argocd-health.lua").read_text(encoding="utf-8"))
    assert health.message, "Argo CD shows a message beside the health"
    return str(health.status)


def kstatus_and_flux(functions: list[Manifest]) -> list[tuple[str, str]]:
    """Return what kstatus and Flux say of each; skips the test where they cannot be built."""
    check = yaml.safe_load((ROOT / "gitops" / "flux-health.yaml").read_text(encoding="utf-8"))
    exprs = {key: check[key] for key in ("inProgress", "failed", "current")}
    questions = "\n".join(json.dumps({"object": function, "exprs": exprs}) for function in functions)
    done = subprocess.run([_judge()], input=questions, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(functions)
    return [(verdict["kstatus"], verdict["flux"]) for verdict in verdicts]


def check_argo(functions: list[Manifest]) -> None:
    """Fail unless Argo CD agrees with each of the Functions themselves."""
    for function in functions:
        assert argo(function) == AGREED[said(function)][1], function


def check_kstatus_and_flux(functions: list[Manifest]) -> None:
    """Fail unless kstatus and Flux agree with each of the Functions themselves."""
    for function, verdict in zip(functions, kstatus_and_flux(functions), strict=True):
        kstatus, _, flux = AGREED[said(function)]
        assert verdict == (kstatus, flux), function


@cache
def _judge() -> Path:
    """Return the program in judges/gitops, which is built where Go and its modules can be had."""
    program, source = ROOT / "build" / "judges" / "gitops", Path(__file__).parent / "judges" / "gitops"
    go_tools.require_go("the judge of kstatus and Flux")
    fetched = subprocess.run(["go", "mod", "download"], cwd=source, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"LEFT OUT: kstatus and Flux were not asked, for their Go modules cannot be had: {fetched.stderr}")
    build = ["go", "build", "-buildvcs=false", "-o", str(program), "."]
    built = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        times = ("lastTransitionTime", "deletionTimestamp")
        return {key: "2026-01-01T00:00:00Z" if key in times else _timeless(each) for key, each in value.items()}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
