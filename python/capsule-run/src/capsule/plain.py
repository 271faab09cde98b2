"""Tasks outside a sandbox: the function itself, with the envelope and the checks of a sandbox."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
import traceback
from collections.abc import Callable
from typing import Any

from .definition import Definition
from .envelopes import Envelope, failure, invalid_arguments, success, unmetered
from .show import quote
from .values import NotJson, arguments_json, from_json, result_json


def make(definition: Definition) -> Callable[..., Any]:
    """What a program calls in place of the function."""
    fn = definition.fn

    def call(*args: Any, **kwargs: Any) -> Envelope:
        return _Execution(definition).run(args, kwargs)

    async def call_async(*args: Any, **kwargs: Any) -> Envelope:
        return await _Execution(definition).run_async(args, kwargs)

    return functools.update_wrapper(call_async if definition.is_async else call, fn)


class _Execution:
    """One call of a task, with its retries."""

    def __init__(self, definition: Definition):
        self.definition = definition
        self.start = time.perf_counter()
        self.retries = 0

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Envelope:
        refused = self._send(args, kwargs)
        while refused is None:
            given_args, given_kwargs = self._received()
            try:
                value = self.definition.fn(*given_args, **given_kwargs)
                if inspect.isawaitable(value):
                    value = _run_to_end(value)
                return self._finish(value)
            except BaseException as error:
                refused = self._failed(error)
        return refused

    async def run_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Envelope:
        refused = self._send(args, kwargs)
        while refused is None:
            given_args, given_kwargs = self._received()
            try:
                return self._finish(await self.definition.fn(*given_args, **given_kwargs))
            except BaseException as error:
                refused = self._failed(error)
        return refused

    def _send(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Envelope | None:
        name = self.definition.name
        problem = self.definition.parameters.problem(args, kwargs)
        if problem is not None:
            return invalid_arguments(name, f"task {quote(name)}: {problem}")
        try:
            self._sent = arguments_json(name, args, kwargs)
        except NotJson as error:
            return invalid_arguments(name, error.problem)
        return None

    def _received(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as a sandbox would get them, anew for each attempt."""
        given = from_json(self._sent.decode())
        return (given, {}) if isinstance(given, list) else (given["args"], given["kwargs"])

    def _finish(self, value: Any) -> Envelope:
        try:
            text = result_json(self.definition.name, value)
        except NotJson as error:
            return failure("invalid_result", error.problem, self._cost())
        return success(from_json(text.decode()), self._cost())

    def _failed(self, error: BaseException) -> Envelope | None:
        """The envelope of a failed attempt; `None`: try again.

        Raises what is not the task's own failure: an interrupt of the whole process, a cancellation from outside.
        """
        if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)):
            raise error
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return success(None, self._cost())
        error_type, message = _describe(error)
        if error_type == "task_error" and self.retries < (self.definition.policy.max_retries or 0):
            self.retries += 1
            return None
        return failure(error_type, message, self._cost())

    def _cost(self) -> dict[str, Any]:
        elapsed = round((time.perf_counter() - self.start) * 1000)
        return unmetered(self.definition.name, elapsed, self.retries)


def _run_to_end(awaitable: Any) -> Any:
    """What a plain function's awaitable gives: a sandbox waits for it too."""

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())


def _describe(error: BaseException) -> tuple[str, str]:
    if isinstance(error, SystemExit):
        return "task_error", f"SystemExit: {error.code}"
    error_type = "task_error"
    if isinstance(error, RecursionError):
        error_type = "stack_overflow"
    elif isinstance(error, MemoryError):
        error_type = "out_of_memory"
    # The first frame is that of the call in this module.
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == make.__code__.co_filename:
        frames = frames.tb_next
    try:
        return error_type, "".join(traceback.format_exception(type(error), error, frames)).rstrip("\n")
    except Exception:
        return error_type, type(error).__name__
