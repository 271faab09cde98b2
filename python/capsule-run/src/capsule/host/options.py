"""What callers in plain Python may get wrong: what the hints say, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..show import show
from ..values import NotJson, arguments_json
from . import wire
from .errors import UsageError

_RUN_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


def wrong(what: str, name: str, value: object, allowed: str) -> UsageError:
    return UsageError("run-option", f"{what}: {name} is {show(value)}; allowed: {allowed}")


def path(what: str, name: str, value: object) -> str:
    """A path as text."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or value == "" or "\0" in value:
        raise wrong(what, name, value, "a path")
    return value


def optional_path(what: str, name: str, value: object) -> str | None:
    return None if value is None else path(what, name, value)


def callback(what: str, name: str, value: object) -> None:
    if value is not None and not callable(value):
        raise wrong(what, name, value, "a function")


def run_message(
    what: str,
    *,
    file: object,
    args: object,
    mounts: object,
    cwd: object,
    env: object,
    policy: object,
    sealed: object,
    run_id: object,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The message of a run, and the fields of it that are JSON text.

    Raises `UsageError` `run-option`.
    """
    message: dict[str, Any] = {"type": "run", "file": path(what, "file", file)}
    folder = optional_path(what, "cwd", cwd)
    # Where this process is now: the worker stays where it was started.
    message["cwd"] = os.getcwd() if folder is None else os.path.abspath(folder)
    if mounts:
        if isinstance(mounts, str) or not isinstance(mounts, Sequence) or not all(isinstance(m, str) for m in mounts):
            raise wrong(what, "mounts", mounts, 'a list of texts such as "data:ro"')
        message["mounts"] = list(mounts)
    if env is not None:
        if not isinstance(env, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in env.items()):
            raise wrong(what, "env", env, "a dict of texts")
        message["env"] = dict(env)
    if policy is not None:
        if not isinstance(policy, Mapping):
            raise wrong(what, "policy", policy, 'a dict such as {"max_tasks": 100}')
        message["policy"] = _json(what, "policy", dict(policy))
    if not isinstance(sealed, bool):
        raise wrong(what, "sealed", sealed, "True or False")
    if sealed:
        message["sealed"] = True
    if run_id is not None:
        if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
            allowed = "1 to 64 letters, digits, dots, underscores and dashes, a letter or digit first"
            raise wrong(what, "run_id", run_id, allowed)
        message["run_id"] = run_id
    if isinstance(args, (str, bytes, Mapping)) or not isinstance(args, Sequence):
        raise wrong(what, "args", args, "a list of JSON values")
    try:
        return message, {"args": arguments_json("main", tuple(args), {})}
    except NotJson as error:
        raise UsageError("run-option", f"{what}: {error.problem}") from None


def _json(what: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    try:
        wire.encode(value)
    except NotJson as error:
        raise UsageError("run-option", f"{what}: {name} has {error.problem}") from None
    return value


def integer(what: str, name: str, value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise wrong(what, name, value, "an integer of 1 or more")
    return value if isinstance(value, int) else None
