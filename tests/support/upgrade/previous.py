"""The release before this tree, and its files."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path


def revision(root: Path, until_then: str) -> str:
    """
    Return the tag of the newest release before HEAD; if there is none, the commit `until_then`.

    Return "" if that commit is missing too: without git, outside a checkout, or in a shallow clone.
    """
    if shutil.which("git") is None:
        return ""
    tag = _git(root, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
    return tag or (until_then if _git(root, "rev-parse", "--verify", "--quiet", f"{until_then}^{{commit}}") else "")


def unpack(root: Path, revision: str, directory: Path) -> None:
    """Write the hook, the CRD and the CompositeController of a revision into a directory."""
    command = ["git", "archive", revision, "hooks", "crds", "compositecontroller.yaml"]
    packed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(directory, filter="data")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
