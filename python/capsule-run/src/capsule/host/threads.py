"""Threads in which functions of a run are at work that would block an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

# As many as the worker has calls under way of one run.
MOST_THREADS = 32


class Threads:
    """Those of one run. They do not keep the interpreter from ending, as those of a pool would.

    A function that was given up goes on, and keeps its place until it ends: or a program could start any number of them.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MOST_THREADS)

    async def run(self, fn: Callable[[], Any]) -> Any:
        """Waits for a place, calls a function, and gives what it gave."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def settle(error: BaseException | None, result: Any) -> None:
            self._places.release()
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def work() -> None:
            error: BaseException | None = None
            result = None
            try:
                result = context.run(fn)
            except StopIteration as stop:
                # Futures can't hold it.
                error = RuntimeError(f"a tool raised {stop!r}")
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(settle, error, result)
            except RuntimeError:
                # The loop was closed: nobody waits.
                pass

        try:
            threading.Thread(target=work, name="capsule-tool", daemon=True).start()
        except RuntimeError:
            # The system has no more, or the interpreter is ending.
            self._places.release()
            raise
        return await done
