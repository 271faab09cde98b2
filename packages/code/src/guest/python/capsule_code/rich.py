"""Rich forms of values, as notebooks have them: `_repr_html_` and the like, bounded in number and size."""

import base64
import json

_METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "application/pdf": "_repr_pdf_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
}


# What has none.
_PLAIN = frozenset({bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, type(None)})


class Shown:
    """What one piece has shown."""

    def __init__(self, limits):
        self.limits = limits
        self.outputs = []
        self._most = limits["outputs"]
        self._left = limits["outputBytes"]
        self.dropped = 0

    def add(self, kind, data):
        data = _text(data)
        if data is None:
            return
        if len(self.outputs) >= self._most or len(data) > self._left:
            self.dropped += 1
            return
        self._left -= len(data)
        self.outputs.append({"type": str(kind)[:200], "data": data})


_shown = None


def begin(limits):
    global _shown
    _shown = Shown(limits)
    return _shown


def show(value, raw=False):
    """What `display(value)` does."""
    bundle = value if raw or _is_bundle(value) else forms(value)
    if not bundle:
        bundle = {"text/plain": repr(value)}
    for kind, data in bundle.items():
        _shown.add(kind, data)


def forms(value):
    """The rich forms of a value, by MIME type; what fails to give one has none."""
    if type(value) in _PLAIN or isinstance(value, type):
        return {}
    found = {}
    bundle = _called(value, "_repr_mimebundle_")
    if isinstance(bundle, tuple) and bundle:
        bundle = bundle[0]
    if isinstance(bundle, dict):
        found.update({kind: data for kind, data in bundle.items() if kind != "text/plain"})
    for kind, method in _METHODS.items():
        if kind not in found:
            data = _called(value, method)
            if isinstance(data, tuple) and data:
                data = data[0]
            if data is not None:
                found[kind] = data
    return found


def _called(value, method):
    try:
        function = getattr(value, method, None)
        return function() if callable(function) else None
    except Exception:
        return None


def _is_bundle(value):
    return type(value) is dict and bool(value) and all(type(key) is str and "/" in key for key in value)


def _text(data):
    if isinstance(data, str):
        return data
    try:
        if isinstance(data, (bytes, bytearray, memoryview)):
            return base64.b64encode(data).decode()
        return json.dumps(data, allow_nan=False, separators=(",", ":"))
    except Exception:
        return None
