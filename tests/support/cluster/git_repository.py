"""Git repositories on disk, to which tests push."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in {"NAME": "author", "EMAIL": "author@example.com"}.items()}  # fmt: skip
ENVIRONMENT = IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""Variables of git that keep the configuration of this machine out of the tests."""


class Repository:
    """A bare repository and a clone from which commits are pushed to it; its first branch is `main`."""

    def __init__(self, bare: Path) -> None:
        self.bare, self.clone = bare, bare.with_name(f"{bare.stem}-clone")
        git(bare.parent, "init", "-q", "--bare", "-b", "main", str(bare))
        git(bare.parent, "clone", "-q", str(bare), str(self.clone))

    def push(self, files: Mapping[str, str], branch: str = "main", message: str = "change") -> str:
        """Write these files, by path, commit them on a branch, which may be new, and push; return the commit."""
        if branch != git(self.clone, "symbolic-ref", "--short", "HEAD"):
            self._switch(branch)
        for path, text in files.items():
            file = self.clone / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", message)
        git(self.clone, "push", "-q", "origin", branch)
        return git(self.clone, "rev-parse", "HEAD")

    def tag(self, name: str, target: str = "HEAD") -> None:
        """Set a tag, which may exist with another target, and push it."""
        git(self.clone, "tag", "--force", "-a", "-m", name, name, target)
        git(self.clone, "push", "-q", "--force", "origin", f"refs/tags/{name}")

    def reset(self, commit: str, branch: str = "main") -> None:
        """Force a branch to another commit."""
        git(self.clone, "push", "-q", "--force", "origin", f"{commit}:refs/heads/{branch}")

    def delete(self, reference: str) -> None:
        """Delete a reference such as refs/heads/old from the remote."""
        git(self.clone, "push", "-q", "origin", f":{reference}")

    def commits(self, branch: str = "main") -> list[str]:
        """Return the commits of a branch, the oldest first."""
        return git(self.bare, "rev-list", "--reverse", branch).splitlines()

    def _switch(self, branch: str) -> None:
        known = git(self.clone, "branch", "--list", branch)
        git(self.clone, "switch", "-q", *(() if known else ("--create",)), branch)


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory; return its output without the last newline."""
    command = ["git", "-C", str(directory), *arguments]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
