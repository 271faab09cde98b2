"""Lines of the worker's protocol: one JSON object each, integers exact however long they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from ..values import VALUE_DEPTH, from_json, to_json

# Bytes of a line that the worker takes.
LINE_BYTES = 64 * 1024 * 1024
# Levels around a value in a message.
_AROUND = 16

# `from_json` and `to_json` lift limits of the interpreter for a moment where values need it. One thread at a time does
# so, or the limit would be put back too early; neither gives the interpreter up while it works.
_lock = threading.Lock()


def encode(value: object) -> bytes:
    """A value as JSON. Raises `NotJson`."""
    with _lock:
        return to_json(value, LINE_BYTES)


def line(message: Mapping[str, Any], raw: Mapping[str, bytes] | None = None) -> bytes:
    """A message as a line. `raw`: more fields, as JSON text."""
    data = encode(message)
    if not raw:
        return data + b"\n"
    fields = b"".join(b',"%s":%s' % (name.encode(), text) for name, text in raw.items())
    return data[:-1] + fields + b"}\n"


def decode(data: bytes) -> Any:
    """What a line says. Raises `ValueError` if it is no JSON."""
    text = data.decode()
    with _lock:
        try:
            return from_json(text)
        except RecursionError:
            return _deep(text)


def _deep(text: str) -> Any:
    """Values may be nested as deep as `VALUE_DEPTH`, which older Pythons have no room for. Called with the lock held."""
    import sys

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 2 * (VALUE_DEPTH + _AROUND))
    try:
        return json.loads(text)
    finally:
        sys.setrecursionlimit(before)
