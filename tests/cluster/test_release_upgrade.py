"""
The writes of an upgrade from the previous release, and of a rollback, to a cluster with the reference Functions.

As with the chart, the order is: the CRD, the hook, the CompositeController. The latter has new URLs for the hook, so
that Metacontroller syncs every Function again. It reads a Function after it has applied a response: these requests in
the audit log show when every sync is done.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.functions import create_function, is_ready
from support.cluster.stack import ROOT, Stack, own_stack
from support.upgrade import changelog, previous
from support.upgrade.templates import Templates, with_default_config

pytestmark = pytest.mark.own_stack

NAMESPACE = "upgraded"


class Cluster:
    """A cluster whose Functions the previous release has created."""

    def __init__(self, stack: Stack, release: str) -> None:
        self.stack, self.plane, self.release, self.previous = stack, stack.plane, release, stack.tree
        newest = changelog.newest(changelog.FILE.read_text(encoding="utf-8"))
        self.section = None if release == f"v{newest.version}" else newest

    def settle(self) -> None:
        """Start the previous release, create every Function, and wait until Metacontroller writes nothing more."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": NAMESPACE, "labels": labels}
        self.plane.kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.stack.install()
        self.run_hook()
        self.stack.start_metacontroller()
        for name, spec in with_default_config().items():
            create_function(self.stack, NAMESPACE, name, **spec)
        wait_until(lambda: self.not_ready() == [], "every Function to be ready", 180, interval=1)
        self.wait_for_silence()

    def not_ready(self) -> list[str]:
        self.stack.make_pods_ready(NAMESPACE)
        functions = self.stack.list("functions", NAMESPACE)
        assert len(functions) == len(with_default_config())
        return [each["metadata"]["name"] for each in functions if not is_ready(each)]

    def wait_for_silence(self) -> None:
        """Return once Metacontroller has written nothing for three seconds."""
        for _ in range(30):
            mark = self.plane.mark()
            time.sleep(3)
            if not self.plane.writes(mark):
                return
        raise AssertionError("Metacontroller does not stop writing")

    def run_hook(self) -> None:
        """Restart the hook from `stack.tree`."""
        tree = str(self.stack.tree)
        command = [sys.executable, "-c", "import hooks; print(hooks.__file__)"]
        found = subprocess.run(
            command, env={"PYTHONPATH": tree}, cwd=self.plane.directory, capture_output=True, text=True, check=True
        )
        assert found.stdout.startswith(tree), f"the hook of {found.stdout} would run"
        self.stack.restart_hook()

    def move_to(self, tree: Path, revision: str) -> list[str]:
        """Up- or downgrade; return Metacontroller's writes to Functions and children until every sync is done."""
        self.stack.tree = tree
        mark = self.plane.mark()
        self.stack.install_crd()
        self.run_hook()
        restarted = self.plane.mark()
        self.stack.install_controller(query=f"?revision={revision}")
        names = set(with_default_config())
        wait_until(lambda: names <= self.synced(restarted), "every Function to be synced again", 60)
        time.sleep(3)
        return sorted(what for what in self.plane.writes(mark) if f" {NAMESPACE}/" in what)

    def synced(self, mark: int) -> set[str]:
        """Return the Functions that Metacontroller has read since then, as it does after a sync."""
        start = f"functions {NAMESPACE}/"
        events = self.plane.events(mark)
        return {what.removeprefix(start) for event, what in events if event["verb"] == "get" and what.startswith(start)}

    def may_restart(self, name: str) -> bool:
        return self.section is not None and self.section.rolls_pods(with_default_config()[name])

    def is_announced(self, write: str) -> bool:
        """Return whether the changelog announces a write, such as "update deployments upgraded/hello"."""
        _, resource, target = write.split()
        return self.may_restart(target.rpartition("/")[2]) or bool(self.section and self.section.may_write(resource))

    def unaffected_pods(self) -> set[str]:
        """Return the pods of Functions that may not restart."""
        label = "serverless.kyma-project.io/function-name"
        pods = self.stack.list("pods", NAMESPACE)
        return {pod["metadata"]["name"] for pod in pods if not self.may_restart(pod["metadata"]["labels"][label])}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The reference Functions, settled with the previous release."""
    blessed = Templates.read().release
    release = previous.revision(ROOT, until_then=blessed)
    if not release:
        pytest.skip(f"git has neither a tag v* nor {blessed}: fetch the history (git fetch --unshallow --tags)")
    tree = tmp_path_factory.mktemp("previous")
    previous.unpack(ROOT, release, tree)
    with own_stack(tmp_path_factory.mktemp("control-plane"), tree=tree) as stack:
        cluster = Cluster(stack, release)
        cluster.settle()
        yield cluster


def test_an_upgrade_writes_what_the_changelog_announces(cluster: Cluster) -> None:
    """From the previous release to this tree there is no write and no new pod but those of the newest section."""
    before = cluster.unaffected_pods()
    assert before
    writes = cluster.move_to(ROOT, "this-tree")
    print(f"upgrade from {cluster.release}: {len(with_default_config())} Functions, {len(writes)} writes")
    assert [write for write in writes if not cluster.is_announced(write)] == []
    assert cluster.unaffected_pods() == before


def test_a_rollback_writes_what_the_changelog_announces(cluster: Cluster) -> None:
    """The same holds for the way back to the previous release."""
    before = cluster.unaffected_pods()
    writes = cluster.move_to(cluster.previous, "previous")
    assert [write for write in writes if not cluster.is_announced(write)] == []
    assert cluster.unaffected_pods() == before


def test_a_change_of_pod_templates_would_be_seen(cluster: Cluster, tmp_path: Path) -> None:
    """A release with another probe causes a write of every Deployment: the tests above can fail."""
    for name in ("hooks", "crds"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "compositecontroller.yaml", tmp_path)
    builder = tmp_path / "hooks" / "children" / "deployment.py"
    text = builder.read_text(encoding="utf-8")
    assert "failures=7" in text
    builder.write_text(text.replace("failures=7", "failures=8"), encoding="utf-8")
    writes = cluster.move_to(tmp_path, "another-probe")
    assert {f"update deployments {NAMESPACE}/{name}" for name in with_default_config()} <= set(writes)
