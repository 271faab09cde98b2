"""Tools outside a sandbox: there are none."""

from __future__ import annotations

from asyncio import events
from typing import Any

from .errors import ToolError
from .show import cut, quote
from .tool_arguments import encode_call


def call_tool(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    encode_call(name, args, kwargs)
    error = ToolError(
        f"the tool {quote(cut(name, 60))} was called outside a sandbox, where there are no tools: they are there in a "
        'program that is run by run("program.py", tools=[…])',
        type="Unavailable",
        tool=name,
    )
    if events._get_running_loop() is None:
        raise error
    return _fail(error)


async def _fail(error: ToolError) -> Any:
    raise error
