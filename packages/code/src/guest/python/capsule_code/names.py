"""The names that code finds beside Python's own: `display`, `exit` and `quit`, and an `input` that says why not."""

import builtins

from . import rich


def display(*objects, raw=False):
    """Shows values in their rich forms, as in a notebook: HTML, images, JSON, or else as text.

    A dict whose keys are MIME types is shown as what it says; `raw=True` says that it is one.
    """
    for value in objects:
        rich.show(value, raw)


def exit(code=None):
    """Ends this piece of code."""
    raise SystemExit(code)


def input(prompt="", /):
    """There is nobody to type anything."""
    raise EOFError("input() has nobody to ask in a sandbox: put the values into the code, or into a file in workspace/")


def install():
    for function in (display, exit, input):
        function.__module__ = "builtins"
        setattr(builtins, function.__name__, function)
    builtins.quit = exit
