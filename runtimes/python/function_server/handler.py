"""The user's function, loaded once before the first response."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

Handler = Callable[..., Any]


def load() -> Handler:
    """
    Return the function FUNC_HANDLER of the module MOD_NAME in the directory FUNCTION_PATH, or HANDLER_FUNC_NAME,
    HANDLER_MOD_NAME and HANDLER_PATH, as Kyma's python314 names them.

    If it cannot be loaded, the process writes the reason to standard error and exits with code 1. For a failed import
    that is the traceback from the user's first line on; the last line is the error.
    """
    module_name = _given("HANDLER_MOD_NAME", "MOD_NAME", "handler")
    name = _given("HANDLER_FUNC_NAME", "FUNC_HANDLER", "main")
    # In a pod FUNCTION_PATH is set; HANDLER_PATH may be a variable of the author.
    _find_in(_given("FUNCTION_PATH", "HANDLER_PATH", "/"))
    try:
        module = importlib.import_module(module_name)
    except BaseException as error:
        _fail(error)
    function = getattr(module, name, None)
    if not callable(function):
        _stop(f"{module_name}.py has no function {name}(event, context)")
    handler: Handler = function
    return handler


def _find_in(directory: str) -> None:
    """Let imports find the user's modules before server.py and sdk.py, whose names a repository may have too."""
    ours = os.path.dirname(os.path.dirname(__file__))
    sys.path[:] = [*(path for path in sys.path if path != ours), directory, ours]


def _given(first: str, second: str, default: str) -> str:
    """Return the first variable that is set."""
    return os.environ.get(first) or os.environ.get(second) or default


def _fail(error: BaseException) -> NoReturn:
    """Print the traceback without the frames of this module and of the import system, and exit."""
    frame = error.__traceback__
    while frame and _is_ours(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)
    _stop("The handler could not be loaded.", last_line=traceback.format_exception_only(error)[-1].strip())


def _is_ours(file: str) -> bool:
    return file == __file__ or "importlib" in file


def _stop(message: str, last_line: str = "") -> NoReturn:
    print(message, last_line, file=sys.stderr, flush=True)
    # Not sys.exit: threads that the user's module has started would keep the process alive.
    os._exit(1)
