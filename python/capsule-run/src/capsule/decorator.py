"""`task`, the decorator."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from os import PathLike
from typing import Any, ParamSpec, overload

from . import place
from .definition import define
from .envelopes import Envelope
from .errors import TaskOptionError
from .show import show

_P = ParamSpec("_P")


@overload
def task(  # pyright: ignore[reportOverlappingOverload]
    fn: Callable[_P, Coroutine[Any, Any, Any]], /
) -> Callable[_P, Coroutine[Any, Any, Envelope]]: ...
@overload
def task(fn: Callable[_P, Any], /) -> Callable[_P, Envelope]: ...
@overload
def task(
    *,
    name: str | None = None,
    compute: str | int | None = "MEDIUM",
    ram: str | int | None = None,
    timeout: str | int | None = None,
    max_retries: int | None = None,
    allowed_files: Sequence[str | PathLike[str] | Mapping[str, str | PathLike[str]]] | None = None,
    allowed_hosts: Sequence[str] | None = None,
    env_variables: Sequence[str] | None = None,
) -> Callable[[Callable[_P, Any]], Callable[_P, Any]]: ...


def task(fn: Any = None, /, *, name: Any = None, **options: Any) -> Any:
    """Makes a function a task: `@task`, or `@task(compute="LOW", ram="64MB", …)`.

    Calling a task gives its envelope, a dict; calls of an `async def` task are awaited. Whatever goes wrong in the
    task is in the envelope; a call does not raise.

    Options, each with a default: `name` (the function's), `compute` ("LOW", "MEDIUM", "HIGH" or units of fuel), `ram`
    ("64MB" or bytes), `timeout` ("30s" or milliseconds), `max_retries`, `allowed_files` (folders inside the project,
    such as "./data" or {"path": "./docs", "mode": "read-only"}), `allowed_hosts` ("api.example.com", "*.example.com",
    "*"), `env_variables` (names).

    Raises `TaskOptionError` and `DuplicateTaskError` where the task is defined.
    """
    if fn is not None:
        if isinstance(fn, (str, bytes, int, float, dict, list)):
            raise TaskOptionError(
                f'task: the first argument is {show(fn)}; options are given by name: @task(name="main")'
            )
        return place.make(define(fn, name, options))

    def decorate(function: Any) -> Any:
        return place.make(define(function, name, options))

    return decorate
