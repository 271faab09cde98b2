"""Shapes of what is given and what comes back. All of them are plain dicts."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union

from capsule import ErrorType, HostRequest

Language = Literal["python", "javascript"]


class Limits(TypedDict, total=False):
    """What one call may use; more is an error of the call."""

    # Fuel: "LOW", "MEDIUM", "HIGH", or an amount. Default: "HIGH".
    compute: str | int
    # Memory of the sandbox: "512MB", or bytes. Default: "2GB".
    ram: str | int
    # Wall time: "30s", or milliseconds. Default: "60s".
    timeout: str | int
    # What workspace/ may hold: "100MB", or bytes; each file and folder counts for 4 KiB beside. Default: "1GB".
    disk: str | int


class CodeOutput(TypedDict):
    """A piece of printed text."""

    stream: Literal["stdout", "stderr"]
    text: str


class RichOutput(TypedDict):
    """One rich form of a value: what `display` showed, a figure that is open, the last expression's value."""

    # A MIME type, such as "text/html", "image/png", "application/json".
    type: str
    # Text; of images other than SVG, and of PDF, base64.
    data: str


class WorkspaceFile(TypedDict):
    """A file in the workspace."""

    # Within the workspace, with "/" between names.
    path: str
    # In bytes.
    size: int


class CodeException(TypedDict):
    """The code raised it and nothing caught it."""

    kind: Literal["exception"]
    # Of its class, such as "ValueError".
    name: str
    message: str
    # The language's own, with frames of the code only.
    traceback: str


class CodeEnded(TypedDict):
    """The call ended from outside: `timeout`, `out_of_fuel`, `out_of_memory`, `cancelled`, …"""

    kind: ErrorType
    message: str


CodeError = Union[CodeException, CodeEnded]


class Metrics(TypedDict):
    """What a call cost."""

    duration_ms: float
    fuel_consumed: int
    # Peak bytes of memory.
    ram_used: int
    host_requests: list[HostRequest]


class Execution(TypedDict):
    """How a call ended."""

    ok: bool
    # The last expression's value if it is JSON (a tuple is a list), else None.
    value: Any
    # Whether `value` is that value.
    is_json: bool
    # How the language shows the value (`repr`, `inspect`), cut if it is long; None if there is none.
    value_text: str | None
    # Whether the code ended with an expression whose value is not None or undefined.
    has_value: bool
    stdout: str
    stderr: str
    # Whether printed text, the value or outputs were cut. `notice` says so, too.
    truncated: bool
    # Rich forms, in the order they were shown.
    outputs: list[RichOutput]
    # Files of the workspace that are new or were written, by path.
    files: list[WorkspaceFile]
    error: CodeError | None
    # What the memory of the session is after the call: with its changes, as before it, or gone. None for a call without a
    # session.
    memory: Literal["kept", "rolled_back", "lost"] | None
    # What the caller should know beside all that, in words: what was cut, what a roll-back means.
    notice: str | None
    metrics: Metrics
