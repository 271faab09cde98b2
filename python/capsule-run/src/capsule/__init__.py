"""Capsule: tasks that run in sandboxes of their own.

Inside a sandbox calling a task starts it in another sandbox; in plain Python the same call runs the function directly.
Either way it gives the task's envelope, a dict.

Programs that run others in sandboxes have `run` and `run_sync`, `Runtime`, tools, and what these raise: the part `host`,
which is not in sandboxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import http
from .calling import tools
from .decorator import task
from .errors import DuplicateTaskError, TaskOptionError, ToolError

if TYPE_CHECKING:
    from .host import CompileError as CompileError
    from .host import ErrorInfo as ErrorInfo
    from .host import ErrorType as ErrorType
    from .host import ExecutionInfo as ExecutionInfo
    from .host import GateDecision as GateDecision
    from .host import HostRequest as HostRequest
    from .host import LoadedProgram as LoadedProgram
    from .host import Output as Output
    from .host import Place as Place
    from .host import PolicyOptions as PolicyOptions
    from .host import ProgramNotFoundError as ProgramNotFoundError
    from .host import RunEvent as RunEvent
    from .host import RunnerOptions as RunnerOptions
    from .host import RunnerResult as RunnerResult
    from .host import Runtime as Runtime
    from .host import Tool as Tool
    from .host import ToolCall as ToolCall
    from .host import UsageError as UsageError
    from .host import WorkerDiedError as WorkerDiedError
    from .host import WorkerError as WorkerError
    from .host import close_all as close_all
    from .host import describe_tools as describe_tools
    from .host import run as run
    from .host import run_sync as run_sync
    from .host import run_with_worker as run_with_worker
    from .host import tool as tool

__all__ = ["DuplicateTaskError", "TaskOptionError", "ToolError", "http", "task", "tools"]

# What `host` has for the package. It is imported when it is first asked for: a sandbox has none, and starts sooner.
_HOST = (
    "CompileError ErrorInfo ErrorType ExecutionInfo GateDecision HostRequest LoadedProgram Output Place PolicyOptions "
    "ProgramNotFoundError RunEvent RunnerOptions RunnerResult Runtime Tool ToolCall UsageError WorkerDiedError WorkerError "
    "close_all describe_tools run run_sync run_with_worker tool"
).split()


def __getattr__(name: str) -> Any:
    if name not in _HOST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        host = import_module(".host", __name__)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.host":
            raise
        raise ImportError(
            f"capsule.{name} is for programs that run others in sandboxes; inside of a sandbox there is none: "
            "call a task instead",
            name=__name__,
        ) from None
    value = globals()[name] = getattr(host, name)
    return value
