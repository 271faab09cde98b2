"""Figures of matplotlib that are open when a piece of code ends, as PNG."""

import io

from . import rich

# `matplotlib.pyplot`, where the engine has it.
_pyplot = None


def install(pyplot):
    global _pyplot
    _pyplot = pyplot

    def show(*args, **kwargs):
        """Shows all open figures."""
        collect(rich._shown)

    show.__module__ = "matplotlib.pyplot"
    pyplot.show = show


def collect(shown):
    """Shows the open figures and closes them."""
    if _pyplot is None:
        return
    try:
        for number in _pyplot.get_fignums():
            figure = _pyplot.figure(number)
            data = io.BytesIO()
            figure.savefig(data, format="png", bbox_inches="tight")
            shown.add("image/png", data.getvalue())
            _pyplot.close(figure)
    except Exception as error:
        import sys

        print(f"a figure can't be drawn: {type(error).__name__}: {error}", file=sys.stderr)
        _pyplot.close("all")
