"""
The part of the build that pyproject.toml cannot express: files from outside the package.

`buildless run` starts the servers of Functions, and `buildless upgrade-plan` reads the changelog.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SERVERS, CHANGELOG = (Path(__file__).with_name(name) for name in ("runtimes", "CHANGELOG.md"))
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", ".compile-cache", "*.in")


class BuildWithServers(build_py):
    """Copies runtimes/ and the changelog into the package; the hook's image is built without them."""

    def run(self) -> None:
        super().run()
        if SERVERS.is_dir() and not self.editable_mode:
            copies = Path(self.build_lib, "hooks", "cli", "servers")
            shutil.copytree(SERVERS, copies, ignore=LEFT_OUT, dirs_exist_ok=True)
            shutil.copy(CHANGELOG, copies.parent)


setup(cmdclass={"build_py": BuildWithServers})
