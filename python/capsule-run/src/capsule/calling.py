"""`tools`, the object whose attributes are the functions of the host that a program may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import place
from .show import quote

# What means something to Python or to what shows values, and is no tool.
_RESERVED = ("__", "_repr_", "_ipython_")


class Tools:
    """Functions of the host: `tools.search("x", limit=5)`.

    In async code, where a loop runs, a call gives something to await, and many can be awaited together; elsewhere it
    gives the result. Arguments and results are JSON values. A call raises `TypeError` for an argument that JSON can't
    hold, before anything is sent, and `ToolError` if the tool failed or is not there: only the host knows which there are.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith(_RESERVED):
            raise AttributeError(f"tools have no attribute {quote(name[:60])}", name=name, obj=self)

        def tool(*args: Any, **kwargs: Any) -> Any:
            return place.call_tool(name, args, kwargs)

        tool.__name__ = name
        tool.__qualname__ = f"tools.{name}"
        tool.__module__ = "capsule"
        return tool

    def __repr__(self) -> str:
        return "<tools>"


tools = Tools()
