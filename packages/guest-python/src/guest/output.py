"""Standard output and error: each line crosses to the host when it is complete, the rest before the sandbox waits."""

import sys


# The streams that are the host's, whatever the program puts in their place.
_OURS = (sys.stdout, sys.stderr)


def install():
    for stream in _OURS:
        # A lone surrogate shall not end a program that prints it.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")


def flush():
    """Hands over what is still buffered, whatever the program made of its streams."""
    for stream in _OURS:
        _flush(stream)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        if stream is not _OURS[0] and stream is not _OURS[1]:
            _flush(stream)


def _flush(stream):
    try:
        stream.flush()
    except Exception:
        # Closed, detached, replaced by something else, or none at all.
        pass
