"""Functions from Git on a real node, with a source-controller on this machine."""

import contextlib
from collections.abc import Iterator

from support.cluster import flux
from support.cluster.source_controller import SourceController
from support.cluster.stack import Stack
from support.node.api_services import node_address

CONFIG = "defaultProfile: XS\ngit: {enabled: true, interval: 10s, timeout: 10s}\n"


@contextlib.contextmanager
def running_with_git(stack: Stack) -> Iterator[None]:
    """Start source-controller, and the hook with git.enabled; take both back afterwards."""
    sources = SourceController(stack, node_address(stack.plane))
    before = stack.plane.directory / "config.yaml"
    config = stack.plane.directory / "git.yaml"
    config.write_text(CONFIG)
    sources.install()
    sources.start()
    try:
        stack.restart_hook("--config", str(config))
        stack.install_controller(kinds=flux.CHILDREN)
        yield
    finally:
        stack.install_controller()
        stack.restart_hook("--config", str(before))
        sources.stop()
