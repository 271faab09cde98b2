"""What `task` checks of a function, the same in a sandbox and in plain Python."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import TaskOptionError
from .options import Policy, parse_options
from .parameters import Parameters
from .show import quote, show


class Definition(NamedTuple):
    name: str
    policy: Policy
    is_async: bool
    fn: Callable[..., Any]
    parameters: Parameters


def define(fn: object, name: object, options: dict[str, Any]) -> Definition:
    """Reads what `task` was given.

    Raises `TaskOptionError`: which task, what was given and what is allowed.
    """
    own_name = getattr(fn, "__name__", None)
    if name is None and callable(fn) and not isinstance(own_name, str):
        raise TaskOptionError(f"task: {show(fn)} has no name of its own; give the task one: task(name=…)")
    if name is None and own_name == "<lambda>":
        raise TaskOptionError("task: a lambda has no name of its own; give the task one: task(name=…)")
    policy = parse_options(own_name if name is None else name, options)
    final = str(own_name if name is None else name)
    problem = _problem(fn)
    if problem is not None or not callable(fn):
        raise TaskOptionError(f"task {quote(final)}: {problem}; allowed: a function, def or async def")
    return Definition(final, policy, inspect.iscoroutinefunction(fn), fn, Parameters(fn))


def _problem(fn: object) -> str | None:
    if isinstance(fn, type):
        return f"{fn.__name__} is a class"
    if isinstance(fn, (staticmethod, classmethod, types.MethodType)) or _in_class(fn):
        return (
            f"{getattr(fn, '__qualname__', fn)} is a method, and each call runs in a sandbox of its own, "
            "where its object is not"
        )
    if not callable(fn):
        return f"what it decorates is {show(fn)}"
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        kind = "a generator" if inspect.isgeneratorfunction(fn) else "an async generator"
        return f"it is {kind} function, but a task gives one result: return a list of the values"
    return None


def _in_class(fn: object) -> bool:
    """Whether a function's `def` stands directly in the body of a class."""
    qualname = getattr(fn, "__qualname__", None)
    if not isinstance(fn, types.FunctionType) or not isinstance(qualname, str):
        return False
    outer = qualname.rpartition(".")[0]
    return outer != "" and not outer.endswith("<locals>")
