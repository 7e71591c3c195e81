"""The part of the build that pyproject.toml cannot express: the servers of Functions, which `buildless run` starts."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SERVERS = Path(__file__).with_name("runtimes")
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", ".compile-cache", "*.in")


class BuildWithServers(build_py):
    """Copies runtimes/ into the package; the hook's image is built without that directory."""

    def run(self) -> None:
        super().run()
        if SERVERS.is_dir() and not self.editable_mode:
            copies = Path(self.build_lib, "hooks", "cli", "servers")
            shutil.copytree(SERVERS, copies, ignore=LEFT_OUT, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithServers})
