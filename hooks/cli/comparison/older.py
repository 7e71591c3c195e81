"""The children that another version of this package renders, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hooks.cli.problem import printable
from hooks.manifest import Manifest

_SECONDS = 300
_START = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
import hooks
if not hooks.__file__.startswith(sys.path[0]):
    print("it has no package hooks", file=sys.stderr)
    sys.exit(3)
from hooks.cli import main
sys.exit(main(["render", "-", "-o", "json", *sys.argv[1:]]))
"""


class OlderFailed(Exception):
    """The other version cannot run; the message is its last line."""


def rendered(
    package: str, functions: Sequence[Manifest], others: Sequence[Manifest], config: str | None
) -> list[Manifest]:
    """
    Return what `buildless render` of a wheel or a source tree prints for Functions, with `others` in the same file.

    A Function that it refuses has no children. Raises OlderFailed.
    """
    options = ["--config", str(Path(config).resolve())] if config else []
    command = [sys.executable, "-P", "-c", _START, str(Path(package).resolve()), *options]
    code, printed, reasons = _run(command, [*functions, *others])
    if code == 0:
        found: list[Manifest] = json.loads(printed)["items"]
        return found
    if code != 1 or "Traceback" in reasons:
        raise OlderFailed(printable(reasons.strip().rpartition("\n")[2]))
    if len(functions) == 1:
        return []
    return [child for each in functions for child in rendered(package, [each], others, config)]


def _run(command: Sequence[str], objects: Sequence[Manifest]) -> tuple[int, str, str]:
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OlderFailed(str(error)) from None
    return done.returncode, done.stdout, done.stderr
