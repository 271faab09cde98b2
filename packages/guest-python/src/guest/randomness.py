"""Randomness: seeded anew after a restore, and noticed when the program's top-level code uses what is in its snapshot."""

import os
import sys


def reseed():
    """Gives every generator that the snapshot may hold a new state. `secrets`, `uuid4`, `SystemRandom` hold none."""
    modules = sys.modules
    random = modules.get("random")
    if random is not None:
        random._inst.seed(int.from_bytes(os.urandom(32)))
    numpy = modules.get("numpy.random")
    if numpy is not None:
        numpy.seed(list(os.urandom(32)))
    uuid = modules.get("uuid")
    if uuid is not None:
        uuid._node = uuid._last_timestamp = uuid._last_timestamp_v7 = None
    tempfile = modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None


def state():
    """The states of the global generators, to tell whether they were used."""
    modules = sys.modules
    random = modules.get("random")
    numpy = modules.get("numpy.random")
    return (random and random._inst.getstate(), numpy and _numpy_state(numpy))


def _numpy_state(numpy):
    held = numpy.get_state(legacy=False)
    inner = held["state"]
    key = inner.get("key")
    return (
        held["bit_generator"],
        key.tobytes() if key is not None else repr(inner),
        inner.get("pos"),
        held.get("has_gauss"),
        held.get("gauss"),
    )
