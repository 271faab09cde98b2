"""Runs the task of the attempt and makes of its end the answer that the drive gets."""

import inspect
import sys

from capsule.show import quote
from capsule.values import NotJson, from_json, result_json

from . import registry
from .attempt import attempt
from .calls import abandon, pending_calls
from .driver import Driver
from .errors import report
from .loop import wake_at

# Results of these types are nothing to wait for: the ordinary case.
_PLAIN = frozenset((type(None), bool, int, float, str, list, tuple, dict))

_driver = None


def start(payload):
    """`task, NUL, arguments`: runs the task; gives the attempt's answer."""
    global _driver
    # A session runs one task after the other: what the last one waited for is over.
    _driver = None
    abandon()
    name, _, given = payload.decode().partition("\0")
    definition = registry.find(name)
    if definition is None:
        return failed(
            RuntimeError(
                f"task {quote(name)} was not defined when the program was loaded for this attempt; which tasks a "
                "program defines must not depend on time, randomness or its environment"
            )
        )
    value = from_json(given)
    args, kwargs = (value, {}) if type(value) is list else (value["args"], value["kwargs"])
    problem = definition.parameters.problem(args, kwargs)
    if problem is not None:
        return typed("invalid_arguments", f"task {quote(name)}: {problem}")
    attempt.running = name
    try:
        result = definition.fn(*args, **kwargs)
        if type(result) in _PLAIN or not inspect.isawaitable(result):
            return finished(result)
        _driver = Driver(result)
    except BaseException as error:
        return failed(error)
    return turn()


def turn():
    """Goes on with an async task."""
    if _driver is None:
        return idle(None)
    try:
        ended, wake = _driver.turn()
        return finished(_driver.result()) if ended else idle(wake)
    except BaseException as error:
        return failed(error)


def forget():
    """As if no task had run."""
    global _driver
    _driver = None


def idle(wake):
    return b"I%s,%d" % (wake_at(wake), pending_calls())


def finished(value):
    try:
        return b"R" + result_json(attempt.running, value)
    except NotJson as error:
        return typed("invalid_result", error.problem)
    except BaseException as error:
        return failed(error)


def typed(error_type, message):
    return f"X{error_type} {message}".encode("utf-8", "backslashreplace")


def failed(error):
    """The answer to an exception that nothing caught. `sys.exit()` ends a task well."""
    if isinstance(error, SystemExit):
        if error.code is None or error.code == 0:
            return b"Rnull"
        if not isinstance(error.code, int):
            _print(error.code)
    return b"E" + report(error)


def _print(code):
    """What `sys.exit("a message")` prints."""
    try:
        print(code, file=sys.stderr)
    except Exception:
        pass
