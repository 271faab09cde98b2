"""Arguments of a tool's call as JSON."""

from __future__ import annotations

from typing import Any

from .values import ARGUMENT_BYTES, NotJson, check_arguments, to_json


def encode_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, bytes]:
    """The arguments of a tool's call as JSON: by position, and by name; the latter empty where there are none.

    Raises `TypeError` that says what of them JSON can't hold.
    """
    try:
        positional = to_json(args, ARGUMENT_BYTES)
        named = to_json(kwargs, ARGUMENT_BYTES) if kwargs else b""
        if len(positional) + len(named) <= ARGUMENT_BYTES:
            return positional, named
    except NotJson:
        pass
    try:
        check_arguments(name, args, kwargs, "tool")
    except NotJson as error:
        raise TypeError(error.problem) from None
