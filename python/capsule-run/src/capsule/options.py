"""The options of a task: the same rules as in TypeScript, under Python's names."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import TaskOptionError
from .show import cut, quote, show

COMPUTE = {"LOW": 100_000_000, "MEDIUM": 2_000_000_000, "HIGH": 50_000_000_000}

_RAM_UNITS = {
    "B": 1,
    "KB": 1024,
    "KIB": 1024,
    "MB": 1024**2,
    "MIB": 1024**2,
    "GB": 1024**3,
    "GIB": 1024**3,
}
_TIME_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_RAM = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMG]?i?B)\s*", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)\s*", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,16}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# Amounts cross to the host as JSON numbers, which are exact up to here.
_LARGEST = 2**53 - 1


class FileGrant(NamedTuple):
    """A folder of the project that a task may use."""

    # Relative to the project root, with `/` between names and none of `.`, `..` and empty ones; `.` is the root itself.
    path: str
    mode: str


class Policy(NamedTuple):
    """What one task asks for. `None`: it does not say."""

    fuel: int | None = None
    ram: int | None = None
    timeout_ms: int | None = None
    max_retries: int | None = None
    files: tuple[FileGrant, ...] | None = None
    hosts: tuple[str, ...] | None = None
    environment: tuple[str, ...] | None = None


def _integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return int(value)
    return None


def _amount(value: object) -> int | None:
    number = _integer(value)
    return number if number is not None and number > 0 else None


def parse_compute(value: object) -> int | None:
    """`"LOW"`, `"MEDIUM"`, `"HIGH"`, a positive integer or its digits: units of fuel. `None`: none of these."""
    if isinstance(value, str):
        if value in COMPUTE:
            return COMPUTE[value]
        return _amount(int(value)) if _DIGITS.fullmatch(value) else None
    return _amount(value)


def parse_ram(value: object) -> int | None:
    """`"64MB"`, `"2GB"`, `"512KiB"` (MB = 1024²) or a positive number of bytes. `None`: none of these."""
    if not isinstance(value, str):
        return _amount(value)
    match = _RAM.fullmatch(value)
    unit = _RAM_UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        return None
    size = float(match[1]) * unit
    return _amount(math.floor(size)) if math.isfinite(size) else None


def parse_timeout(value: object) -> int | None:
    """`"500ms"`, `"30s"`, `"5m"`, `"1h"` or a positive number of milliseconds. `None`: none of these."""
    if not isinstance(value, str):
        return _amount(value)
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    ms = float(match[1]) * _TIME_UNITS[match[2]]
    return _amount(math.floor(ms + 0.5)) if math.isfinite(ms) else None


def parse_retries(value: object) -> int | None:
    """An integer ≥ 0. `None`: something else."""
    number = _integer(value)
    return number if number is not None and number >= 0 else None


# Entries a list of files, hosts or variables may have.
_MOST_ENTRIES = 1000
_MODES = {"read-only": "read-only", "ro": "read-only", "read-write": "read-write", "rw": "read-write"}
_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:")
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(
    rf"(?:\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]{{2,45}}\])(?::([0-9]{{1,5}}))?", re.ASCII
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}", re.ASCII)


def _parse_list(value: object, parse: Callable[[object], Any]) -> tuple[Any, ...] | None:
    if not isinstance(value, (list, tuple)) or len(value) > _MOST_ENTRIES:
        return None
    items = [parse(item) for item in value]
    return None if None in items else tuple(items)


def path_inside(path: str) -> str | None:
    """A relative path without `.`, `..` and empty names. `None`: it is absolute, leads out, or can't be a path."""
    if path == "" or len(path) > 4096 or "\0" in path or _OUTSIDE.match(path):
        return None
    names: list[str] = []
    for name in path.split("/"):
        if name in ("", "."):
            continue
        if name != "..":
            names.append(name)
        elif not names:
            return None
        else:
            names.pop()
    return "/".join(names) or "."


def _grant(item: object) -> FileGrant | None:
    path, mode = (item, "read-write") if isinstance(item, (str, os.PathLike)) else (None, None)
    if isinstance(item, dict) and item.keys() <= {"path", "mode"}:
        path, mode = item.get("path"), item.get("mode", "read-write")
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str) or not isinstance(mode, str) or mode not in _MODES:
        return None
    inside = path_inside(path)
    return None if inside is None else FileGrant(inside, _MODES[mode])


def _host(item: object) -> str | None:
    if not isinstance(item, str) or len(item) > 260:
        return None
    pattern = item.lower()
    match = _HOST.fullmatch(pattern)
    return pattern if match and 1 <= int(match[1] or 1) <= 65_535 else None


def _variable(item: object) -> str | None:
    return item if isinstance(item, str) and _VARIABLE.fullmatch(item) else None


def parse_files(value: object) -> tuple[FileGrant, ...] | None:
    """`"./data"` (read-write) or `{"path": …, "mode": …}`, folders inside the project. `None`: something else."""
    return _parse_list(value, _grant)


def parse_hosts(value: object) -> tuple[str, ...] | None:
    """`"api.example.com"`, `"api.example.com:8443"`, `"*.example.com"` (any depth below it) or `"*"`."""
    return _parse_list(value, _host)


def parse_variables(value: object) -> tuple[str, ...] | None:
    """Names of environment variables. `None`: something else."""
    return _parse_list(value, _variable)


class _Option(NamedTuple):
    parse: Callable[[object], object]
    allowed: str
    # The field of `Policy` it fills.
    field: str


_FILES = (
    'a list of folders inside the project, such as ["./data", {"path": "./docs", "mode": "read-only"}]; '
    'modes: "read-only", "ro", "read-write", "rw"'
)
_HOSTS = 'a list of host names, such as ["api.example.com", "api.example.com:8443", "*.example.com"], or ["*"]'
_VARIABLES = 'a list of names of environment variables, such as ["API_KEY"]'
OPTIONS = {
    "compute": _Option(
        parse_compute,
        '"LOW", "MEDIUM", "HIGH", or a positive amount of fuel such as 5000000 or "5000000"',
        "fuel",
    ),
    "ram": _Option(parse_ram, 'a size such as "64MB", "2GB" or "512KiB", or a positive number of bytes', "ram"),
    "timeout": _Option(
        parse_timeout,
        'a duration such as "500ms", "30s", "5m" or "1h", or a positive number of milliseconds',
        "timeout_ms",
    ),
    "max_retries": _Option(parse_retries, "an integer of 0 or more", "max_retries"),
    "allowed_files": _Option(parse_files, _FILES, "files"),
    "allowed_hosts": _Option(parse_hosts, _HOSTS, "hosts"),
    "env_variables": _Option(parse_variables, _VARIABLES, "environment"),
}


def is_task_name(value: object) -> bool:
    """Text that any terminal and any codec takes as it is. Its length counts as JavaScript's does."""
    return (
        isinstance(value, str)
        and value != ""
        and len(value) + sum(c > "\uffff" for c in value) <= 200
        and _UNPRINTABLE.search(value) is None
    )


def parse_options(name: object, given: dict[str, Any]) -> Policy:
    """Reads the options of a task, `name` being what it is to be called. What is `None` or absent is not declared.

    Raises `TaskOptionError`: which task, which option, what was given and what is allowed.
    """
    if not is_task_name(name):
        raise TaskOptionError(
            f"task: name is {show(name)}; allowed: a non-empty string of at most 200 characters, unique in the program"
        )
    who = f"task {quote(str(name))}"
    policy: dict[str, Any] = {}
    for option, value in given.items():
        row = OPTIONS.get(option)
        if row is None:
            raise TaskOptionError(f"{who}: {_unknown(option)}")
        if value is None:
            continue
        parsed = row.parse(value)
        if parsed is None:
            raise TaskOptionError(f"{who}: {option} is {show(value)}; allowed: {row.allowed}")
        policy[row.field] = parsed
    return Policy(**policy)


def _unknown(option: str) -> str:
    from difflib import get_close_matches

    names = ["name", *OPTIONS]
    plain = {name.replace("_", ""): name for name in names}
    near = get_close_matches(option.replace("_", "").lower(), plain, n=1, cutoff=0.6)
    hint = f" (did you mean {quote(plain[near[0]])}?)" if near else ""
    return f"there is no option {quote(cut(option, 60))}{hint}; allowed: one of {', '.join(names)}"
