"""demo/cluster.py: which programs it starts, and in what order. Here they are stand-ins; e2e.yaml has the real ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.bake import ROOT, targets


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """An empty directory for stand-ins."""
    directory = tmp_path / "bin"
    directory.mkdir()
    return directory


def stand_in(programs: Path, name: str, **answers: str | int) -> None:
    """Make a program that notes its arguments; what it is to print or to fail with is chosen by its first word."""
    lines = [f"#!{sys.executable}", "import sys", f"answers = {answers!r}", "words = sys.argv[1:]"]
    lines += [f"print({name!r}, *words, file=open({str(programs / 'log')!r}, 'a'))"]
    lines += ["word = next((word for word in words if word in answers), None)", "answer = answers.get(word, 0)"]
    lines += ["sys.exit(answer) if isinstance(answer, int) else print(answer)"]
    (programs / name).write_text("\n".join(lines) + "\n")
    (programs / name).chmod(0o755)


def demo(programs: Path, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(programs)} | environment
    script = [sys.executable, ROOT / "demo/cluster.py", *steps]
    return subprocess.run(script, env=env, capture_output=True, text=True, check=False)


def started(programs: Path) -> list[str]:
    log = programs / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_what_is_missing_is_told_in_one_line(programs: Path) -> None:
    """Before anything is started, one line names every program that has to be installed, and where it is found."""
    done = demo(programs, "images", "cluster", "install", "call")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert all(f"{name}: https://" in done.stderr for name in ("Docker with buildx", "kind", "kubectl", "Helm"))


def test_a_docker_that_is_not_running_is_told(programs: Path) -> None:
    """A client without its engine is no Docker."""
    stand_in(programs, "docker", info=1)
    done = demo(programs, "images")
    assert done.returncode == 1
    assert "running" in done.stderr
    assert not [line for line in started(programs) if "bake" in line]


def test_every_image_is_loaded(programs: Path) -> None:
    """A new cluster is given all images of docker-bake.json; one that is there is used as it is."""
    tags = [target.tag for target in targets().values()]
    stand_in(programs, "docker", bake=json.dumps({"target": {tag: {"tags": [tag]} for tag in tags}}))
    stand_in(programs, "kind", clusters="other")
    assert demo(programs, "cluster").returncode == 0
    create, load = [line for line in started(programs) if line.startswith(("kind create", "kind load"))]
    assert "--name=buildless" in create.split()
    assert load.split()[4:] == tags
    (programs / "log").unlink()
    stand_in(programs, "kind", clusters="other\nbuildless")
    assert demo(programs, "cluster").returncode == 0
    assert not [line for line in started(programs) if line.startswith("kind create")]


@pytest.mark.parametrize(
    ("environment", "context"), [({}, "kind-buildless"), ({"CONTEXT": "mine"}, "mine")], ids=["kind", "mine"]
)
def test_only_the_named_cluster_is_touched(programs: Path, environment: dict[str, str], context: str) -> None:
    """Whatever kubectl's current context is, charts and Functions go to the cluster of the demo, or to CONTEXT."""
    function = {"metadata": {"name": "hello-python", "namespace": "default"}, "spec": {}}
    stand_in(programs, "kubectl", apply="function.example/hello-python", get=json.dumps(function))
    stand_in(programs, "helm")
    assert demo(programs, "install", "call", **environment).returncode == 0
    for line in started(programs):
        option = "--kube-context" if line.startswith("helm") else "--context"
        assert f"{option}={context}" in line.split()


def test_metacontroller_comes_first(programs: Path) -> None:
    """The hook's chart needs Metacontroller's own kinds, so that chart is there and ready before."""
    stand_in(programs, "kubectl")
    stand_in(programs, "helm")
    assert demo(programs, "install").returncode == 0
    first, second, _ = started(programs)
    assert first.startswith("helm upgrade --install metacontroller oci://ghcr.io/metacontroller/metacontroller-helm ")
    assert "--wait" in first.split()
    assert f"--values={ROOT / 'metacontroller/values.yaml'}" in first.split()
    assert second.startswith(f"helm upgrade --install function-hook {ROOT / 'chart'} ")


@pytest.mark.parametrize(("replicas", "calls"), [(1, 1), (0, 0)], ids=["on", "off"])
def test_examples_are_called(programs: Path, replicas: int, calls: int) -> None:
    """All examples are applied before one is called, since they call each other; what is off is not called."""
    function = {"metadata": {"name": "one", "namespace": "default"}, "spec": {"replicas": replicas}}
    stand_in(programs, "kubectl", apply="function.example/one\nsecret/greeting", get=json.dumps(function))
    examples = {str(file) for file in (ROOT / "examples").glob("*.yaml")}
    assert demo(programs, "call", *examples).returncode == 0
    apply, wait, *rest = started(programs)
    applied = {word.removeprefix("--filename=") for word in apply.split() if word.startswith("--filename=")}
    assert applied == examples - {str(ROOT / "examples/config-kyma-images.yaml")}
    assert wait.split()[-1] == "function.example/one"
    path = "/api/v1/namespaces/default/services/one:80/proxy/"
    assert [line.split()[-1] for line in rest if "--raw" in line.split()] == [path] * calls


def test_a_step_that_fails_ends_it(programs: Path) -> None:
    """Nothing goes on after a program that failed, and its name is told."""
    stand_in(programs, "helm", upgrade=3)
    stand_in(programs, "kubectl")
    done = demo(programs, "install", "call")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "helm failed with status 3"
    assert len(started(programs)) == 1
