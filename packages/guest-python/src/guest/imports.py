"""What happens around the execution of a module: see `asked` and `repairs`."""

import sys

from . import asked
from .repairs import REPAIRS

# Under this name CPython leaves the frame out of tracebacks, as it does those of the import system.
_FILE = "<frozen importlib._bootstrap_external>"
_SOURCE = """
def exec_module(self, module):
    before = enter(module)
    try:
        execute(self, module)
        repair = REPAIRS.get(module.__name__)
        if repair is not None:
            repair(module)
    finally:
        leave(before)
"""


def install():
    base = sys.modules["_frozen_importlib_external"]._LoaderBasics
    scope = {"enter": asked.enter, "leave": asked.leave, "execute": base.exec_module, "REPAIRS": REPAIRS}
    exec(compile(_SOURCE, _FILE, "exec"), scope)
    scope["exec_module"].__module__ = base.__module__
    scope["exec_module"].__qualname__ = base.exec_module.__qualname__
    base.exec_module = scope["exec_module"]
