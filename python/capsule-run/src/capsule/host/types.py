"""Shapes of what is given and what comes back. All of them are plain dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict, Union

PathArgument = Union[str, "PathLike[str]"]

ErrorType = Literal[
    "task_error",
    "timeout",
    "out_of_fuel",
    "out_of_memory",
    "stack_overflow",
    "cancelled",
    "invalid_arguments",
    "invalid_result",
    "deadlock",
    "limit_exceeded",
    "internal_error",
]


class HostRequest(TypedDict):
    """A request that a task made over the network."""

    method: str
    url: str
    # `None`: there was no response; `error` says why.
    status: int | None
    duration_ms: int
    request_bytes: int
    response_bytes: int
    error: str | None


class ExecutionInfo(TypedDict):
    """What an execution cost. Times are in milliseconds, `ram_used` is the peak in bytes."""

    task_name: str
    duration_ms: int
    # Retries that happened.
    retries: int
    fuel_consumed: int
    ram_used: int
    host_requests: list[HostRequest]


class ErrorInfo(TypedDict):
    """Why a task failed."""

    error_type: ErrorType
    # For `task_error` the traceback, in the language's own words.
    message: str


class RunnerResult(TypedDict):
    """The envelope of `main`: what came of it, or why it failed, and what it cost."""

    success: bool
    # `None` when it failed. Integers have all their digits.
    result: Any
    # `None` when it succeeded.
    error: ErrorInfo | None
    execution: ExecutionInfo


class _FileGrant(TypedDict, total=False):
    path: str
    mode: str


class PolicyOptions(TypedDict, total=False):
    """What tasks get at most: the keys and values of `[policy]` in `capsule.toml`. What is not there is not limited."""

    # "LOW", "MEDIUM", "HIGH", or units of fuel, for one attempt.
    max_compute: str | int
    # "1GB", or bytes, for one sandbox.
    max_ram: str | int
    # "10m", or milliseconds, for one attempt.
    max_timeout: str | int
    # Task executions of the run, `main` and retries included.
    max_tasks: int
    # Fuel of all attempts of the run together, and its time.
    max_run_compute: str | int
    max_run_timeout: str | int
    allowed_files: Sequence[str | _FileGrant]
    allowed_hosts: Sequence[str]
    env_variables: Sequence[str]


class RunnerOptions(TypedDict, total=False):
    """Options of `run` that are data; `file` is required. Handy for a call with `run(**options)`."""

    file: PathArgument
    args: Sequence[Any]
    mounts: Sequence[str]
    cwd: PathArgument | None
    env: Mapping[str, str] | None
    policy: PolicyOptions | None
    sealed: bool
    run_id: str | None
    capsule_path: PathArgument | None


class Output(TypedDict):
    """A piece of what a task printed. `path` is `0` for `main`, `0.3` for the third call it made."""

    stream: Literal["stdout", "stderr"]
    text: str
    # The same as it was printed, for what is no text.
    bytes: bytes
    task: str
    path: str


class _EventBase(TypedDict):
    type: str


class RunEvent(_EventBase, total=False):
    """Something that happened to a task of a run. `type` is `task_queued`, `task_limited`, `attempt_started`,
    `attempt_failed`, `task_ended`, `tool_called`, `tool_ended`, or `dropped`; the rest is what belongs to it, named as in
    the worker's protocol. `dropped` says how much came too fast to be told: `output_bytes` and `events`.
    """

    run: str
    path: str
    task: str
    attempt: int
    cuts: list[str]
    error_type: str
    message: str
    retry_in_ms: int
    # Its result is left out where it has more than 64 KiB; `omitted_bytes` then says how many it has.
    envelope: RunnerResult
    omitted_bytes: int
    tool: str
    duration_ms: int
    output_bytes: int
    events: int


class LoadedProgram(TypedDict):
    """A program that is compiled."""

    # As it was asked for.
    file: str
    language: Literal["javascript", "python"]
    # Names of its tasks.
    tasks: list[str]
    # Whether it was compiled before.
    cached: bool
