"""Runs an async task, driven from outside, to the end that `asyncio.run()` would give it."""

from asyncio import coroutines, tasks
from time import monotonic

from .calls import pending_calls
from .loop import CapsuleEventLoop

# Seconds that cancelled tasks and unfinished generators get for their clean-up once the task itself has ended.
CLEANUP_SECONDS = 10


class Driver:
    """The task's coroutine and the loop it runs in. `turn` until it gives `ENDED`."""

    def __init__(self, coroutine):
        self._loop = CapsuleEventLoop()
        if not coroutines.iscoroutine(coroutine):
            coroutine = _wait_for(coroutine)
        self._main = self._loop.create_task(coroutine)
        self._main.add_done_callback(lambda _: self._loop.stop())
        # What is still to be waited for after the end of the task, and until when.
        self._left = None
        self._generators_closed = False
        self._until = 0.0

    def turn(self):
        """Runs until nothing is ready.

        Gives whether the task and all it left behind have ended, and the time until the next timer in seconds or None.
        Raises what ends the whole attempt: SystemExit and KeyboardInterrupt of any task.
        """
        while True:
            wake = self._loop.turn()
            if not self._main.done():
                return False, wake
            waits = self._clean_up()
            if waits is None:
                return True, None
            if waits:
                return self._rest(wake)

    def result(self):
        """What the ended task returned; raises what it raised."""
        return self._main.result()

    def _clean_up(self):
        """The next step of it. Gives None once there is nothing left, True if it takes more events, False to go on."""
        if self._left is None:
            self._until = monotonic() + CLEANUP_SECONDS
            self._left = tasks.all_tasks(self._loop)
            for task in self._left:
                task.cancel()
            if self._left:
                return False
        if any(not task.done() for task in self._left):
            return True
        self._report_failures()
        if not self._generators_closed:
            self._generators_closed = True
            if self._loop._asyncgens:
                self._left = {self._loop.create_task(self._loop.shutdown_asyncgens())}
                return False
        return None

    def _rest(self, wake):
        now = monotonic()
        if now >= self._until or (wake is None and pending_calls() == 0):
            return True, None
        return False, self._until - now if wake is None else min(wake, self._until - now)

    def _report_failures(self):
        for task in self._left:
            if not task.cancelled() and task.exception() is not None:
                self._loop.call_exception_handler(
                    {
                        "message": "unhandled exception during asyncio.run() shutdown",
                        "exception": task.exception(),
                        "task": task,
                    }
                )
        self._left = set()


async def _wait_for(awaitable):
    return await awaitable
