"""
What stands in the way of a change: "" if nothing does, else what it would do to Functions that run, and what to do.

runtimes.txt holds the version and the digest of each runtime family's images, as far as they are made from runtimes/.
An image that changes under a tag that is out would reach some nodes and not others, so a change needs a new version;
a new version is another image in the pod template, so it needs a word in the changelog like any other.
"""

from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from support.cases import ROOT
from support.dockerfile import steps
from support.upgrade.changelog import Section
from support.upgrade.templates import HERE, Parts, Templates, changed, functions

from hooks.runtimes import FAMILIES

RUNTIMES = HERE / "runtimes.txt"
BLESS = "make test ARGS=--bless"


class Images(NamedTuple):
    """A runtime family's version, and a digest of all that its images are made of here."""

    version: str
    digest: str


def of_templates(blessed: Templates, now: dict[str, Parts], section: Section) -> str:
    """Return why these pod templates may not take the place of those that are blessed."""
    refused = {
        name: what
        for name, what in changed(blessed.functions, now).items()
        if not (section.is_open and section.rolls_pods(functions().get(name, {})))
    }
    if refused:
        return (
            f"Pods would restart that CHANGELOG.md does not speak of under {section.version}, Rolls pods:\n"
            f"{_listed(refused)}\n"
            "Undo that; or, in the section of the release to come, say under Rolls pods who restarts and why, "
            f"as tests/support/upgrade/changelog.py shows, then {BLESS}."
        )
    return ""


def taken_over(blessed: Templates, now: dict[str, Parts], section: Section) -> Templates:
    """Return what --bless writes; raises AssertionError if the changelog does not allow it."""
    complaint = of_templates(blessed, now, section)
    assert not complaint, complaint
    return Templates(section.version if changed(blessed.functions, now) else blessed.release, now)


def of_promise(blessed: Templates, section: Section) -> str:
    """Return why the changelog frightens people for nothing."""
    if section.rolls and blessed.release != section.version:
        return (
            f"CHANGELOG.md says that pods restart with {section.version}, but no reference Function's have changed "
            f"since {blessed.release}. If they have by now: {BLESS}. If none will: take the line out, or add the "
            "Function that shows it to tests/support/upgrade/functions.yaml, blessed without the change first."
        )
    return ""


def of_runtime(family: str, blessed: Images, now: Images, section: Section) -> str:
    """Return why a runtime's images may not take the place of those that are blessed."""
    is_new = section.is_open and now.version == section.version
    if now == blessed or is_new:
        return ""
    what = "runtimes/ has changed" if now.version == blessed.version else f"the version is {now.version} now"
    return (
        f"{family}: {what} since {blessed.version}. Undo that; or set image_version of its row in hooks/runtimes.py "
        f"to the version of the release to come, and say in CHANGELOG.md under its Rolls pods that Functions restart "
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
    """Return the digest of a Dockerfile and of every file that it copies."""
    digest = sha256()
    for file in sorted(image_files(folder)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def image_files(folder: Path) -> set[Path]:
    """Return a Dockerfile, and every file that it copies."""
    copied = [name for step in steps(folder / "Dockerfile") if step.word == "COPY" for name in step.rest.split()[:-1]]
    found = {folder / "Dockerfile"}
    for path in (folder / name for name in copied):
        inside = path.rglob("*") if path.is_dir() else [path]
        found |= {file for file in inside if not file.is_dir() and "__pycache__" not in file.parts}
    return found


def _listed(changes: dict[str, str]) -> str:
    """Return one line for each set of parts, with the Functions in which they differ."""
    alike = defaultdict(list)
    for name, what in changes.items():
        alike[what].append(name)
    every = f"every reference Function, all {len(functions())}"
    shown = {what: every if len(names) == len(functions()) else ", ".join(names) for what, names in alike.items()}
    return "\n".join(f"  {what}: {names}" for what, names in shown.items())
