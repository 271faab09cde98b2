"""A client of `capsule worker`: requests from any thread and any event loop, answered by one process.

The process is started by the first request, and another one by the first after it died. What was under way when it died
fails with `WorkerDiedError`.
"""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextlib
import itertools
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import wire
from .errors import UsageError, WorkerDiedError, WorkerError, error_of
from .exchange import (
    Exchange,
    OnMessage,
    OnToolCall,
    converse,
    converse_sync,
    forget_background,
    in_background,
)
from .location import command_environment, environment_mark
from .mailbox import AsyncMailbox, Mailbox, Message, SyncMailbox
from .process import Worker

PROTOCOL_VERSION = 1
# Below what the worker allows; more requests wait in a line here.
OPEN = 900
OPEN_BYTES = 400 * 1024 * 1024
CLOSE_SECONDS = 10.0

logger = logging.getLogger("capsule")


class _Request:
    """A request that has no answer yet."""

    def __init__(self, client: WorkerClient, id: str, message: Mapping[str, Any], raw: Mapping[str, bytes]):
        self.id = id
        self.mailbox: Mailbox
        self.message = message
        self.raw = raw
        self.size = 0
        # `None`: it waits in the line.
        self.worker: Worker | None = None
        self.cancelled = False
        self._client = client

    def cancel(self) -> None:
        self._client._cancel(self)

    def answer(self, call: str, answer: dict[str, Any]) -> None:
        worker = self.worker
        if worker is not None and self.id in self._client._requests:
            worker.write(wire.line({"type": "tool_result", "id": self.id, "call": call, **answer}))

    def end(self) -> None:
        self._client._end(self)


class WorkerClient:
    def __init__(
        self,
        command: Callable[[], Sequence[str]],
        *,
        hello: Mapping[str, Any] | None = None,
        cwd: str | None = None,
        on_warning: Callable[[str], object] | None = None,
    ):
        """`command`: gives the command line of a worker, called when one is started. `hello`: fields of the protocol's
        `hello`. `cwd`: the folder it is started in, by default the one that is current then. `on_warning`: called by a
        thread of the client's own; by default warnings go to the logger `capsule`.
        """
        self._command = command
        self._hello = dict(hello or {})
        self._cwd = cwd
        self._on_warning = on_warning
        self._ids = itertools.count(1)
        self._reset()
        _clients.add(self)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._worker: Worker | None = None
        self._requests: dict[str, _Request] = {}
        # Those of them that wait in the line.
        self._line: collections.deque[_Request] = collections.deque()
        self._open = 0
        self._open_bytes = 0
        # Which request a line of the worker was, for those it can't name.
        self._lines: dict[int, str] = {}
        self._closed = False

    async def request(
        self,
        message: Mapping[str, Any],
        *,
        raw: Mapping[str, bytes] | None = None,
        on_output: OnMessage | None = None,
        on_event: OnMessage | None = None,
        on_tool_call: OnToolCall | None = None,
    ) -> Message:
        """Sends a message of the protocol, without its `id`, and gives the answer, which is none of type `error`.

        `raw`: fields that are JSON text already. The callbacks are called in the running loop, in order, and waited for
        if they give something awaitable; they get messages of the types `output`, `event` and `dropped`, and
        `tool_call`. When the caller is cancelled the worker is told so, and its answer is waited for.

        Raises `UsageError` and `WorkerError`, and what a callback raised, which cancels the request.
        """
        request = self._prepare(message, raw)
        loop = asyncio.get_running_loop()
        mailbox = AsyncMailbox(lambda: self._abandon(request))
        exchange = Exchange(request, loop.create_task, on_output, on_event, on_tool_call)
        self._send(request, mailbox)
        return await converse(exchange, mailbox)

    def request_sync(
        self,
        message: Mapping[str, Any],
        *,
        raw: Mapping[str, bytes] | None = None,
        on_output: OnMessage | None = None,
        on_event: OnMessage | None = None,
        on_tool_call: OnToolCall | None = None,
    ) -> Message:
        """The same for a thread: callbacks are called in it, and what they give to wait for runs in a loop beside it, as
        do calls of tools.
        """
        request = self._prepare(message, raw)
        mailbox = SyncMailbox()
        exchange = Exchange(request, in_background, on_output, on_event, on_tool_call)
        self._send(request, mailbox)
        return converse_sync(exchange, mailbox)

    def _prepare(self, message: Mapping[str, Any], raw: Mapping[str, bytes] | None) -> _Request:
        return _Request(self, str(next(self._ids)), {**message}, raw or {})

    def _send(self, request: _Request, mailbox: Mailbox) -> None:
        """Raises `UsageError` if the client was closed."""
        request.mailbox = mailbox
        with self._lock:
            if self._closed:
                raise UsageError("runtime-closed", "the runtime was closed")
            self._requests[request.id] = request
            self._line.append(request)
            self._advance()

    def _advance(self) -> None:
        """Sends those of the line that there is room for; what keeps one from being sent is its answer. Called with the
        lock held.
        """
        while self._line and self._open < OPEN and self._open_bytes < OPEN_BYTES:
            request = self._line.popleft()
            try:
                worker = self._live_worker()
                data = self._line_of(request, worker)
            except Exception as error:
                request.mailbox.put({"type": "failed", "error": error})
                continue
            request.size = len(data)
            request.worker = worker
            self._open += 1
            self._open_bytes += request.size
            self._lines[worker.write(data)] = request.id

    def _line_of(self, request: _Request, worker: Worker) -> bytes:
        message = {**request.message, "id": request.id}
        if message.get("type") == "run" and message.get("env") is None:
            # Variables are the values that they have at the call. The worker has those of its own start.
            message.pop("env", None)
            if environment_mark(worker.environment) is not worker.environment:
                message["env"] = command_environment()
        data = wire.line(message, request.raw)
        if len(data) > wire.LINE_BYTES:
            raise UsageError("too-large", f"the request has {len(data)} bytes, more than the {wire.LINE_BYTES} allowed")
        return data

    def _live_worker(self) -> Worker:
        worker = self._worker
        if worker is not None and not worker.dead:
            return worker
        command = self._command()
        cwd = self._cwd if self._cwd is not None else os.getcwd()
        worker = Worker(command, command_environment(), cwd, self._on_message, self._on_end)
        self._worker = worker
        self._lines = {}
        hello = {"type": "hello", "version": PROTOCOL_VERSION, "cwd": cwd, **self._hello}
        worker.write(wire.line({name: value for name, value in hello.items() if value is not None}))
        return worker

    def _on_message(self, worker: Worker, message: Message, size: int) -> None:
        """By the thread that reads."""
        kind, id = message.get("type"), message.get("id")
        if id is None and kind == "error":
            with self._lock:
                id = self._lines.get(message.get("line") or 0)
        with self._lock:
            request = self._requests.get(id) if isinstance(id, str) else None
        if request is not None and request.worker is worker:
            request.mailbox.put(message, size)
        elif kind == "warning":
            self._warn(str(message.get("message")))
        elif kind == "progress":
            if message.get("text") is not None:
                logger.info("%s (%s of %s)", message["text"], message.get("done"), message.get("total"))
        elif kind == "error" and id is None:
            # `hello` was refused, and so is all that comes after it.
            self._fail(worker, error_of(message))

    def _warn(self, text: str) -> None:
        try:
            if self._on_warning is not None:
                self._on_warning(text)
            else:
                logger.warning("%s", text)
        except Exception:
            # A thread that reads must go on.
            logger.exception("on_warning raised")

    def _on_end(self, worker: Worker) -> None:
        """By the thread that read, when there is no more to read."""
        code = worker.exit_code
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        error = WorkerDiedError(f"the worker {how} before it had answered", code, worker.stderr)
        with self._lock:
            if self._worker is worker:
                self._worker = None
        self._fail(worker, error)
        with self._lock:
            self._advance()

    def _fail(self, worker: Worker, error: WorkerError | UsageError) -> None:
        with self._lock:
            failed = [request for request in self._requests.values() if request.worker is worker]
        for request in failed:
            request.mailbox.put({"type": "failed", "error": error})

    def _cancel(self, request: _Request) -> None:
        with self._lock:
            if request.cancelled or request.id not in self._requests:
                return
            request.cancelled = True
            if request.worker is not None:
                request.worker.write(wire.line({"type": "cancel", "id": request.id}))
                return
            self._line.remove(request)
        # It was never sent: nothing is to be waited for.
        error = WorkerError("cancelled before it was sent")
        request.mailbox.put({"type": "failed", "error": error})

    def _abandon(self, request: _Request) -> None:
        self._cancel(request)
        self._end(request)

    def _end(self, request: _Request) -> None:
        with self._lock:
            if self._requests.pop(request.id, None) is None:
                return
            if request.worker is None:
                with contextlib.suppress(ValueError):
                    self._line.remove(request)
                return
            self._open -= 1
            self._open_bytes -= request.size
            # Only requests that the worker could not read have no other name; they are refused at once.
            if len(self._lines) > 4 * OPEN:
                self._lines = {line: id for line, id in self._lines.items() if id in self._requests}
            self._advance()

    def pid(self) -> int | None:
        """Of the worker that serves; `None` if there is none."""
        worker = self._worker
        return None if worker is None or worker.dead else worker.pid

    def begin_close(self) -> Worker | None:
        """Cancels what is open; what comes later is refused."""
        with self._lock:
            self._closed = True
            worker = self._worker
        if worker is not None:
            worker.begin_close()
        return worker

    def close_sync(self, seconds: float = CLOSE_SECONDS) -> None:
        """Cancels what is open and waits until the worker has ended, which is forced after some time."""
        worker = self.begin_close()
        if worker is not None:
            worker.wait(seconds)

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """The same without keeping the loop from other work."""
        worker = self.begin_close()
        if worker is not None:
            loop = asyncio.get_running_loop()
            done: asyncio.Future[None] = loop.create_future()

            def settle() -> None:
                if not done.done():
                    done.set_result(None)

            def wait() -> None:
                worker.wait(seconds)
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(settle)

            threading.Thread(target=wait, name="capsule-close", daemon=True).start()
            await done

    def _forget(self) -> None:
        """In a forked child: its parent's worker is not its own, and its next request starts another."""
        worker, requests, closed = self._worker, list(self._requests.values()), self._closed
        self._reset()
        self._closed = closed
        if worker is not None:
            worker.forget()
        for request in requests:
            request.mailbox.forget({"type": "failed", "error": WorkerDiedError("the process was forked meanwhile")})


_clients: weakref.WeakSet[WorkerClient] = weakref.WeakSet()


def _at_exit() -> None:
    until = time.monotonic() + CLOSE_SECONDS
    for worker in [client.begin_close() for client in list(_clients)]:
        if worker is not None:
            worker.wait(max(0.1, until - time.monotonic()))


def _after_fork() -> None:
    forget_background()
    for client in list(_clients):
        client._forget()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
