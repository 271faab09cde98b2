"""The answer to one piece of code: its value as JSON and as text, and what it showed."""

from capsule.values import to_json

from . import figures, rich
from .traces import cut

# Integers below it are the same in every reader of JSON.
_SAFE = 2**53

# How a value that can't be shown is shown.
_UNSHOWN = "<a value of type {}, whose repr raised {}>"


def answer(value, error, shown):
    """`value` is the last expression's, None if there is none or there was an error."""
    limits = shown.limits
    has = error is None and value is not None
    text, long = None, False
    if has:
        for kind, data in rich.forms(value).items():
            shown.add(kind, data)
    figures.collect(shown)
    if has:
        text = _repr(value)
        long = len(text) > limits["valueCharacters"]
        text = cut(text, limits["valueCharacters"])
    # What there is not is left out.
    found = {"has": has}
    if has:
        found["text"] = text
        found["value"] = _json(value, limits["valueBytes"])
    if long:
        found["long"] = True
    if shown.outputs:
        found["outputs"] = shown.outputs
    if shown.dropped:
        found["dropped"] = shown.dropped
    if error is not None:
        found["error"] = error
    return found


def _json(value, most):
    """JSON text; None for what is no JSON, or too much."""
    try:
        kind = type(value)
        if kind is int and -_SAFE < value < _SAFE:
            return str(value)
        if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0:
            value = value.item()
        return to_json(value, most).decode()
    except Exception:
        return None


def _repr(value):
    try:
        return repr(value)
    except Exception as error:
        return _UNSHOWN.format(type(value).__qualname__, type(error).__name__)
