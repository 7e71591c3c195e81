"""The programs that demo/cluster.py runs, and their order, with fake programs; e2e.yaml uses the real ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.bake import ROOT, targets


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """An empty directory for fake programs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    return directory


def write_fake(programs: Path, name: str, **answers: str | int) -> None:
    """Write a program that logs its arguments; `answers` has its output or exit code by a word of its arguments."""
    lines = [f"#!{sys.executable}", "import sys", f"answers = {answers!r}", "words = sys.argv[1:]"]
    lines += [f"print({name!r}, *words, file=open({str(programs / 'log')!r}, 'a'))"]
    lines += ["word = next((word for word in words if word in answers), None)", "answer = answers.get(word, 0)"]
    lines += ["sys.exit(answer) if isinstance(answer, int) else print(answer)"]
    (programs / name).write_text("\n".join(lines) + "\n")
    (programs / name).chmod(0o755)


def run_demo(programs: Path, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(programs)} | environment
    script = [sys.executable, str(ROOT / "demo/cluster.py"), *steps]
    return subprocess.run(script, env=env, capture_output=True, text=True, check=False)


def logged(programs: Path) -> list[str]:
    """Return the command lines of all fake programs that were run."""
    log = programs / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_missing_programs_are_listed_in_one_line(programs: Path) -> None:
    """Before anything runs, one line lists every missing program with its URL."""
    done = run_demo(programs, "images", "cluster", "install", "call")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert all(f"{name}: https://" in done.stderr for name in ("Docker with buildx", "kind", "kubectl", "Helm"))


def test_docker_must_be_running(programs: Path) -> None:
    """A Docker client without a running engine is refused."""
    write_fake(programs, "docker", info=1)
    done = run_demo(programs, "images")
    assert done.returncode == 1
    assert "running" in done.stderr
    assert not [line for line in logged(programs) if "bake" in line]


def test_every_image_is_loaded(programs: Path) -> None:
    """All images of docker-bake.json are loaded into the cluster, which is created only if it does not exist."""
    tags = [target.tag for target in targets().values()]
    write_fake(programs, "docker", bake=json.dumps({"target": {tag: {"tags": [tag]} for tag in tags}}))
    write_fake(programs, "kind", clusters="other")
    assert run_demo(programs, "cluster").returncode == 0
    create, load = [line for line in logged(programs) if line.startswith(("kind create", "kind load"))]
    assert "--name=buildless" in create.split()
    assert load.split()[4:] == tags
    (programs / "log").unlink()
    write_fake(programs, "kind", clusters="other\nbuildless")
    assert run_demo(programs, "cluster").returncode == 0
    assert not [line for line in logged(programs) if line.startswith("kind create")]


@pytest.mark.parametrize(
    ("environment", "context"), [({}, "kind-buildless"), ({"CONTEXT": "mine"}, "mine")], ids=["kind", "mine"]
)
def test_only_the_named_cluster_is_touched(programs: Path, environment: dict[str, str], context: str) -> None:
    """Every command names the context of the demo's cluster, or CONTEXT; kubectl's current context is not used."""
    function = {"metadata": {"name": "hello-python", "namespace": "default"}, "spec": {}}
    write_fake(programs, "kubectl", apply="function.example/hello-python", get=json.dumps(function))
    write_fake(programs, "helm")
    assert run_demo(programs, "install", "call", **environment).returncode == 0
    for line in logged(programs):
        option = "--kube-context" if line.startswith("helm") else "--context"
        assert f"{option}={context}" in line.split()


def test_metacontroller_comes_first(programs: Path) -> None:
    """Metacontroller's chart, which has the CompositeController CRD, is installed and ready before the hook's chart."""
    write_fake(programs, "kubectl")
    write_fake(programs, "helm")
    assert run_demo(programs, "install").returncode == 0
    first, second, _ = logged(programs)
    assert first.startswith("helm upgrade --install metacontroller oci://ghcr.io/metacontroller/metacontroller-helm ")
    assert "--wait" in first.split()
    assert f"--values={ROOT / 'metacontroller/values.yaml'}" in first.split()
    assert second.startswith(f"helm upgrade --install function-hook {ROOT / 'chart'} ")


@pytest.mark.parametrize(("replicas", "calls"), [(1, 1), (0, 0)], ids=["on", "off"])
def test_examples_are_called(programs: Path, replicas: int, calls: int) -> None:
    """All examples are applied before the first call, since one calls another; one with 0 replicas is not called."""
    function = {"metadata": {"name": "one", "namespace": "default"}, "spec": {"replicas": replicas}}
    write_fake(programs, "kubectl", apply="function.example/one\nsecret/greeting", get=json.dumps(function))
    examples = {str(file) for file in (ROOT / "examples").glob("*.yaml")}
    assert run_demo(programs, "call", *examples).returncode == 0
    apply, wait, *rest = logged(programs)
    applied = {word.removeprefix("--filename=") for word in apply.split() if word.startswith("--filename=")}
    assert applied == examples - {str(ROOT / "examples/config-kyma-images.yaml")}
    assert wait.split()[-1] == "function.example/one"
    path = "/api/v1/namespaces/default/services/one:80/proxy/"
    assert [line.split()[-1] for line in rest if "--raw" in line.split()] == [path] * calls


def test_a_failed_step_ends_the_demo(programs: Path) -> None:
    """After a program has failed nothing else runs, and its name is printed."""
    write_fake(programs, "helm", upgrade=3)
    write_fake(programs, "kubectl")
    done = run_demo(programs, "install", "call")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "helm failed with status 3"
    assert len(logged(programs)) == 1
