"""
What has to be true before a release is made, and what is said about it.

release.py check v1.2.3   fails unless every file that tells a version tells 1.2.3, and the changelog has its section
release.py notes v1.2.3   prints that section
release.py images v1.2.3  prints the images that come with it: those of its version. A runtime that has not changed
                          keeps its older one, and what is published under a tag stays as it is.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TELLS = {
    "hooks/__init__.py": r'^__version__ = "(.+)"$',
    "chart/Chart.yaml": r"^(?:version|appVersion): (.+)$",
    "docker-bake.json": r'/function-hook:([^"]+)"',
    "Dockerfile": r'image\.version="(.+)"',
    "config/hook.yaml": r"image: \S+/function-hook:(.+)$",
    "docs/installing.md": r"\?ref=v([0-9.]+)",
    "docs/releases.md": r"/function-hook:(\S+)",
}
"""Which files tell the version, and how: each match has to be it."""


def versions(root: Path = ROOT) -> dict[str, set[str]]:
    """Return which versions each file tells."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in TELLS}
    return {name: set(re.findall(pattern, texts[name], re.MULTILINE)) for name, pattern in TELLS.items()}


def section(version: str, root: Path = ROOT) -> str:
    """Return what the changelog says of a version; empty if it says nothing, or that it is unreleased."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def faults(version: str, root: Path = ROOT) -> list[str]:
    """Return what keeps this version from being released."""
    told = [f"{name} tells {' and '.join(sorted(found)) or 'no version'}"
            for name, found in versions(root).items() if found != {version}]  # fmt: skip
    dated = [] if section(version, root) else [f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)'"]
    return told + dated


def images(version: str, root: Path = ROOT) -> list[str]:
    """Return the names and tags of the images that are of this version."""
    definition = json.loads((root / "docker-bake.json").read_text(encoding="utf-8"))
    tags = [tag for target in definition["target"].values() for tag in target.get("tags", ())]
    return [tag for tag in tags if tag.rpartition(":")[2] == version]


def main(command: str, tag: str) -> None:
    version = tag.removeprefix("v")
    if command == "notes":
        print(section(version))
    elif command == "images":
        print(*images(version), sep="\n")
    elif wrong := faults(version):
        sys.exit("\n".join([f"{tag} cannot be released:", *wrong]))


if __name__ == "__main__":
    main(*sys.argv[1:])
