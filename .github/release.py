"""
Checks and texts of a release.

release.py check v1.2.3   fails unless every file with the version has 1.2.3, and the changelog has a dated section
release.py notes v1.2.3   prints that section
release.py images v1.2.3  prints the images of this version, which the release publishes. The image of an unchanged
                          runtime has an older version, and its tag is not published again.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONED = {
    "hooks/__init__.py": r'^__version__ = "(.+)"$',
    "chart/Chart.yaml": r"^(?:version|appVersion): (.+)$",
    "docker-bake.json": r'/function-hook:([^"]+)"',
    "Dockerfile": r'image\.version="(.+)"',
    "config/hook.yaml": r"image: \S+/function-hook:(.+)$",
    "docs/installing.md": r"\?ref=v([0-9.]+)",
    "docs/releases.md": r"/function-hook:(\S+)",
}
"""The files with the version, and the pattern that finds it there."""


def versions(root: Path = ROOT) -> dict[str, set[str]]:
    """Return the versions in each file."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in VERSIONED}
    return {name: set(re.findall(pattern, texts[name], re.MULTILINE)) for name, pattern in VERSIONED.items()}


def section(version: str, root: Path = ROOT) -> str:
    """Return the section of a version in the changelog; "" if there is none, or if it has no date."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def problems(version: str, root: Path = ROOT) -> list[str]:
    """Return the reasons why this version cannot be released."""
    other = [f"{name} has {' and '.join(sorted(found)) or 'no version'}"
            for name, found in versions(root).items() if found != {version}]  # fmt: skip
    dated = [] if section(version, root) else [f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)'"]
    return other + dated


def images(version: str, root: Path = ROOT) -> list[str]:
    """Return the tags of the images of this version."""
    definition = json.loads((root / "docker-bake.json").read_text(encoding="utf-8"))
    tags = [tag for target in definition["target"].values() for tag in target.get("tags", ())]
    return [tag for tag in tags if tag.rpartition(":")[2] == version]


def main(command: str, tag: str) -> None:
    version = tag.removeprefix("v")
    if command == "notes":
        print(section(version))
    elif command == "images":
        print(*images(version), sep="\n")
    elif wrong := problems(version):
        sys.exit("\n".join([f"{tag} cannot be released:", *wrong]))


if __name__ == "__main__":
    main(*sys.argv[1:])
