"""Calls of tools: functions of the host."""

from asyncio.events import _get_running_loop
from json import dumps

from capsule.errors import ToolError
from capsule.show import cut, quote
from capsule.tool_arguments import encode_call
from capsule.values import from_json

from . import door
from .attempt import attempt
from .calls import effect
from .output import flush

# `TOOL_REFUSALS` of the protocol.
TYPES = {"ENOENT": "UnknownTool", "ELIMIT": "LimitExceeded", "EFBIG": "LimitExceeded", "EABORTED": "Cancelled"}
TOOL_FAILED = "ToolFailed"
# Bytes of the head of a request: `effectHeadBytes` of the protocol.
HEAD_BYTES = 512 * 1024


def call_tool(name, args, kwargs):
    """The result of a tool; where a loop runs, a coroutine that gives it."""
    if attempt.running is None:
        raise RuntimeError(
            f"the tool {quote(cut(name, 60))} was called while the program is loading; call it from inside a task"
        )
    positional, named = encode_call(name, args, kwargs)
    head = {"name": name, "positional": len(positional)}
    payload = positional + named
    if _get_running_loop() is not None:
        coroutine = _call(name, head, payload)
        coroutine.__name__, coroutine.__qualname__ = name, f"tools.{name}"
        return coroutine
    _check_name(name, head)
    flush()
    try:
        answer = door.effect("tool.call", head, payload)
    except door.EffectFailed as error:
        raise _refused(name, error) from None
    return _result(name, answer)


async def _call(name, head, payload):
    _check_name(name, head)
    try:
        answer = await effect("tool.call", head, payload)
    except door.EffectFailed as error:
        raise _refused(name, error) from None
    return _result(name, answer)


def _check_name(name, head):
    if len(name) > 1000 and len(dumps(head)) > HEAD_BYTES:
        raise ToolError(
            f"{len(name)} characters of a name, more than the {HEAD_BYTES} bytes that are allowed",
            type="LimitExceeded",
            tool=name,
        )


def _refused(name, error):
    return ToolError(error.message, type=TYPES.get(error.code, TOOL_FAILED), tool=name)


def _result(name, answer):
    head, payload = answer
    threw = head["threw"]
    if threw is not None:
        raise ToolError(threw["message"], type=threw["type"], tool=name)
    return from_json(payload.decode())
