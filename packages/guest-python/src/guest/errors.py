"""Exceptions as reports: whatever was raised, however hostile, ends as one JSON text of bounded size."""

# As it is in C: it needs nothing that a program can have changed.
from _json import encode_basestring_ascii as quote
from traceback import StackSummary, TracebackException, _walk_tb_with_full_positions

# Characters of a report; escapes can make a text longer, and the host takes twice as many.
MOST = 64 * 1024
# Frames of one traceback that are kept at each end.
FRAMES = 2000

# Files whose frames no traceback shows.
HIDDEN = ("<capsule:", "<frozen importlib")
_TYPES = {RecursionError: "stack_overflow", MemoryError: "out_of_memory"}

# Given back when memory is used up, so that there is some for the report.
_reserve = [bytearray(512 * 1024)]


def report(error, with_frames=False):
    """An exception as the JSON of a `GuestReport`; that of SystemExit has no frames unless asked for. Never raises."""
    if isinstance(error, MemoryError):
        _reserve.clear()
    try:
        return _report(error, with_frames or not isinstance(error, SystemExit))
    except BaseException as second:
        _reserve.clear()
        # Even its description fails.
        out = isinstance(error, MemoryError) or isinstance(second, MemoryError)
        last = _in_short(error)
        return _json(type(error).__name__[:200], last, last, "out_of_memory" if out else _type_of(error)).encode()


def _in_short(error):
    name = type(error).__name__[:200]
    try:
        return f"{name}: {error}"[: MOST // 4]
    except BaseException:
        return name


def _report(error, with_frames):
    name = type(error).__qualname__
    if not with_frames:
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
    typed = "" if error_type is None else f',"type":{quote(error_type)}'
    fields = f'"name":{quote(_whole(name))},"message":{quote(_whole(message))},"stack":{quote(_whole(stack))}'
    return f"{{{fields}{typed}}}"


def _whole(text):
    """Without surrogates, which a reader of the report would take for halves of something."""
    return text.encode("utf-8", "backslashreplace").decode()


def cut(text, most):
    """At most so many characters of a text; of a longer one both ends."""
    if len(text) <= most:
        return text
    end = most * 3 // 4
    left_out = len(text) - (most - end) - end
    return f"{text[: most - end]}\n  […{left_out} characters are left out…]\n{text[-end:]}"


class _Summary(StackSummary):
    """Formats each frame once, however often it comes: CPython formats a thousand frames of a recursion to print three."""

    def format_frame_summary(self, frame_summary, **kwargs):
        text = self.texts.get(id(frame_summary))
        if text is None:
            text = self.texts[id(frame_summary)] = super().format_frame_summary(frame_summary, **kwargs)
        return text


def describe(error):
    """A TracebackException with the frames of the program and its libraries only."""
    # Without frames, but with the suggestions that come from the last one.
    described = TracebackException(type(error), error, error.__traceback__, limit=0, compact=True)
    summaries = {}
    todo = [(error, described)]
    while todo:
        raised, one = todo.pop()
        if raised is None or one is None:
            continue
        one.stack = _summary(raised.__traceback__, summaries)
        if isinstance(raised, ModuleNotFoundError):
            one._str = one._str.partition(_NO_SITE)[0]
        todo += ((raised.__cause__, one.__cause__), (raised.__context__, one.__context__))
        if one.exceptions:
            todo += zip(raised.exceptions, one.exceptions)
    return described


# What CPython adds where its `site` module is not in use.
_NO_SITE = ". Site initialization is disabled"


def _summary(first, summaries):
    """The frames of a traceback; None if none of them is the program's. Frames at the same place are one object."""
    stack = _Summary()
    stack.texts = {}
    frame = first
    while frame is not None:
        code = frame.tb_frame.f_code
        if not code.co_filename.startswith(HIDDEN):
            # Code objects of different files can be equal.
            key = (id(code), frame.tb_lasti)
            summary = summaries.get(key)
            if summary is None:
                one = next(_walk_tb_with_full_positions(frame))
                summary = summaries[key] = stack._extract_from_extended_frame_gen(iter((one,)))[0]
            stack.append(summary)
        frame = frame.tb_next
    if len(stack) > 2 * FRAMES:
        del stack[FRAMES:-FRAMES]
    return stack or None
