"""`os.environ`: the variables of the attempt, and nothing else.

While a program is loaded, those that have a value hold a stand-in, and whoever looks makes the snapshot `before`. What
the program sets itself stays: it comes after the attempt's own variables, as it would in a load of the attempt's own.
"""

import os

from . import asked

# No program shall take it for the value.
STAND_IN = b"capsule-loading"

# These, whatever the program puts in their place.
_environ, _environb = os.environ, os.environb

# What the program's top-level code set, by name, or removed (None).
_own = {}


def watch(names):
    """From now on reading is noticed."""
    _own.clear()
    _hold(_Watched((os.fsencode(name), STAND_IN) for name in names))


def unwatch():
    if type(_environ._data) is _Watched:
        _hold({name: value for name, value in _own.items() if value is not None})


def settle(variables):
    """At the start of an attempt: exactly these, and what the program's own code did to them while it was loaded."""
    _hold({})
    for name, value in variables.items():
        _put(os.fsencode(name), os.fsencode(value))
    for name, value in _own.items():
        if value is None:
            _environb.pop(name, None)
        else:
            _put(name, value)


def _hold(data):
    _environ._data = _environb._data = data


def _put(name, value):
    try:
        _environb[name] = value
    except (OSError, ValueError):
        # What can be no variable.
        pass


class _Watched(dict):
    """What is behind `os.environ` while a program is loaded. All that reads goes through these."""

    def __getitem__(self, name):
        _look(name)
        return dict.__getitem__(self, name)

    def __contains__(self, name):
        _look(name)
        return dict.__contains__(self, name)

    def __setitem__(self, name, value):
        _own[name] = value
        dict.__setitem__(self, name, value)

    def __delitem__(self, name):
        _look(name)
        dict.__delitem__(self, name)
        _own[name] = None

    def __iter__(self):
        _look()
        return dict.__iter__(self)

    def __len__(self):
        _look()
        return dict.__len__(self)

    def keys(self):
        _look()
        return dict.keys(self)

    def values(self):
        _look()
        return dict.values(self)

    def items(self):
        _look()
        return dict.items(self)

    def clear(self):
        for name in list(self):
            del self[name]

    def update(self, *args, **kwargs):
        for name, value in dict(*args, **kwargs).items():
            self[name] = value


def _look(name=None):
    if name is None or _own.get(name) is None:
        asked.note(b"environment")
