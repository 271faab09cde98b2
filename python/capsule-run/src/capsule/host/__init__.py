"""The part of `capsule` for programs that run others. It is not in sandboxes."""

from .describe import describe_tools
from .errors import CompileError, Place, ProgramNotFoundError, UsageError, WorkerDiedError, WorkerError
from .runtime import Runtime, close_all, run, run_sync, run_with_worker
from .tools import GateDecision, Tool, ToolCall, tool
from .types import (
    ErrorInfo,
    ErrorType,
    ExecutionInfo,
    HostRequest,
    LoadedProgram,
    Output,
    PolicyOptions,
    RunEvent,
    RunnerOptions,
    RunnerResult,
)

__all__ = [
    "CompileError",
    "ErrorInfo",
    "ErrorType",
    "ExecutionInfo",
    "GateDecision",
    "HostRequest",
    "LoadedProgram",
    "Output",
    "Place",
    "PolicyOptions",
    "ProgramNotFoundError",
    "RunEvent",
    "RunnerOptions",
    "RunnerResult",
    "Runtime",
    "Tool",
    "ToolCall",
    "UsageError",
    "WorkerDiedError",
    "WorkerError",
    "close_all",
    "describe_tools",
    "run",
    "run_sync",
    "run_with_worker",
    "tool",
]
