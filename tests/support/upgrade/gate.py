"""
The release gate: each of_...() returns why a change is not allowed and what to do, "" if it is allowed.

runtimes.txt has the version of each runtime family's images and the digest of their sources in runtimes/. Nodes that
have an image keep it under its tag, so a change of the sources needs a new version. The new version changes pod
templates, so the changelog must announce the restart.
"""

from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from support.cases import ROOT
from support.dockerfile import steps
from support.upgrade.templates import HERE, Parts, Templates, changed, functions

from hooks.cli.releases import Section
from hooks.runtimes import FAMILIES

RUNTIMES = HERE / "runtimes.txt"
BLESS = "make test ARGS=--bless"


class Images(NamedTuple):
    """A runtime family's version, and the digest of the sources of its images."""

    version: str
    digest: str


def of_templates(blessed: Templates, now: dict[str, Parts], section: Section) -> str:
    """Return why these pod templates may not replace the blessed ones."""
    refused = {
        name: what
        for name, what in changed(blessed.functions, now).items()
        if not (section.is_open and section.rolls_pods(functions().get(name, {})))
    }
    if refused:
        return (
            f"Pods would restart that CHANGELOG.md does not announce under {section.version}, Rolls pods:\n"
            f"{_listed(refused)}\n"
            "Undo that; or announce it in the section of the next release, under Rolls pods, "
            f"as hooks/cli/releases.py shows, then {BLESS}."
        )
    return ""


def taken_over(blessed: Templates, now: dict[str, Parts], section: Section) -> Templates:
    """Return the templates that --bless writes; raise AssertionError if the changelog does not allow it."""
    reason = of_templates(blessed, now, section)
    assert not reason, reason
    return Templates(section.version if changed(blessed.functions, now) else blessed.release, now)


def of_announcement(blessed: Templates, section: Section) -> str:
    """Return why an announced restart is wrong: no reference Function has changed."""
    if section.rolls and blessed.release != section.version:
        return (
            f"CHANGELOG.md announces a restart of pods with {section.version}, but no reference Function's template "
            f"has changed since {blessed.release}. If one has now: {BLESS}. If none will: remove the item, or add a "
            "Function that restarts to tests/support/upgrade/functions.yaml, and bless it without the change first."
        )
    return ""


def of_runtime(family: str, blessed: Images, now: Images, section: Section) -> str:
    """Return why a runtime's images may not replace the blessed ones."""
    is_new = section.is_open and now.version == section.version
    if now == blessed or is_new:
        return ""
    what = "runtimes/ has changed" if now.version == blessed.version else f"the version is {now.version} now"
    return (
        f"{family}: {what} since {blessed.version}. Undo that; or set image_version of its row in hooks/runtimes.py "
        f"to the version of the next release, and announce the restart in CHANGELOG.md under Rolls pods "
        f"(the newest section is {section.version}{'' if section.is_open else ', and released'}); then {BLESS}."
    )


def runtimes() -> dict[str, Images]:
    """Return the families as they are now."""
    return {name: Images(family.image_version, _digest(ROOT / "runtimes" / name)) for name, family in FAMILIES.items()}


def blessed_runtimes() -> dict[str, Images]:
    rows = [line.split() for line in RUNTIMES.read_text(encoding="utf-8").splitlines()]
    return {family: Images(*row) for family, *row in rows}


def bless_runtimes(images: dict[str, Images]) -> None:
    RUNTIMES.write_text("".join(f"{family} {' '.join(row)}\n" for family, row in images.items()), encoding="utf-8")


def _digest(folder: Path) -> str:
    """Return the digest of a Dockerfile and the files that it copies."""
    digest = sha256()
    for file in sorted(image_files(folder)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def image_files(folder: Path) -> set[Path]:
    """Return a Dockerfile and the files that it copies."""
    copied = [name for step in steps(folder / "Dockerfile") if step.word == "COPY" for name in step.rest.split()[:-1]]
    found = {folder / "Dockerfile"}
    for path in (folder / name for name in copied):
        files = path.rglob("*") if path.is_dir() else [path]
        found |= {file for file in files if not file.is_dir() and "__pycache__" not in file.parts}
    return found


def _listed(changes: dict[str, str]) -> str:
    """Return one line for each set of changed parts, with the Functions."""
    by_parts = defaultdict(list)
    for name, what in changes.items():
        by_parts[what].append(name)
    every = f"every reference Function, all {len(functions())}"
    shown = {what: every if len(names) == len(functions()) else ", ".join(names) for what, names in by_parts.items()}
    return "\n".join(f"  {what}: {names}" for what, names in shown.items())
