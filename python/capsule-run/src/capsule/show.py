"""Values as messages name them: short, and whatever the value's own code does."""

from __future__ import annotations

import json

_MOST = 80


def cut(text: str, most: int = _MOST) -> str:
    return text if len(text) <= most else text[:most] + "…"


def quote(text: str) -> str:
    """A text as JSON writes it, which is how every message of Capsule quotes."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.encode("utf-8", "backslashreplace").decode()


def show(value: object) -> str:
    if type(value) is str:
        return quote(cut(value))
    try:
        return cut(repr(value))
    except Exception:
        return f"a value of type {type(value).__name__}"
