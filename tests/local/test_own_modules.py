"""The modules of a repository beside those of the Python server."""

from pathlib import Path

from support.runtime_servers import NEEDS, send, started

pytestmark = NEEDS["python"]

NAMES = ("server", "sdk", "fetch_source", "kubeless")
OWN_MODULES = {f"{name}.py": f"NAME = 'own {name}'\n" for name in NAMES} | {
    "handler.py": f"import {', '.join(NAMES)}\n\ndef main(*_):\n    return ', '.join([{'.NAME, '.join(NAMES)}.NAME])\n",
    **{f"{name}.py": "raise ImportError('not for the server')\n" for name in ("flask", "function_server", "json")},
}


def test_modules_of_the_repository(tmp_path: Path) -> None:
    """A repository's modules are found before the server's of the same name, and not by the server."""
    for name, text in OWN_MODULES.items():
        (tmp_path / name).write_text(text)
    with started("python", FUNCTION_PATH=str(tmp_path)) as server:
        assert send(server, {"path": "/"})[::2] == (200, b"own server, own sdk, own fetch_source, own kubeless")
        assert send(server, {"path": "/metrics"})[0] == 200


def test_the_sdk_without_one_of_the_repository(tmp_path: Path) -> None:
    """A handler that has no module of its own finds the server's."""
    (tmp_path / "handler.py").write_text("import sdk\n\ndef main(*_):\n    return sdk.get_function_name.__doc__\n")
    with started("python", FUNCTION_PATH=str(tmp_path)) as server:
        assert send(server, {"path": "/"})[::2] == (200, b"Return the name of the Function.")
