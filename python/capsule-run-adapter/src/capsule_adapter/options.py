"""What callers in plain Python may get wrong: what the hints say, checked; and the messages that come of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Union

from capsule import UsageError
from capsule.host.exchange import OnMessage
from capsule.host.options import callback, optional_path, path, wrong
from capsule.host.tool_calls import tool_caller
from capsule.host.tools import Gate, Tools, collect_tools
from capsule.host.types import PathArgument

from .types import CodeOutput

OnOutput = Callable[[CodeOutput], Union[object, Awaitable[object]]]
Content = Union[str, bytes]

LANGUAGES = ("python", "javascript")
_LIMITS = ("compute", "ram", "timeout", "disk")


def checked_code(what: str, code: object) -> str:
    if not isinstance(code, str):
        raise wrong(what, "code", code, "a text")
    return code


def checked_language(what: str, language: object) -> str:
    if language not in LANGUAGES:
        raise wrong(what, "language", language, '"python" or "javascript"')
    return str(language)


def content(what: str, name: str, data: object) -> str | dict[str, str]:
    """A file's content as messages have it."""
    if isinstance(data, str):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(data).decode()}
    raise wrong(what, name, data, "a text, or bytes")


def sandbox_fields(
    what: str,
    *,
    limits: object = None,
    hosts: object = (),
    env: object = None,
    files: object = None,
) -> dict[str, Any]:
    """Fields of a message that opens a sandbox. Raises `UsageError` `run-option`."""
    fields: dict[str, Any] = {}
    if limits is not None:
        if not isinstance(limits, Mapping):
            raise wrong(what, "limits", limits, 'a dict such as {"timeout": "10s"}')
        for name, value in limits.items():
            if name not in _LIMITS:
                raise UsageError("run-option", f"{what}: there is no limit {name}; there are {', '.join(_LIMITS)}")
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise wrong(what, f"limits[{name!r}]", value, "a text or a number")
        fields["limits"] = dict(limits)
    if hosts:
        if isinstance(hosts, str) or not isinstance(hosts, Sequence) or not all(isinstance(h, str) for h in hosts):
            raise wrong(what, "hosts", hosts, 'a list of hosts such as "api.example.com"')
        fields["hosts"] = list(hosts)
    if env is not None:
        if not isinstance(env, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in env.items()):
            raise wrong(what, "env", env, "a dict of texts")
        fields["env"] = dict(env)
    if files is not None:
        if not isinstance(files, Mapping) or not all(isinstance(name, str) for name in files):
            raise wrong(what, "files", files, "a dict of texts or bytes by path")
        fields["files"] = {name: content(what, f"files[{name!r}]", data) for name, data in files.items()}
    return fields


def call_fields(
    what: str,
    code: object,
    on_output: OnOutput | None,
    tools: Tools | None,
    gate: Gate | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of a message that runs code, and what the client is to do with what comes of it.

    Raises `UsageError` `run-option` and `tool`.
    """
    callback(what, "on_output", on_output)
    callback(what, "gate", gate)
    fields: dict[str, Any] = {"code": checked_code(what, code), "output": on_output is not None}
    callbacks: dict[str, Any] = {"on_output": None if on_output is None else _output_callback(on_output)}
    if tools:
        collected = collect_tools(tools)
        fields["tools"] = [tool.wire() for tool in collected.values()]
        callbacks["on_tool_call"] = tool_caller(collected, gate)
    return fields, callbacks


def _output_callback(on_output: OnOutput) -> OnMessage:
    return lambda message: on_output({"stream": message["stream"], "text": message["text"]})


def absolute_path(what: str, name: str, given: object) -> str:
    """Where this process is now: the worker stays where it was started. Raises `UsageError` `run-option`."""
    return os.path.abspath(path(what, name, given))


def capsule_path_of(what: str, capsule_path: PathArgument | None) -> str | None:
    return optional_path(what, "capsule_path", capsule_path)
