"""The life of one Function on a real API server, step by step, and its recording in tests/core/lifecycles/."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from support.cluster.control_plane import no_checks, wait_until
from support.cluster.functions import create_function, edit_function
from support.cluster.stack import GROUP, Stack
from support.lifecycles import RECORDINGS, check_argo, check_kstatus_and_flux, milestones, recorded_lives, step_of

from hooks.cli.dump import to_yaml

Manifest = dict[str, Any]


class Life:
    """A Function named hello, and the events of its life cycle."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack, self.namespace = stack, namespace
        self.steps: list[Manifest] = []
        self.watching = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        assert self.watching.wait(10), "the watch does not run"

    def create(self, **spec: Any) -> None:
        create_function(self.stack, self.namespace, **spec)

    def edit(self, **spec: Any) -> None:
        edit_function(self.stack, self.namespace, **spec)

    def deployment(self, patch: Manifest, *, status: bool = False) -> None:
        self.stack.patch("deployments", self.namespace, "hello", patch, status=status)

    def autoscaler(self, patch: Manifest) -> None:
        self.stack.patch("horizontalpodautoscalers", self.namespace, "hello", patch, status=True)

    def until(self, kind: str, reason: str) -> None:
        """Wait until a condition of the newest generation is True for this reason; no pod becomes ready meanwhile."""
        wait_until(lambda: self._is(kind, reason), f"{kind} {reason}", 60)

    def ready(self) -> None:
        """Mark pods as ready until the newest generation is Ready."""
        wait_until(self._is_ready, "ready", 90)

    def quota(self, resource: str) -> None:
        """Set a quota of 0; no controller runs here that would write its status."""
        head = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
        kubectl = self.stack.plane.kubectl
        kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": {"hard": {resource: "0"}}})
        counted = json.dumps({"status": {"hard": {resource: "0"}, "used": {resource: "0"}}})
        kubectl("patch", "quota", "none", "-n", self.namespace, "--subresource=status", "--type=merge", "-p", counted)
        time.sleep(1)

    def limit(self, **amounts: str) -> None:
        """Set a LimitRange for containers."""
        head = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}}
        spec = {"limits": [{"type": "Container", "max": amounts}]}
        self.stack.plane.kubectl("create", "-n", self.namespace, "-f", "-", stdin=head | {"spec": spec})
        time.sleep(1)

    def no_quota(self) -> None:
        self.stack.plane.kubectl("delete", "quota", "none", "-n", self.namespace)

    def end(self) -> list[Manifest]:
        """Delete the Function; return the distinct steps of its life."""
        self.stack.plane.kubectl("delete", "function", "hello", "-n", self.namespace, "--timeout=30s")
        self.thread.join(10)
        assert not self.thread.is_alive(), "the watch never saw the end"
        steps = [step_of(function) for function in self.steps]
        return [step for before, step in zip([{}, *steps], steps, strict=False) if step != before]

    def _is_ready(self) -> bool:
        self.stack.make_pods_ready(self.namespace)
        return self._is("Ready")

    def _is(self, kind: str, reason: str | None = None) -> bool:
        function = self.stack.get("functions", self.namespace, "hello") or {}
        newest = function["metadata"]["generation"]
        for each in function["status"]["conditions"]:
            if (each["type"], each["status"], each["observedGeneration"]) == (kind, "True", newest):
                return reason in (None, each["reason"])
        return False

    def _watch(self) -> None:
        plane = self.stack.plane
        request = urllib.request.Request(
            f"{plane.url}{GROUP}/namespaces/{self.namespace}/functions?watch=1", headers=plane.headers
        )
        # While the API server loads a new CRD it refuses the watch.
        wait_until(lambda: plane.call("GET", f"{GROUP}/functions?limit=1")[0] == 200, "the CRD to be served")
        with wait_until(
            lambda: urllib.request.urlopen(request, context=no_checks(), timeout=300), "the watch"
        ) as events:
            self.watching.set()
            for line in events:
                event = json.loads(line)
                if event["type"] == "DELETED":
                    return
                self.steps.append(event["object"])


def check_life(life: Life, live: Callable[[Life], None], *, bless: bool) -> None:
    """Fail unless the tools agree with the conditions at each step, and the recording has the same milestones."""
    name = live.__name__.replace("_", "-")
    live(life)
    steps = life.end()
    if bless:
        text = f"# {(live.__doc__ or '').strip()}\n{to_yaml(steps)}"
        (RECORDINGS / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert milestones(steps) == milestones(recorded_lives()[name])
    check_argo(steps)
    check_kstatus_and_flux(steps)
