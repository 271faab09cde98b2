"""Runs once in a fresh engine: makes the packages `capsule` and `_capsule` of their sources, and leaves `entry` for the
drive. `SOURCES` is put before it: file name -> text, such as `capsule/errors.py`.
"""

import builtins
import sys
from importlib.machinery import ModuleSpec


BUILTINS = dict(vars(builtins))


class Embedded:
    """Finds modules in `SOURCES`. Their code says that it is ours by the names of its files."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        base = name.replace(".", "/")
        if f"{base}/__init__.py" in SOURCES:
            spec = ModuleSpec(name, Embedded, is_package=True)
            spec.loader_state = SOURCES[f"{base}/__init__.py"]
            return spec
        if f"{base}.py" in SOURCES:
            return ModuleSpec(name, Embedded, loader_state=SOURCES[f"{base}.py"])
        return None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        spec = module.__spec__
        # Of their own: what a program does to its builtins shall not keep its failure from being reported.
        module.__dict__["__builtins__"] = BUILTINS
        exec(compile(spec.loader_state, f"<capsule:{module.__name__}>", "exec", dont_inherit=True), module.__dict__)
        spec.loader_state = None


def boot():
    sys.meta_path.insert(0, Embedded)
    from _capsule import clients, imports, output, repairs, tls

    output.install()
    tls.install()
    repairs.install()
    imports.install()
    import capsule.place
    from _capsule import entry, fetching, httpx, loop, registry, sockets, tooling

    loop.install()
    clients.sockets = sockets
    repairs.REPAIRS.update(httpx.REPAIRS)
    repairs.inline.call, repairs.inline.trim = loop.detached, loop.without_ours
    capsule.place.make = registry.make
    capsule.place.call_tool = tooling.call_tool
    capsule.place.send, capsule.place.send_async = fetching.send, fetching.send_async
    sys.modules["__main__"].__dict__[entry.ENTRY_NAME] = entry.entry
    sys.meta_path.remove(Embedded)
    # Programs don't import the prelude; it lives on by what refers to it.
    for name in list(sys.modules):
        if name.partition(".")[0] == "_capsule":
            del sys.modules[name]


boot()
