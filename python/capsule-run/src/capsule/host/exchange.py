"""One request: what is done with each message of the worker until its answer is there, in a coroutine or in a thread."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from .errors import error_of
from .mailbox import AsyncMailbox, Message, SyncMailbox

OnMessage = Callable[[Message], Any]
# Gives what the worker is told: `{"ok": True, "result": …}` or `{"ok": False, "error": {"type": …, "message": …}}`.
OnToolCall = Callable[[Message], Coroutine[Any, Any, dict[str, Any]]]

# Answers: each ends its request. Types that are not known are ignored.
ANSWERS = frozenset({"result", "loaded", "executed", "session", "done", "error", "failed"})


class Cancellable(Protocol):
    def cancel(self) -> Any: ...


class Line(Protocol):
    """The request's way to the worker."""

    def cancel(self) -> None: ...
    def answer(self, call: str, answer: dict[str, Any]) -> None: ...
    def end(self) -> None: ...


class Exchange:
    def __init__(
        self,
        line: Line,
        spawn: Callable[[Coroutine[Any, Any, None]], Cancellable],
        on_output: OnMessage | None,
        on_event: OnMessage | None,
        on_tool_call: OnToolCall | None,
    ):
        self.reply: Message | None = None
        self._line = line
        self._spawn = spawn
        self._on_output = on_output
        self._on_event = on_event
        self._on_tool_call = on_tool_call
        self._calls: dict[str, Cancellable] = {}
        self._error: BaseException | None = None

    def take(self, message: Message) -> Awaitable[Any] | None:
        """Does what a message asks for. Gives what a callback wants to be waited for."""
        kind = message.get("type")
        given: Any = None
        if kind in ANSWERS:
            self.reply = message
        elif kind == "broken":
            self.fail(message["error"])
        elif self._error is not None:
            # Nobody is interested any more.
            pass
        elif kind == "output" and self._on_output is not None:
            given = self._on_output(message)
        elif kind in ("event", "dropped") and self._on_event is not None:
            given = self._on_event(message)
        elif kind == "tool_call":
            call = str(message.get("call"))
            self._calls[call] = self._spawn(self._call(call, message))
        elif kind == "tool_cancel":
            running = self._calls.pop(str(message.get("call")), None)
            if running is not None:
                running.cancel()
        return given if inspect.isawaitable(given) else None

    async def _call(self, call: str, message: Message) -> None:
        try:
            if self._on_tool_call is None:
                name = message.get("tool")
                answer: dict[str, Any] = {
                    "ok": False,
                    "error": {"type": "ToolError", "message": f"there is no tool {name}"},
                }
            else:
                answer = await self._on_tool_call(message)
            self._line.answer(call, answer)
        except asyncio.CancelledError:
            # The worker waits no more, or the request has ended.
            raise
        except BaseException as error:
            self.broke(error)
        finally:
            self._calls.pop(call, None)

    def broke(self, error: BaseException) -> None:
        """Replaced by whoever waits: lets them know of an error from beside."""
        self.fail(error)

    def fail(self, error: BaseException) -> bool:
        """Notes why the request is given up, and has it cancelled; the answer is still waited for.

        Gives false if it had been given up already.
        """
        if self._error is not None:
            return False
        self._error = error
        self._line.cancel()
        return True

    def end(self) -> Message:
        """The answer. Raises what a callback raised, the caller's cancellation, or what the worker says of wrong use."""
        if self._error is not None:
            raise self._error
        assert self.reply is not None
        if self.reply["type"] == "failed":
            raise self.reply["error"]
        if self.reply["type"] == "error":
            raise error_of(self.reply)
        return self.reply

    def close(self) -> None:
        for running in list(self._calls.values()):
            running.cancel()
        if self.reply is None:
            self._line.cancel()
        self._line.end()


async def converse(exchange: Exchange, mailbox: AsyncMailbox) -> Message:
    """Waits in a coroutine. When it is cancelled the worker is told, and its answer waited for; a second time ends that."""
    exchange.broke = lambda error: mailbox.put({"type": "broken", "error": error})  # type: ignore[method-assign]
    try:
        while exchange.reply is None:
            try:
                wanted = exchange.take(await mailbox.get())
                if wanted is not None:
                    await wanted
            except GeneratorExit:
                raise
            except BaseException as error:
                if not exchange.fail(error):
                    raise
        return exchange.end()
    finally:
        exchange.close()


def converse_sync(exchange: Exchange, mailbox: SyncMailbox) -> Message:
    """Waits in a thread. An interrupt cancels the request; a second one ends the wait for its answer."""
    exchange.broke = lambda error: mailbox.put({"type": "broken", "error": error})  # type: ignore[method-assign]
    try:
        while exchange.reply is None:
            try:
                wanted = exchange.take(mailbox.get())
                if wanted is not None:
                    in_background(_waited(wanted)).result()
            except BaseException as error:
                if not exchange.fail(error):
                    raise
        return exchange.end()
    finally:
        exchange.close()


async def _waited(wanted: Awaitable[Any]) -> Any:
    return await wanted


_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()


def in_background(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine in a loop of its own thread, for callers that have none. Gives a future of `concurrent.futures`."""
    global _loop
    with _starting:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="capsule-async", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(coroutine, _loop)


def forget_background() -> None:
    """In a forked child, which has none of its parent's threads."""
    global _loop, _starting
    _loop = None
    _starting = threading.Lock()
