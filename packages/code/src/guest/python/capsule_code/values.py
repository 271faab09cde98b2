"""The answer to one piece of code: its value as JSON and as text, and what it showed."""

from capsule.values import to_json

from . import figures, rich
from .traces import cut

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
    return {
        "has": has,
        "value": _json(value, limits["valueBytes"]) if has else None,
        "text": text,
        "long": long,
        "outputs": shown.outputs,
        "dropped": shown.dropped,
        "error": error,
    }


def _json(value, most):
    """JSON text; None for what is no JSON, or too much."""
    try:
        if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
            value = value.item()
        return to_json(value, most).decode()
    except Exception:
        return None


def _repr(value):
    try:
        return repr(value)
    except Exception as error:
        return _UNSHOWN.format(type(value).__qualname__, type(error).__name__)
