"""Exceptions as the language shows them, without the frames of what runs the code."""

import linecache
from traceback import TracebackException

# Characters that are kept of a traceback and of a message.
MOST_TRACE = 64 * 1024
MOST_MESSAGE = 16 * 1024

# How the names of pieces begin.
_PIECE = "<code"
# What of Capsule's own a piece may have called, and what the interpreter leaves out itself.
_HIDDEN = (f"{__file__.rpartition('/')[0]}/", "<capsule:", "<frozen importlib")
_LIBRARY = "/usr/local/lib/"
# What CPython adds to the name of a missing module where its `site` is not in use.
_NO_SITE = ". Site initialization is disabled"

# Given back when memory is used up, so that there is some for the description.
_reserve = [bytearray(256 * 1024)]


def remember(file, code):
    """The source of a piece, for tracebacks and `inspect`."""
    try:
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    except Exception:
        pass


def describe(error):
    """An exception as `{name, message, traceback}`. Never raises."""
    if isinstance(error, MemoryError):
        _reserve.clear()
    try:
        described = TracebackException(type(error), error, _from_piece(error.__traceback__), compact=True)
        _leave_out_ours(described)
        text = "".join(described.format(chain=True)).rstrip("\n").replace(f'File "{_LIBRARY}', 'File "')
        return _parts(error, cut(text, MOST_TRACE))
    except BaseException:
        _reserve.clear()
        return in_short(error)


def in_short(error):
    """The same with one line for a traceback."""
    try:
        name, text = type(error).__qualname__, _text(error)
        return _parts(error, cut(f"{name}: {text}" if text else name, MOST_MESSAGE))
    except BaseException:
        return {"name": type(error).__name__[:200], "message": "", "traceback": type(error).__name__[:200]}


def _parts(error, trace):
    return {"name": type(error).__qualname__[:200], "message": cut(_text(error), MOST_MESSAGE), "traceback": trace}


def _text(error):
    try:
        return str(error)
    except BaseException as second:
        return f"<its message could not be had: {type(second).__name__}>"


def _leave_out_ours(described):
    """From the whole chain, groups included. One without frames is shown as the REPL shows a syntax error."""
    todo, seen = [described], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if one.stack:
            one.stack[:] = [frame for frame in one.stack if not frame.filename.startswith(_HIDDEN)]
        one.stack = one.stack or None
        if one.exc_type_str == "ModuleNotFoundError":
            one._str = one._str.partition(_NO_SITE)[0]
        todo += (one.__cause__, one.__context__, *(one.exceptions or ()))


def _from_piece(frames):
    """The traceback from where the code begins in it; None if it got nowhere."""
    while frames is not None and not frames.tb_frame.f_code.co_filename.startswith(_PIECE):
        frames = frames.tb_next
    return frames


def cut(text, most):
    """At most so many characters of a text; of a longer one both ends."""
    if len(text) <= most:
        return text
    end = most * 3 // 4
    left_out = len(text) - most
    return f"{text[: most - end]}\n  […{left_out} characters are left out…]\n{text[-end:]}"
