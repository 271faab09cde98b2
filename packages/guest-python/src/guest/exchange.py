"""HTTP exchanges with the host, for code that blocks.

What asks the host for effects is written once, as a generator of _steps_: it yields `(name, head, payload)`, gets
`(head, payload)` of the answer, and what an effect fails with as OSError. `run` performs them for code that blocks,
`waiting.run` for code that awaits.
"""

import errno
import math

from .attempt import attempt
from .door import EffectFailed, effect, post_effect

NOT_NOW = "the network is only there inside tasks, not while the program is loaded: make the request in a task"
# Bytes of a request's body that are sent at once: a larger one follows in pieces.
PIECE = 1024 * 1024


def run(steps):
    """Performs steps and gives what they return. Raises OSError."""
    check_time()
    answer = failure = None
    while True:
        try:
            asked = steps.send(answer) if failure is None else steps.throw(failure)
        except StopIteration as end:
            return end.value
        answer = failure = None
        try:
            answer = effect(*asked)
        except EffectFailed as error:
            failure = as_os_error(error)


def check_time():
    if attempt.running is None:
        raise OSError(errno.EAGAIN, NOT_NOW)


def as_os_error(failed):
    """What an effect failed with as the OSError that sockets would raise; `capsule_code` is the code."""
    make = _ERRORS.get(failed.code)
    error = OSError(failed.message) if make is None else make(failed.message)
    error.capsule_code = failed.code
    return error


def refusal(number, message):
    """For what a client asks for and can't have: it comes before anything is sent."""
    error = OSError(number, message)
    error.capsule_code = "EINVAL"
    return error


def _no_name(message):
    from socket import EAI_NONAME, gaierror

    return gaierror(EAI_NONAME, message)


def _no_trust(message):
    from ssl import SSLError

    return SSLError(1, message)


_ERRORS = {
    "EFORBIDDEN": lambda message: PermissionError(errno.EACCES, message),
    "EINVAL": lambda message: OSError(errno.EINVAL, message),
    "EDNS": _no_name,
    "ECONNREFUSED": lambda message: ConnectionRefusedError(errno.ECONNREFUSED, message),
    "ECONNRESET": lambda message: ConnectionResetError(errno.ECONNRESET, message),
    "EABORTED": lambda message: ConnectionAbortedError(errno.ECONNABORTED, message),
    "ETLS": _no_trust,
    "ETIMEDOUT": TimeoutError,
}
# Those that come before anything was sent.
_UNCONNECTED = frozenset(("EFORBIDDEN", "EINVAL", "EDNS", "ECONNREFUSED", "ETLS"))


def is_unconnected(error):
    return getattr(error, "capsule_code", None) in _UNCONNECTED


def milliseconds(timeout):
    """Seconds as the host takes them; None stays."""
    return None if timeout is None else max(1, math.ceil(timeout * 1000))


class Exchange:
    """A request and its response. Its methods are steps, but for `close`."""

    def __init__(self, method, url, headers, timeout, redirect="manual"):
        self._request = {"method": method, "url": url, "headers": headers, "redirect": redirect}
        self._request["timeoutMs"] = milliseconds(timeout)
        self._handle = None
        # Whether pieces of the response's body are still to come.
        self._open = False

    def send(self, body):
        """Sends all of it: `body` None, or at most some `PIECE`s. Gives the response's head and the first of its body."""
        if body is not None and len(body) > PIECE:
            yield from self.begin()
            yield from self.write(body)
            return (yield from self.finish())
        kind = "none" if body is None else "whole"
        return self._answered((yield "http.request", {**self._request, "body": kind}, body or b""))

    def begin(self):
        """Begins a request whose body follows in pieces."""
        head, _ = yield "http.request", {**self._request, "body": "stream"}, b""
        self._handle = head["handle"]
        self._open = True

    def write(self, data):
        for at in range(0, len(data), PIECE):
            yield "http.write", {"handle": self._handle}, data[at : at + PIECE]

    def finish(self):
        yield "http.end", {"handle": self._handle}, b""
        return self._answered((yield "http.response", {"handle": self._handle}, b""))

    def _answered(self, answer):
        head, payload = answer
        self._handle = head["handle"]
        self._open = self._handle is not None
        return head, payload

    def read(self):
        """The next piece of the response's body; empty at its end."""
        while self._open:
            try:
                head, payload = yield "http.read", {"handle": self._handle}, b""
            except OSError:
                self._open = False
                raise
            self._open = not head["done"]
            if payload:
                return payload
        return b""

    def close(self):
        """Gives up what is still to come."""
        if self._open:
            self._open = False
            post_effect("http.cancel", {"handle": self._handle})

    def __del__(self):
        self.close()
