"""Loads the program: imports it as a module, so that its tasks register, and chooses the task a run begins with."""

import errno
import json
import os
import sys
import types
from importlib import util

from capsule.definition import define
from capsule.errors import TaskOptionError

from . import asked, environment, packed, registry
from .attempt import attempt

# The name of a program whose file has the name of a module of the library.
PLAIN_NAME = "__capsule_program__"

# What CPython has imported before it looks at a program: files beside it can't take their place.
_FIRST = frozenset(
    "abc builtins codecs encodings genericpath io os posixpath site stat zipimport _collections_abc".split()
) | frozenset(sys.builtin_module_names)


_NOT_PACKED = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS)
_ONLY_INSIDE = (
    "Files that are not packed with the program can be reached inside tasks only, where allowed_files says so: "
    "this is code of its top level, which runs when the program is built."
)


def load(payload):
    """Imports the program at a path and gives the JSON of its tasks. Raises what its top-level code raises.

    Behind the path may come, for a load without capabilities, the names of variables that tasks could see.
    """
    path, _, names = payload.partition("\0")
    if names:
        environment.watch(json.loads(names))
    folder, file = os.path.split(path)
    sys.argv[:] = [path]
    sys.path.insert(0, folder)
    if os.path.isdir(packed.SITE):
        sys.path.append(packed.SITE)
    # As users start a program from its project's folder.
    os.chdir(packed.ROOT)
    name = file.removesuffix(".py")
    _make_room(folder, name)
    if name in sys.modules or name in sys.stdlib_module_names:
        name = PLAIN_NAME
    asked.begin()
    try:
        module = _import(name, path)
        entry, notice = _entry(module)
    except OSError as error:
        if names and error.errno in _NOT_PACKED and error.filename is not None and asked.is_in_folder(error.filename):
            error.add_note(_ONLY_INSIDE)
        raise
    finally:
        asked.end()
        environment.unwatch()
    attempt.open = False
    tasks = [_task(definition) for definition in registry.definitions()]
    return json.dumps({"tasks": tasks, "entry": entry, "notice": notice}).encode()


def _import(name, path):
    spec = util.spec_from_file_location(name, path, **packed.loader(name, path))
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    # It may have put something else in its place.
    return sys.modules.get(name, module)


def _make_room(folder, program):
    """Files beside the program go before the library's modules of the same names, which the snapshot has imported.

    Not the program's own: a program `json.py` that imports json means the library's.
    """
    place = packed.place(folder)
    for entry in os.listdir(place):
        name, dot, suffix = entry.partition(".")
        if dot and suffix != "py" or name not in sys.modules or name in _FIRST or name in (program, "capsule"):
            continue
        if not dot and not os.path.isfile(f"{place}/{entry}/__init__.py"):
            continue
        for loaded in list(sys.modules):
            if loaded == name or loaded.startswith(f"{name}."):
                del sys.modules[loaded]


def _entry(module):
    """The task a run begins with, and what the user should know of how it was chosen, or None."""
    if registry.find("main"):
        return "main", None
    main = getattr(module, "main", None)
    if type(main) is types.FunctionType and getattr(main, "__wrapped__", None) not in _functions():
        module.main = registry.make(_define_main(main))
        return "main", None
    tasks = registry.definitions()
    if not tasks:
        return "", None
    first = tasks[0].name
    return first, f'there is no task or function "main": the entry point is "{first}", the first task defined'


def _define_main(fn):
    try:
        return define(fn, "main", {})
    except TaskOptionError as error:
        # Nothing in its traceback would say where.
        error.add_note(f'  File "{fn.__code__.co_filename}", line {fn.__code__.co_firstlineno}, in main')
        raise


def _functions():
    return [definition.fn for definition in registry.definitions()]


def _task(definition):
    policy, parameters = definition.policy, definition.parameters
    return {
        "name": definition.name,
        "policy": {
            "fuel": policy.fuel,
            "ram": policy.ram,
            "timeoutMs": policy.timeout_ms,
            "maxRetries": policy.max_retries,
            "files": None if policy.files is None else [grant._asdict() for grant in policy.files],
            "hosts": policy.hosts,
            "environment": policy.environment,
        },
        "async": definition.is_async,
        "source": "",
        "parameters": {
            "names": [name[:1000] for name in parameters.names[:1000]],
            "required": parameters.required,
            "rest": parameters.rest,
        },
    }


