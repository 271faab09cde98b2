from __future__ import annotations

from typing import Any

from .types import CodeError, Execution


class CapsuleError(Exception):
    """Code that failed: it raised an exception that nothing caught, or it reached a limit, or was cancelled.

    `kind` is `"exception"`, or what ended the call from outside: `"timeout"`, `"out_of_fuel"`, `"out_of_memory"`, …
    `traceback` is the code's own traceback of an exception, which the message holds, too; else `None`. `execution` is all
    that is known of the call: what it printed before it failed, for one.
    """

    def __init__(self, execution: Execution, error: CodeError):
        said = error["traceback"].rstrip("\n") if error["kind"] == "exception" else error["message"]
        notice = execution["notice"]
        super().__init__(said if notice is None else f"{said}\n{notice}")
        self.kind = error["kind"]
        self.traceback = error["traceback"] if error["kind"] == "exception" else None
        self.execution = execution

    def __reduce__(self) -> tuple[Any, ...]:
        return CapsuleError, (self.execution, self.execution["error"])


CapsuleError.__module__ = "capsule_adapter"


def succeeded(execution: Execution) -> Execution:
    """Raises `CapsuleError` unless the code came to its end."""
    error = execution["error"]
    if error is not None:
        raise CapsuleError(execution, error)
    return execution
