from __future__ import annotations

from typing import Any

from .types import Execution


def given_value(execution: Execution) -> Any:
    """The last expression's value: JSON as it is, anything else as the text its language shows it with, `None` for none."""
    if execution["has_value"] and not execution["is_json"]:
        return execution["value_text"]
    return execution["value"]


def _value_text(execution: Execution) -> str:
    """The same as text: of a string itself, of anything else what its language shows."""
    if not execution["has_value"]:
        return ""
    value = execution["value"]
    return value if isinstance(value, str) else execution["value_text"] or ""


def text_of(execution: Execution) -> str:
    """What was printed, then the last expression's value on a line of its own, without the line's end."""
    printed = execution["stdout"].removesuffix("\n")
    value = _value_text(execution)
    return f"{printed}\n{value}" if printed and value else printed + value
