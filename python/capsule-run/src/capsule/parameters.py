"""What a function takes: whether a call's arguments fit, told without calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .show import quote

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Parameters:
    """The parameters of a function, read once. `names`: those that can be given by position, in order."""

    __slots__ = ("names", "required", "rest", "_by_keyword", "_keyword_only", "_needed", "_rest_keywords", "_unknown")

    def __init__(self, fn: Callable[..., Any]):
        self.names: list[str] = []
        self.required = 0
        self.rest = False
        # Names that can be given by keyword.
        self._by_keyword: set[str] = set()
        # Keyword-only names, and whether each has a default.
        self._keyword_only: dict[str, bool] = {}
        # Names by position that have no default.
        self._needed: list[str] = []
        self._rest_keywords = False
        # Functions written in C may not say what they take.
        self._unknown = False
        try:
            # What a decorator's `__wrapped__` takes is not what the decorated function takes.
            signature = inspect.signature(fn, follow_wrapped=False)
        except (TypeError, ValueError):
            self._unknown = self.rest = self._rest_keywords = True
            return
        for parameter in signature.parameters.values():
            self._add(parameter)

    def _add(self, parameter: inspect.Parameter) -> None:
        name, kind = parameter.name, parameter.kind
        has_default = parameter.default is not inspect.Parameter.empty
        if kind in _POSITIONAL:
            self.names.append(name)
            if not has_default:
                self._needed.append(name)
                self.required += 1
            if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
                self._by_keyword.add(name)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            self.rest = True
        elif kind is inspect.Parameter.KEYWORD_ONLY:
            self._by_keyword.add(name)
            self._keyword_only[name] = has_default
        else:
            self._rest_keywords = True

    def problem(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> str | None:
        """What is wrong with the arguments of a call; `None`: they fit."""
        count = len(args)
        if not kwargs and not self._keyword_only and self.required <= count and (self.rest or count <= len(self.names)):
            return None
        if self._unknown:
            return None
        found = self._find(args, kwargs)
        return f"{found}; it takes {self}" if found else None

    def _find(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> str | None:
        count, most = len(args), len(self.names)
        if count > most and not self.rest:
            return f"{_counted(count, 'argument')} by position, {count - most} more than it can take"
        by_position = set(self.names[:count])
        if not self._rest_keywords:
            unknown = [name for name in kwargs if name not in self._by_keyword]
            if unknown:
                return f"there is no parameter {_listed(unknown)}"
        twice = [name for name in self.names[:count] if name in kwargs and name in self._by_keyword]
        if twice:
            return f"{_counted(len(twice), 'argument', False)} {_listed(twice)} given twice, by position and by name"
        missing = [
            name
            for name in self._needed
            if name not in by_position and not (name in kwargs and name in self._by_keyword)
        ]
        missing += [name for name, has_default in self._keyword_only.items() if not has_default and name not in kwargs]
        if missing:
            named = " (by name)" if missing[-1] in self._keyword_only else ""
            return f"{_counted(len(missing), 'argument', False)} {_listed(missing)}{named} missing"
        return None

    def __str__(self) -> str:
        needed = set(self._needed)
        parts = []
        for i, name in enumerate(self.names):
            parts.append(name if name in needed else f"{name}=…")
            following = self.names[i + 1] if i + 1 < len(self.names) else None
            if name not in self._by_keyword and (following is None or following in self._by_keyword):
                parts.append("/")
        if self.rest:
            parts.append("*")
        elif self._keyword_only:
            parts.append("*")
        if self.rest:
            parts[-1] = "*…"
        parts += [f"{name}=…" if has_default else name for name, has_default in self._keyword_only.items()]
        if self._rest_keywords:
            parts.append("**…")
        return f"({', '.join(parts)})"


def _counted(count: int, noun: str, with_number: bool = True) -> str:
    plural = noun if count == 1 else f"{noun}s"
    return f"{count} {plural}" if with_number else plural


def _listed(names: list[str]) -> str:
    quoted = [quote(name[:60]) for name in names[:10]]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(quoted) + more
