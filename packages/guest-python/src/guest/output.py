"""Standard output and error: each line crosses to the host when it is complete, the rest before the sandbox waits."""

import sys


def install():
    for stream in (sys.stdout, sys.stderr):
        # A lone surrogate shall not end a program that prints it.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")


def flush():
    """Hands over what is still buffered, whatever the program made of its streams."""
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    if sys.stdout is not sys.__stdout__:
        _flush(sys.__stdout__)
    if sys.stderr is not sys.__stderr__:
        _flush(sys.__stderr__)


def _flush(stream):
    try:
        stream.flush()
    except Exception:
        # Closed, replaced by something else, or none at all.
        pass
