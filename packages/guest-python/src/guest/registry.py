"""The tasks of the program, in the order in which it defines them."""

import functools
import inspect
import sys

from capsule.errors import DuplicateTaskError
from capsule.show import quote

from .attempt import attempt
from .calls import call_async, call_sync

MOST_TASKS = 10_000
OURS = "<capsule:"

# name -> (definition, where it was defined)
_tasks = {}


def make(definition):
    """Registers a task, and gives what the program calls."""
    name = definition.name
    if not attempt.open:
        raise RuntimeError(
            f"task {quote(name)} is defined after the program was loaded; define tasks at the top level, "
            "not inside functions or callbacks that run later"
        )
    if name in _tasks:
        first = _tasks[name][1]
        raise DuplicateTaskError(
            f"task {quote(name)} is defined twice{f', first at {first}' if first else ''}; give one of them another name"
        )
    if len(_tasks) >= MOST_TASKS:
        raise RuntimeError(f"task {quote(name)}: a program may define {MOST_TASKS} tasks at most")
    add(definition, _place())
    return _callable(definition)


def add(definition, place=""):
    _tasks[definition.name] = (definition, place)


def clear():
    _tasks.clear()


def _callable(definition):
    send = call_async if definition.is_async else call_sync

    def call(*args, **kwargs):
        if attempt.running is None:
            raise RuntimeError(
                f"task {quote(definition.name)} was called while the program is loading; call it from inside a task"
            )
        return send(definition, args, kwargs)

    functools.update_wrapper(call, definition.fn)
    return inspect.markcoroutinefunction(call) if definition.is_async else call


def _place():
    """Where the program is right now, such as `/app/main.py:3`; the host knows the words before it."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def find(name):
    """The definition of a task, or None."""
    found = _tasks.get(name)
    return found and found[0]


def definitions():
    return [definition for definition, _ in _tasks.values()]
