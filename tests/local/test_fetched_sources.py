"""A fetched source is served: each family's scripts, one after the other, in the layout of its image."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.fetch_source import entry, fetch, packed, sending, serving
from support.ports import free_port
from support.runtime_servers import HANDLER_VARIABLES, NEEDS, Server, get, layout, wait_until_listening

from hooks.cli import runtime_cache
from hooks.runtimes import FAMILIES

WORDS = "it works"
PYTHON = {
    "handler.py": "from helpers import text\ndef main(event, context):\n    return text.words()\n",
    "helpers/text.py": "from pathlib import Path\nwords = (Path(__file__).parent / '.words').read_text\n",
    "helpers/.words": WORDS,
}
COMMON_JS = "exports.main = () => require('node:fs').readFileSync(`${__dirname}/.words`, 'utf8');"
MODULE = (
    "import fs from 'node:fs'; export const main = () => fs.readFileSync(new URL('.words', import.meta.url), 'utf8');"
)
SOURCES: dict[str, tuple[str, dict[str, str]]] = {
    "handler.py": ("python", PYTHON),
    "handler.js": ("nodejs", {"handler.js": COMMON_JS, ".words": WORDS}),
    "main": ("nodejs", {"package.json": '{"main": "src/x.js"}', "src/x.js": COMMON_JS, "src/.words": WORDS}),
    "module": ("nodejs", {"package.json": '{"type": "module"}', "handler.js": MODULE, ".words": WORDS}),
}


@pytest.mark.parametrize(
    ("family", "source"), [pytest.param(*row, marks=NEEDS[row[0]], id=name) for name, row in SOURCES.items()]
)
def test_a_fetched_source_is_served(family: str, source: dict[str, str], tmp_path: Path) -> None:
    """The handler is handler.py or handler.js, or main of package.json; it finds the files beside it, dotfiles too."""
    root = tmp_path / "app"
    shutil.copytree(layout(family), root, symlinks=True, ignore=shutil.ignore_patterns("function"))
    data = packed(*(entry(f"fn/{name}", text.encode(), mode=0o600) for name, text in source.items()))
    with serving(sending(data)) as server:
        assert fetch(family, root / "function", server.url, data, SOURCE_PATH="fn").code == 0
    programs = runtime_cache.LOCAL[family].programs("")
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    env = {"PATH": path, "HOME": str(tmp_path), "FUNC_PORT": str(free_port())} | HANDLER_VARIABLES[family](root)
    start, log = FAMILIES[family].fetched.start, tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", start], cwd=root / "function", env=env, stdout=output, stderr=subprocess.STDOUT, text=True
        )
    try:
        served = Server(int(env["FUNC_PORT"]), process, log)
        wait_until_listening(served)
        assert get(served, "/")[2].decode() == WORDS
    finally:
        process.kill()
        process.wait()
