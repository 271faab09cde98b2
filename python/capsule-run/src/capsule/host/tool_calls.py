"""Calls of tools by programs: decided on by the gate, carried out, answered."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ToolError
from ..values import NotJson
from . import wire
from .exchange import OnToolCall
from .threads import Threads
from .tools import Gate, Tool, ToolCall

logger = logging.getLogger("capsule")

_TYPE = re.compile(r"[A-Za-z_$][\w$.]{0,99}", re.ASCII)
_MOST_REASON = 2000
# Bytes of a result.
_RESULT_BYTES = 32 * 1024 * 1024


def tool_caller(tools: Mapping[str, Tool[..., Any]], gate: Gate | None) -> OnToolCall:
    """What answers the worker's calls. It raises nothing but what ends the whole process, and cancellation."""
    threads = Threads()

    async def call(message: dict[str, Any]) -> dict[str, Any]:
        given = ToolCall(
            tool=str(message["tool"]),
            args=list(message.get("args") or []),
            kwargs=dict(message.get("kwargs") or {}),
            task=str(message.get("task")),
            path=str(message.get("path")),
        )
        try:
            return {"ok": True, "result": await _answer(tools[given.tool], given, gate, threads)}
        except ToolError as error:
            kind = error.type if isinstance(error.type, str) and _TYPE.fullmatch(error.type) else "ToolError"
            return _failed(kind, str(error))
        except Exception as error:
            logger.debug("the tool %s failed", given.tool, exc_info=True)
            return _failed(type(error).__name__, f"the tool {given.tool} failed")

    return call


def _failed(kind: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"type": kind, "message": message}}


async def _answer(called: Tool[..., Any], call: ToolCall, gate: Gate | None, threads: Threads) -> Any:
    if gate is not None:
        call = await _ask(gate, call, threads)
    if called.timeout_ms is None:
        result = await called.perform(call, threads)
    else:
        working = asyncio.ensure_future(called.perform(call, threads))
        if not await _ends(working, called.timeout_ms / 1000):
            raise ToolError(f"the tool {called.name} took longer than {called.timeout_ms} ms", type="Timeout")
        result = working.result()
    try:
        size = len(wire.encode(result))
    except NotJson as error:
        raise ToolError(f"{called.name} gave {error.problem}", type="InvalidOutput") from None
    if size > _RESULT_BYTES:
        raise ToolError(f"{called.name} gave {size} bytes of JSON, more than {_RESULT_BYTES}", type="InvalidOutput")
    return result


async def _ends(working: asyncio.Future[Any], seconds: float) -> bool:
    """Whether work ends in a time. It ends with whoever waits for it."""
    try:
        await asyncio.wait({working}, timeout=seconds)
        return working.done()
    finally:
        working.cancel()


async def _ask(gate: Gate, call: ToolCall, threads: Threads) -> ToolCall:
    """Asks a gate. One that fails, or says nothing that is a decision, denies."""

    def denied(reason: object = None) -> ToolError:
        more = f": {reason[:_MOST_REASON]}" if isinstance(reason, str) and reason else ""
        return ToolError(f"the tool {call.tool} was denied{more}", type="Denied")

    try:
        asked: Any = gate(call) if _is_async(gate) else await threads.run(lambda: gate(call))
        decided = await asked if inspect.isawaitable(asked) else asked
    except Exception:
        logger.warning("the gate failed at a call of the tool %s, which was denied", call.tool, exc_info=True)
        raise denied() from None
    decision = decided if isinstance(decided, Mapping) else {}
    if decision.get("decision") == "deny":
        raise denied(decision.get("reason"))
    changed = "args" in decision or "kwargs" in decision
    args = decision.get("args", () if changed else call.args)
    kwargs = decision.get("kwargs", {} if changed else call.kwargs)
    is_list = isinstance(args, Sequence) and not isinstance(args, (str, bytes))
    if decision.get("decision") != "allow" or not is_list or not isinstance(kwargs, Mapping):
        logger.warning(
            'the gate gave no decision for a call of the tool %s, which was denied; allowed: {"decision": "allow"}, with '
            'args or kwargs, or {"decision": "deny"}',
            call.tool,
        )
        raise denied()
    return dataclasses.replace(call, args=list(args), kwargs=dict(kwargs))


def _is_async(gate: Gate) -> bool:
    return inspect.iscoroutinefunction(gate) or inspect.iscoroutinefunction(getattr(gate, "__call__", None))


