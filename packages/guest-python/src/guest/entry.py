"""`entry`, the only function that the drive calls."""

import gc
import json
import linecache
import sys

from . import calls, environment, packed, running
from .errors import report
from .loading import load
from .output import flush
from .randomness import reseed
from .warm import warm


def _boot(payload):
    warm(payload.decode())
    main = sys.modules["__main__"]
    main.__dict__.pop(ENTRY_NAME, None)
    linecache.clearcache()
    getattr(linecache, "_interactive_cache", {}).clear()
    gc.collect()
    gc.freeze()
    return running.idle(None)


def _load(payload):
    try:
        return b"R" + load(payload.decode())
    except SystemExit as error:
        # A program that ends before its tasks can run did not load, whatever its exit code says.
        return b"E" + report(error, with_frames=True)


def _complete(payload):
    calls.deliver(b"C" + payload)
    return running.turn()


def _wake(payload):
    return running.turn()


def _reseed(payload):
    reseed()
    if payload:
        surroundings = json.loads(payload)
        environment.settle(surroundings["environment"])
        if surroundings["mounted"]:
            packed.activate()
    return b"I,0"


_OPERATIONS = {b"B": _boot, b"L": _load, b"S": running.start, b"C": _complete, b"W": _wake, b"Z": _reseed}

# Where the drive finds `entry` in `__main__`, until the first message.
ENTRY_NAME = "__capsule_entry__"


def entry(message):
    """One message in, one answer out: see `../door.ts`. Never raises."""
    try:
        answer = _OPERATIONS[message[:1]](message[1:])
    except BaseException as error:
        answer = running.failed(error)
    try:
        flush()
        return answer
    except BaseException as error:
        return b"E" + report(error)


