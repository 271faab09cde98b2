"""Tells the drive, while a program is loaded, whose code runs, and what only the prelude can see.

The drive sees every question for the clock and for randomness, but not who asks: see "loading" in `../door.ts`.
"""

import gc
import os

from . import door, randomness
from .packed import ROOT, SITE

LIBRARY = b"library"
PACKAGES = b"packages"
PROGRAM = b"program"

_ZIP = "/usr/local/lib/"

# Whose code runs; None while nothing is loaded.
_who = None
_state = None


def begin():
    global _who, _state
    _who = PROGRAM
    _state = randomness.state()
    # The collector asks the clock how long it takes.
    gc.callbacks.append(_collecting)
    # The import system has its own, and lists the same folders.
    os.listdir, os.scandir = _noting(_listdir), _noting(_scandir)
    door.tell(PROGRAM)


def end():
    global _who, _state
    if _who is None:
        return
    gc.callbacks.remove(_collecting)
    os.listdir, os.scandir = _listdir, _scandir
    _note_use()
    _who = _state = None


def note(word):
    """Something that may differ between attempts was asked for, by whoever's code runs."""
    if _who is not None and _who is not LIBRARY:
        door.tell(word)


_listdir, _scandir = os.listdir, os.scandir


def _noting(listing):
    """Lists folders as before; that of the program may hold more inside a task."""

    def noted(path="."):
        if _who is not None and is_in_folder(path):
            note(b"files")
        return listing(path)

    noted.__name__ = noted.__qualname__ = listing.__name__
    noted.__doc__ = listing.__doc__
    noted.__module__ = listing.__module__
    return noted


def is_in_folder(path):
    try:
        full = os.path.abspath(os.fsdecode(path or "."))
    except (TypeError, ValueError, OSError):
        return False
    return full == ROOT or full.startswith(f"{ROOT}/")


def enter(module):
    """The import system is about to execute a module. Gives what to hand to `leave`, or None: nothing changes."""
    if _who is None:
        return None
    before = _who
    who = _whose(module)
    if who is before:
        return None
    _switch(who)
    return before


def leave(before):
    if before is not None and _who is not None:
        _switch(before)


def _whose(module):
    origin = getattr(module, "__file__", None) or ""
    return LIBRARY if origin.startswith(_ZIP) else PACKAGES if origin.startswith(f"{SITE}/") else PROGRAM


def _switch(who):
    """The engine's own library may use the global generators while it is imported: they are seeded anew anyway."""
    global _who, _state
    if who is LIBRARY:
        _note_use()
    elif _who is LIBRARY:
        _state = randomness.state()
    _who = who
    door.tell(who)


def _note_use():
    if _who is not LIBRARY and randomness.state() != _state:
        door.tell(b"random")


def _collecting(phase, info):
    if _who is not LIBRARY:
        door.tell(LIBRARY if phase == "start" else _who)
