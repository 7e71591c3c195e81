"""
Two versions of the hook answer alternately, as during its rollout: their pod templates differ.

With the revision in the URL, as the chart has it, no pod restarts twice. Without it a Function may be rolled out again
and again meanwhile, but ends as the new version has it.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.stack import ROOT
from support.faults.chaos import Chaos
from support.faults.hook_proxy import Call, Reply, Rule
from support.faults.mixed_functions import MixedFunctions, differences
from support.ports import free_port

CONFIG = "publisherProxyAddress: http://other.example/publish\n"


class Versions:
    """The running hook and a second one with another config; `wanted` is the state after an ordinary upgrade to it."""

    def __init__(self, chaos: Chaos, directory: Path) -> None:
        self.chaos, self.port, self.config = chaos, free_port(), directory / "config.yaml"
        self.config.write_text(CONFIG)
        self.wanted: dict[str, Any] = {}

    def start(self, **environment: str) -> None:
        """Start or restart the second hook."""
        if "second hook" in self.chaos.processes.running:
            self.chaos.processes.stop("second hook")
        serve = ["-m", "hooks.cli", "serve", f"--bind=127.0.0.1:{self.port}", "--config", str(self.config)]
        self.chaos.processes.start("second hook", [sys.executable, *serve], PYTHONPATH=str(ROOT), **environment)
        probe = Call("/v1/customize", b'{"parent": {}}', self.port)
        wait_until(lambda: probe.forward().code == 200, "the second hook", 180)

    def second(self, call: Call) -> Reply:
        return call.forward(self.port)

    def alternately(self) -> Rule:
        calls = itertools.count()
        return lambda call: call.forward(self.port if next(calls) % 2 else 0)

    def wait_until_upgraded(self, mixed: MixedFunctions) -> None:
        """Return once every Function has the second version's template, and is settled."""
        names = ("plain", "edited", "scaled", "autoscaled", "account")

        def is_upgraded() -> bool:
            found = [self.chaos.stack.get("deployments", mixed.namespace, name) for name in names]
            return all("other.example" in json.dumps(each) for each in found)

        wait_until(is_upgraded, "the second version's templates", 180)
        mixed.settle()

    def finish(self, mixed: MixedFunctions) -> None:
        """Let only the second hook answer, and sync every Function."""
        self.chaos.hook.rule = self.second
        mixed.resync()
        mixed.pods = set()


@pytest.fixture(scope="module")
def upgraded(components: Chaos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    versions = Versions(components, tmp_path_factory.mktemp("versions"))
    versions.start()

    def upgrade(mixed: MixedFunctions) -> None:
        components.hook.rule = versions.second
        mixed.resync()
        versions.wait_until_upgraded(mixed)
        mixed.change()

    versions.wanted = components.run(upgrade)
    components.no_faults()
    yield versions
    components.processes.stop("second hook")


def test_without_revisions(chaos: Chaos, mixed: MixedFunctions, upgraded: Versions) -> None:
    """The objects and statuses end as the new version has them; further rollouts are possible and counted."""
    chaos.hook.rule = upgraded.alternately()
    mixed.change()
    for _ in range(4):
        mixed.resync()
        mixed.is_quiet(1)
    upgraded.finish(mixed)
    mixed.settle()
    left = differences(mixed.state(), upgraded.wanted)
    print(f"changes and pod templates beyond those of an upgrade: {left}")
    # A frozen Function keeps the template that was last applied, of either version.
    counted = ("/rollouts of", "/deployments broken/")
    assert [path for path in left if not path.endswith("/counts/generation") and not path.startswith(counted)] == []
    chaos.check_silence(mixed)
    chaos.clean(mixed)


def test_with_revisions(chaos: Chaos, upgraded: Versions, request: pytest.FixtureRequest) -> None:
    """Each version refuses the requests for the other one: all is as after an ordinary upgrade, rollouts included."""
    request.addfinalizer(chaos.restart_hook)
    request.addfinalizer(chaos.install_controller)
    chaos.restart_hook(BUILDLESS_REVISION="first")
    upgraded.start(BUILDLESS_REVISION="second")
    chaos.install_controller("?revision=first")
    mixed = chaos.prepared()
    chaos.hook.rule = upgraded.alternately()
    chaos.install_controller("?revision=second")
    upgraded.wait_until_upgraded(mixed)
    mixed.change()
    mixed.settle()
    upgraded.finish(mixed)
    chaos.check(mixed, wanted=upgraded.wanted)
