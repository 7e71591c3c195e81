"""Handlers with `async def`: one event loop in one thread, for the life of the process."""

import contextvars
import threading
from collections.abc import AsyncIterable, Awaitable, Iterator
from concurrent.futures import Future
from typing import Any

_lock = threading.Lock()
_loop: Any = None


def awaited(result: Awaitable[Any]) -> Any:
    """Return the outcome of `result`, which runs in the loop with the caller's context variables."""
    future: Future[Any] = Future()
    context = contextvars.copy_context()
    task: list[Any] = []

    def start() -> None:
        task.append(loop.create_task(_outcome(result, future), context=context))

    loop = _started()
    loop.call_soon_threadsafe(start)
    try:
        return future.result()
    except BaseException:
        loop.call_soon_threadsafe(lambda: [each.cancel() for each in task])
        raise


def iterated(pieces: AsyncIterable[Any]) -> Iterator[Any]:
    """Yield what an asynchronous generator yields."""
    iterator = aiter(pieces)
    end = object()
    while (piece := awaited(anext(iterator, end))) is not end:
        yield piece


async def _outcome(result: Awaitable[Any], future: "Future[Any]") -> None:
    try:
        future.set_result(await result)
    except BaseException as error:
        if not future.done():
            future.set_exception(error)


def _started() -> Any:
    global _loop  # noqa: PLW0603
    with _lock:
        if _loop is None:
            import asyncio  # noqa: PLC0415  (takes longer to load than the rest of the server)

            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, daemon=True).start()
    return _loop
