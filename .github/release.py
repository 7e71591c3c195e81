"""
Checks before a release, and its notes and images.

release.py check v1.2.3   fails unless every file in VERSIONS has 1.2.3, and the changelog has a dated section for it
release.py notes v1.2.3   prints that section
release.py images v1.2.3  prints the images to publish, those with this version. The image of an unchanged runtime keeps
                          its older version, since a published tag never changes.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = {
    "hooks/__init__.py": r'^__version__ = "(.+)"$',
    "chart/Chart.yaml": r"^(?:version|appVersion): (.+)$",
    "docker-bake.json": r'/function-hook:([^"]+)"',
    "Dockerfile": r'image\.version="(.+)"',
    "config/hook.yaml": r"image: \S+/function-hook:(.+)$",
    "docs/installing.md": r"\?ref=v([0-9.]+)",
    "docs/releases.md": r"/function-hook:(\S+)",
}
"""The files that have the version, and the pattern before it; every match has to be the version."""


def versions(root: Path = ROOT) -> dict[str, set[str]]:
    """Return the versions in each file."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in VERSIONS}
    return {name: set(re.findall(pattern, texts[name], re.MULTILINE)) for name, pattern in VERSIONS.items()}


def section(version: str, root: Path = ROOT) -> str:
    """Return the changelog's section for a version, "" if there is none or it has no date."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def faults(version: str, root: Path = ROOT) -> list[str]:
    """Return every reason why this version cannot be released."""
    others = {name: found for name, found in versions(root).items() if found != {version}}
    wrong = [f"{name} has {' and '.join(sorted(found)) or 'no version'}" for name, found in others.items()]
    undated = [] if section(version, root) else [f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)'"]
    return wrong + undated


def images(version: str, root: Path = ROOT) -> list[str]:
    """Return the names and tags of the images with this version."""
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
