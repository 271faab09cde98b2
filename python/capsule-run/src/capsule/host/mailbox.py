"""What the worker says of one request, on its way from the thread that reads to whoever asked."""

from __future__ import annotations

import asyncio
import collections
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

# Bytes of output and events of one request that wait for callbacks; what comes beyond is dropped and counted.
WAITING_BYTES = 64 * 1024 * 1024

_DROPPABLE = frozenset({"output", "event"})

Message = dict[str, Any]


class Mailbox(Protocol):
    def put(self, message: Message, size: int = 0) -> None:
        """From any thread; does not wait."""
        ...

    def forget(self, message: Message) -> None:
        """In a forked child, whose locks may be held by threads that it has not: this is all that comes."""
        ...


class _Bounded:
    """Counts what waits, and replaces what is too much by one message `dropped`."""

    def __init__(self) -> None:
        self._counts = threading.Lock()
        self._bytes = 0
        self._lost: list[int] = [0, 0]

    def _admit(self, message: Message, size: int) -> list[tuple[Message, int]]:
        """What is put into the box in the message's place."""
        with self._counts:
            kind = message.get("type")
            if kind in _DROPPABLE and self._bytes > WAITING_BYTES:
                self._lost[kind == "event"] += size if kind == "output" else 1
                return []
            admitted = []
            if self._lost != [0, 0]:
                notice = {"type": "dropped", "output_bytes": self._lost[0], "events": self._lost[1]}
                admitted.append((notice, 0))
                self._lost = [0, 0]
            self._bytes += size
            return [*admitted, (message, size)]

    def _taken(self, size: int) -> None:
        with self._counts:
            self._bytes -= size

    def _forget(self) -> None:
        self._counts = threading.Lock()


class SyncMailbox(_Bounded):
    """For a thread that waits."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: queue.SimpleQueue[tuple[Message, int]] = queue.SimpleQueue()

    def put(self, message: Message, size: int = 0) -> None:
        for each in self._admit(message, size):
            self._queue.put(each)

    def get(self) -> Message:
        message, size = self._queue.get()
        self._taken(size)
        return message

    def forget(self, message: Message) -> None:
        self._forget()
        self._queue = queue.SimpleQueue()
        self._queue.put((message, 0))


class AsyncMailbox(_Bounded):
    """For a coroutine of one event loop."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        """`on_lost`: called when the loop was closed, so that nobody will ever look into the box."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._items: collections.deque[tuple[Message, int]] = collections.deque()
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False

    def put(self, message: Message, size: int = 0) -> None:
        self._items.extend(self._admit(message, size))
        # The loop is told once for all that has come until it looks.
        if self._woken:
            return
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            self._items.clear()
            self._on_lost()

    def _wake(self) -> None:
        self._woken = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Message:
        while not self._items:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message, size = self._items.popleft()
        self._taken(size)
        return message

    def forget(self, message: Message) -> None:
        self._forget()
        self._items = collections.deque([(message, 0)])
