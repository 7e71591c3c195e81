"""
What the environment of the pod decides.

Where a variable has two names, the second is that of Kyma's python312 and the first that of its python314.
"""

import os
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

NO_LIMIT = float("inf")
MEBIBYTE = 1024 * 1024
MEMORY_FILE = "/sys/fs/cgroup/memory.max"


@dataclass(frozen=True)
class Settings:
    """
    `timeout` is in seconds, infinite for none; `body_limit` and `memory` (of the container) are in bytes, `memory` 0
    where it has no limit. `context` is what a handler is given as its second argument.
    """

    timeout: float
    body_limit: int
    memory: int
    threads: int
    context: dict[str, Any]


def read() -> Settings:
    """Return the settings; a value that cannot be used ends the process with a line that names it."""
    timeout = _number("FUNC_TIMEOUT", 180) or NO_LIMIT
    body_limit = int(_number("FUNC_BODY_MB_LIMIT", 0) * MEBIBYTE or _number("FUNC_MEMFILE_MAX", 100 * MEBIBYTE))
    return Settings(
        timeout=timeout,
        body_limit=body_limit,
        memory=_memory(),
        threads=max(1, int(_number("SERVER_NUMTHREADS", 0) or _number("CHERRYPY_NUMTHREADS", 50))),
        context={
            "function-name": os.environ.get("FUNC_NAME"),
            "namespace": os.environ.get("SERVICE_NAMESPACE"),
            "timeout": timeout if timeout != NO_LIMIT else 0,
            "runtime": os.environ.get("FUNC_RUNTIME"),
            "memory-limit": os.environ.get("FUNC_MEMORY_LIMIT"),
            "body-size-limit": body_limit,
        },
    )


def _number(name: str, default: float) -> float:
    given = os.environ.get(name) or default
    try:
        value = float(given)
    except ValueError:
        value = -1
    if not 0 <= value < NO_LIMIT:
        _stop(f'{name}: Invalid value: "{given}": must be a number that is not negative')
    return value


def _memory() -> int:
    """Return the memory limit of this container, 0 where there is none or it cannot be read (cgroup version 2)."""
    try:
        with open(MEMORY_FILE, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _stop(message: str) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    os._exit(1)
