"""Values as JSON, strictly: what `json.dumps` would silently change (keys that are not strings, NaN) or can't write is
refused with the place where it was found and what to do about it. The ordinary case costs one native `json.dumps`.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from .show import cut, quote, show

_T = TypeVar("_T")

ARGUMENT_BYTES = 32 * 1024 * 1024
RESULT_BYTES = 32 * 1024 * 1024
# Nesting of lists and dicts.
VALUE_DEPTH = 1000
# Digits of an integer: writing and reading one takes time that grows with the square of its length.
INTEGER_DIGITS = 100_000


class NotJson(Exception):
    """`problem`: what was found, where, and what to do, without saying whose value it is."""

    def __init__(self, problem: str):
        super().__init__(problem)
        self.problem = problem


def _refuse(value: object) -> Any:
    raise TypeError


_OPTIONS: dict[str, Any] = {"allow_nan": False, "separators": (",", ":"), "default": _refuse}
_encode = json.JSONEncoder(ensure_ascii=False, **_OPTIONS).encode
_encode_ascii = json.JSONEncoder(**_OPTIONS).encode
_decode = json.JSONDecoder().decode
# What the encoder makes of keys that are not strings; strings can look like it too.
_SUSPECT_KEY = re.compile(r'"(?:-?[0-9][0-9.e+-]*|true|false|null)":')


def to_json(value: object, most: int) -> bytes:
    """`value` as JSON text in UTF-8, of `most` bytes at most.

    Raises `NotJson`, and whatever the value's own code raises.
    """
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        text = _encode_again(value, error)
    if ('":' in text and _SUSPECT_KEY.search(text)) or _may_be_deep(text):
        problem = _find_problem(value)
        if problem is not None:
            raise NotJson(problem)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        # Surrogates: JSON can escape them, UTF-8 can't hold them.
        data = _encode_ascii(value).encode()
    if len(data) > most:
        raise NotJson(
            f"{len(data)} bytes of JSON, more than the {most} that are allowed; hand over less, or in several parts"
        )
    return data


def from_json(text: str) -> Any:
    """The value of a JSON text; integers as long as `to_json` writes them stay exact."""
    try:
        return _decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python's limit for the digits of integers keeps attackers from using time; a sandbox's time is limited.
        return _with_long_integers(_decode, text)


def _encode_again(value: object, error: Exception) -> str:
    problem = _find_problem(value)
    if problem is not None:
        raise NotJson(problem) from None
    if isinstance(error, ValueError):
        return _with_long_integers(_encode, value)
    if isinstance(error, RecursionError):
        return _with_recursion(_encode, value)
    raise error


def _with_long_integers(function: Callable[[Any], _T], value: object) -> _T:
    get, put = getattr(sys, "get_int_max_str_digits", None), getattr(sys, "set_int_max_str_digits", None)
    if get is None or put is None:
        return function(value)
    before = get()
    put(INTEGER_DIGITS)
    try:
        return function(value)
    finally:
        put(before)


def _with_recursion(function: Callable[[Any], _T], value: object) -> _T:
    """Before CPython 3.12 native code counts towards the limit for Python's calls."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 2 * VALUE_DEPTH)
    try:
        return function(value)
    finally:
        sys.setrecursionlimit(before)


def _may_be_deep(text: str) -> bool:
    return len(text) > 2 * VALUE_DEPTH and text.count("[") + text.count("{") > VALUE_DEPTH


# One container on the way from the root to the value being looked at: itself, and what of it is still to be visited.
_Level = tuple[object, Iterator[tuple[Any, Any]]]


def _find_problem(root: object) -> str | None:
    """Walks a value and describes the first thing that JSON can't hold. Iterative, so that depth costs no stack."""
    path: list[str | int] = []
    levels: list[_Level] = []
    open_containers: dict[int, int] = {}

    def visit(value: object) -> str | None:
        if value is None or isinstance(value, (str, bool)):
            return None
        if isinstance(value, float):
            return None if math.isfinite(value) else _no_number(value, path)
        if isinstance(value, int):
            return _too_long(value, path)
        if not isinstance(value, (list, tuple, dict)):
            return _not_possible(value, path)
        if id(value) in open_containers:
            again = _path(path[: open_containers[id(value)]])
            return (
                f"a cycle at {_path(path)}, which is {again} again; "
                "JSON has no references: leave it out or copy what is needed"
            )
        if len(levels) >= VALUE_DEPTH:
            return f"a value nested deeper than {VALUE_DEPTH} levels at {_path(path)}; flatten it"
        open_containers[id(value)] = len(levels)
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        levels.append((value, iter(items)))
        return None

    problem = visit(root)
    while problem is None and levels:
        container, items = levels[-1]
        del path[len(levels) - 1 :]
        try:
            key, item = next(items)
        except StopIteration:
            levels.pop()
            del open_containers[id(container)]
            continue
        if isinstance(container, dict) and not isinstance(key, str):
            return (
                f"the key {show(key)} ({_type_name(type(key))}) at {_path(path)}; "
                "JSON has only strings as keys: use str(key) instead"
            )
        if type(item) is str or item is None:
            continue
        path.append(key)
        problem = visit(item)
    return problem


def _no_number(value: float, path: list[str | int]) -> str:
    name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return f"{name} at {_path(path)}; JSON has no {name}: use None or a string instead"


def _too_long(value: int, path: list[str | int]) -> str | None:
    # 10**n has more than n * 3.321928 bits.
    if value.bit_length() < INTEGER_DIGITS * 3.321928 or abs(value) < 10**INTEGER_DIGITS:
        return None
    return (
        f"an integer of more than {INTEGER_DIGITS} digits at {_path(path)}; "
        "that takes too long to write in decimal: use hex(value) instead"
    )


# Types by their full names, so that none of their modules is imported: what a message calls a value, and the advice.
_ADVICE: dict[str, tuple[str, str]] = {
    "builtins.bytes": ("bytes", "base64.b64encode(value).decode(), or value.decode() if it is text"),
    "builtins.bytearray": ("a bytearray", "base64.b64encode(value).decode()"),
    "builtins.memoryview": ("a memoryview", "base64.b64encode(value).decode()"),
    "builtins.set": ("a set", "sorted(value) or list(value)"),
    "builtins.frozenset": ("a frozenset", "sorted(value) or list(value)"),
    "builtins.complex": ("a complex number", "[value.real, value.imag]"),
    "builtins.range": ("a range", "list(value)"),
    "builtins.function": ("a function", "what it returns"),
    "builtins.type": ("a class", "its name"),
    "builtins.coroutine": ("a coroutine", "await and its result"),
    "_asyncio.Task": ("a task of asyncio", "await and its result"),
    "_asyncio.Future": ("a future", "await and its result"),
    "datetime.datetime": ("a datetime", "value.isoformat()"),
    "datetime.date": ("a date", "value.isoformat()"),
    "datetime.time": ("a time", "value.isoformat()"),
    "datetime.timedelta": ("a timedelta", "value.total_seconds()"),
    "decimal.Decimal": ("a Decimal", "str(value) or float(value)"),
    "fractions.Fraction": ("a Fraction", "str(value) or float(value)"),
    "uuid.UUID": ("a UUID", "str(value)"),
    "pathlib.PurePath": ("a path", "str(value)"),
    "pathlib._local.PurePath": ("a path", "str(value)"),
    "enum.Enum": ("a member of an enum", "value.value or value.name"),
    "collections.deque": ("a deque", "list(value)"),
    "re.Match": ("a match", "value.group() or value.groupdict()"),
    "types.SimpleNamespace": ("a namespace", "vars(value)"),
    "numpy.ndarray": ("a numpy array", "value.tolist()"),
    "numpy.generic": ("a numpy scalar", "value.item()"),
    "pandas.DataFrame": ("a DataFrame", 'value.to_dict("records")'),
    "pandas.core.frame.DataFrame": ("a DataFrame", 'value.to_dict("records")'),
    "pandas.Series": ("a Series", "value.to_list() or value.to_dict()"),
    "pandas.core.series.Series": ("a Series", "value.to_list() or value.to_dict()"),
    "pandas.Index": ("an Index", "value.to_list()"),
    "pandas.core.indexes.base.Index": ("an Index", "value.to_list()"),
    "pydantic.main.BaseModel": ("a model", "value.dict() or value.model_dump()"),
    "builtins.BaseException": ("an exception", "str(value)"),
}


def _not_possible(value: object, path: list[str | int]) -> str:
    what, advice = _advice(value)
    return f"{what} at {_path(path)}; JSON has no such value: use {advice} instead"


def _advice(value: object) -> tuple[str, str]:
    kind = type(value)
    for base in kind.__mro__:
        found = _ADVICE.get(_type_name(base, True))
        if found is not None:
            return found
    what = f"a value of type {cut(_type_name(kind))}"
    if hasattr(kind, "__dataclass_fields__"):
        return what, "dataclasses.asdict(value)"
    if hasattr(kind, "__attrs_attrs__"):
        return what, "attrs.asdict(value)"
    if hasattr(kind, "__await__"):
        return what, "await and its result"
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        return what, "dict(value)"
    if hasattr(kind, "__iter__"):
        return what, "list(value)"
    return what, "a dict of what is needed of it"


def _type_name(kind: type, full: bool = False) -> str:
    module, name = str(getattr(kind, "__module__", "")), kind.__qualname__
    return name if module == "builtins" and not full else f"{module}.{name}"


def _path(path: list[str | int]) -> str:
    """A place in a value such as `$.a[3].b`; the middle of a very long one is left out."""
    text = "$" + "".join(f"[{step}]" if isinstance(step, int) else _property(step) for step in path)
    return text if len(text) <= 200 else f"{text[:100]}…{text[-80:]}"


def _property(name: str) -> str:
    plain = len(name) <= 60 and name.isascii() and name.isidentifier()
    return f".{name}" if plain else f"[{quote(cut(name, 60))}]"


def result_json(name: str, value: object) -> bytes:
    """The result of task `name` as JSON. Raises `NotJson` with the message of an `invalid_result`."""
    try:
        return to_json(value, RESULT_BYTES)
    except NotJson as error:
        raise NotJson(f"task {quote(name)} returned {error.problem}") from None


def arguments_json(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """The arguments of a call: a JSON array, or `{"args": […], "kwargs": {…}}`.

    Raises `NotJson` with the message of an `invalid_arguments`.
    """
    try:
        return to_json({"args": args, "kwargs": kwargs} if kwargs else args, ARGUMENT_BYTES)
    except NotJson:
        check_arguments(name, args, kwargs)


def check_arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], kind: str = "task") -> NoReturn:
    """Raises `NotJson` that says what is wrong with arguments that can't be sent; `kind` is what is called."""
    for i, value in enumerate(args):
        _check_argument(f"{kind} {quote(name)}", str(i + 1), value)
    for key, value in kwargs.items():
        _check_argument(f"{kind} {quote(name)}", quote(cut(key, 60)), value)
    # Each alone can be sent, all together are too long or too deep.
    raise NotJson(
        f"{kind} {quote(name)}: the arguments are more than {ARGUMENT_BYTES} bytes of JSON, which is the most that is "
        f"allowed, or nested deeper than {VALUE_DEPTH} levels; hand over less, or in several parts"
    )


def _check_argument(callee: str, which: str, value: object) -> None:
    try:
        # What the array around the arguments takes.
        to_json(value, ARGUMENT_BYTES)
    except NotJson as error:
        raise NotJson(f"{callee}: argument {which} has {error.problem}") from None
