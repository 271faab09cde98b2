"""Runs pieces of code in one namespace, as a REPL does: what they define stays, and the last expression gives a value.

A piece can reach all of this and break it, in its own sandbox. The host looks at the answer as at anything a guest says.
"""

import ast
import asyncio
import builtins
import inspect
import keyword
import os
import sys
import types

# Of their own: what the code does to its builtins shall not keep its failure from being reported.
__builtins__ = dict(vars(builtins))

from . import names, rich, traces, values

_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_FUTURES = 0
for _feature in __import__("__future__").all_feature_names:
    _FUTURES |= getattr(__import__("__future__"), _feature).compiler_flag


# What statements begin with.
_STATEMENTS = frozenset(keyword.kwlist) - {"None", "True", "False", "await", "lambda", "not", "yield"}

_NOTHING = {"outputs": 0, "outputBytes": 0, "valueCharacters": 100, "valueBytes": 100}


class _State:
    """Of the namespace, from piece to piece."""

    # The module that the code runs in.
    module = None
    pieces = 0
    # Flags of the compiler that `from __future__` has set.
    futures = 0
    # The event loop of code with `await` outside of functions.
    loop = None


_state = _State()


def install():
    """Makes the namespace, while the program is loaded."""
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    _state.module = sys.modules["__main__"] = module
    names.install()
    _warm()


def _warm():
    """What is slow at its first use: so it is in the snapshot, and no call pays for it."""
    values.answer(_evaluate("a = (1, [2])\na", "<code>"), None, rich.begin(_NOTHING))
    traces.describe(ValueError(1))
    del _state.module.a


def run(code, options):
    """Runs a piece. Gives what the host's `answer.ts` reads."""
    if _state.pieces == 0:
        _settle(options)
    _state.pieces += 1
    shown = rich.begin(options["limits"])
    file = "<code>" if _state.pieces == 1 else f"<code {_state.pieces}>"
    value, error = None, None
    try:
        value = _evaluate(code, file)
    except SystemExit as ended:
        error = _exit(ended)
    except BaseException as raised:
        error = traces.describe(raised)
    if error is None and value is not None:
        builtins._ = value
    return values.answer(value, error, shown)


def _settle(options):
    """At the first piece: what the load of the program could not know."""
    sys.argv[:] = [""]
    os.environ.update(options["env"])
    folder = os.path.join(os.getcwd(), "workspace")
    if folder not in sys.path:
        # Last, so that a file there takes no module's place.
        sys.path.append(folder)


def _evaluate(code, file):
    traces.remember(file, code)
    first, last = _compile(code, file)
    space = _state.module.__dict__
    if _is_async(first) or _is_async(last):
        return _loop().run_until_complete(_run_async(first, last, space))
    if first is not None:
        exec(first, space)
    return None if last is None else eval(last, space)


def _compile(code, file):
    """What comes before the last expression, and that; None for what is not there."""
    flags = _FLAGS | _state.futures
    if _may_be_expression(code):
        try:
            return None, compile(code, file, "eval", flags, dont_inherit=True)
        except Exception:
            # Or else what is wrong with it is told below.
            pass
    tree = compile(code, file, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop().value if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    first = None
    if tree.body:
        first = compile(tree, file, "exec", flags, dont_inherit=True)
        _state.futures |= first.co_flags & _FUTURES
        flags |= _state.futures
    if last is not None:
        last = compile(ast.Expression(last), file, "eval", flags, dont_inherit=True)
    return first, last


def _may_be_expression(code):
    """Whether it looks like one expression: then a tree of it, which takes several times as long, is not needed."""
    return (
        0 < len(code) < 1000
        and "\n" not in code
        and ("=" not in code or "(" in code)
        and code[0] != "#"
        and not code[0].isspace()
        and code.split(None, 1)[0] not in _STATEMENTS
    )


def _is_async(unit):
    return unit is not None and bool(unit.co_flags & inspect.CO_COROUTINE)


async def _run_async(first, last, space):
    value = None
    for unit in (first, last):
        if unit is not None:
            value = eval(unit, space)
            if _is_async(unit):
                value = await value
    return None if last is None else value


def _loop():
    if _state.loop is None or _state.loop.is_closed():
        _state.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_state.loop)
    return _state.loop


def _exit(ended):
    """`sys.exit()` ends the piece well, and the session not at all."""
    code = ended.code
    if code is None or code == 0:
        return None
    if not isinstance(code, int):
        try:
            print(code, file=sys.stderr)
        except Exception:
            pass
    return traces.in_short(ended)
