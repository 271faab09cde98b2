"""Exceptions as reports: whatever was raised, however hostile, ends as one JSON text of bounded size."""

import json
import traceback

# Characters of a report; escapes can make a text longer, and the host takes twice as many.
MOST = 64 * 1024
# Frames of one traceback that are kept at each end.
FRAMES = 200

_HIDDEN = ("<capsule:", "<frozen importlib")
_TYPES = {RecursionError: "stack_overflow", MemoryError: "out_of_memory"}
_dumps = json.JSONEncoder().encode

# Given back when memory is used up, so that there is some for the report.
_reserve = [bytearray(512 * 1024)]


def report(error):
    """An exception as the JSON of an `ErrorReport`. Never raises."""
    if isinstance(error, MemoryError):
        _reserve.clear()
    try:
        return _report(error)
    except BaseException as second:
        _reserve.clear()
        name = type(error).__name__
        # Even its description fails.
        out = isinstance(error, MemoryError) or isinstance(second, MemoryError)
        return _json(name, name, "", "out_of_memory" if out else _type_of(error)).encode()


def _report(error):
    name = type(error).__qualname__
    if isinstance(error, SystemExit):
        text = last = cut(f"SystemExit: {error.code}", MOST // 2)
    else:
        described = describe(error)
        # Enough of both ends: what was called first, and the exception itself.
        text = cut("".join(described.format(chain=True)).rstrip("\n"), MOST)
        last = cut(_last_line(described), MOST // 4)
    return _json(cut(name, 200), last, text, _type_of(error)).encode()


def _last_line(described):
    """`ValueError: message`, as the traceback ends."""
    described.__notes__ = None
    lines = list(described.format_exception_only())
    return (lines[-1] if lines else "").rstrip("\n")


def _type_of(error):
    for kind, error_type in _TYPES.items():
        if isinstance(error, kind):
            return error_type
    return None


def _json(name, message, stack, error_type):
    fields = {"name": name, "message": message, "stack": stack}
    if error_type is not None:
        fields["type"] = error_type
    return _dumps(fields)


def cut(text, most):
    """At most so many characters of a text; of a longer one both ends."""
    if len(text) <= most:
        return text
    end = most * 3 // 4
    left_out = len(text) - (most - end) - end
    return f"{text[: most - end]}\n  […{left_out} characters are left out…]\n{text[-end:]}"


def describe(error):
    """A TracebackException with the frames of the program and its libraries only."""
    trim(error)
    return traceback.TracebackException(type(error), error, error.__traceback__, compact=True)


def trim(error):
    """Takes our frames out of the tracebacks of an exception and of all it came from, and the middle of endless ones."""
    seen = set()
    todo = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = _trimmed(one.__traceback__)
        todo += (one.__cause__, one.__context__)
        if isinstance(one, BaseExceptionGroup):
            todo += one.exceptions


def _trimmed(first):
    kept = []
    frame = first
    while frame is not None:
        if not frame.tb_frame.f_code.co_filename.startswith(_HIDDEN):
            kept.append(frame)
        frame = frame.tb_next
    if not kept:
        return None
    if len(kept) > 2 * FRAMES:
        kept = kept[:FRAMES] + kept[-FRAMES:]
    for frame, following in zip(kept, [*kept[1:], None]):
        if frame.tb_next is not following:
            frame.tb_next = following
    return kept[0]
