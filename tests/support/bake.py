"""docker-bake.json: the images of this project, as `docker buildx bake` sees them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Target(NamedTuple):
    """One image: where its Dockerfile is, what it is built with and what it is called."""

    context: str
    arguments: dict[str, str]
    tag: str


def targets() -> dict[str, Target]:
    """Return the images that are built when none is named."""
    definition = json.loads((ROOT / "docker-bake.json").read_text(encoding="utf-8"))

    def image(target: dict[str, Any]) -> Target:
        (tag,) = target["tags"]
        return Target(target["context"], target.get("args", {}), tag)

    return {name: image(definition["target"][name]) for name in definition["group"]["default"]["targets"]}
