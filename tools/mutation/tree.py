"""A copy of the repository with mutants in place of the modules that [tool.mutmut] of pyproject.toml names."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

from mutation.mutants import Mutant, write
from mutmut.configuration import config


def prepare(root: Path, tree: Path) -> tuple[str, list[Mutant]]:
    """Return the version of code and tests and all mutants; writes the copy unless it is of that version already."""
    saved, current = tree.with_name("mutants.json"), version(root)
    if saved.exists():
        found = json.loads(saved.read_text(encoding="utf-8"))
        if found["version"] == current:
            return current, [Mutant(**each) for each in found["mutants"]]
    copy(root, tree)
    mutants = generate(root, tree)
    saved.write_text(json.dumps({"version": current, "mutants": [*map(asdict, mutants)]}), encoding="utf-8")
    return current, mutants


def copy(root: Path, tree: Path) -> None:
    """Make `tree` a copy of the files of the repository at `root` that Git does not ignore."""
    shutil.rmtree(tree, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tree / name)


def generate(root: Path, tree: Path) -> list[Mutant]:
    """Write the modules with their mutants into the copy."""
    paths = [path.relative_to(root) for path in sorted((root / "hooks").rglob("*.py"))]
    return [mutant for path in paths if config().should_mutate(path) for mutant in write(root, tree, path)]


def version(root: Path) -> str:
    """Return a digest of code, tests and settings."""
    digest = hashlib.sha256((root / "pyproject.toml").read_bytes())
    for folder in ("hooks", "tests/core", "tests/support"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()
