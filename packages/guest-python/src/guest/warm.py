"""What the engine's snapshot has imported, so that no program pays for it: whatever is slow or costly at first use."""

import importlib
import linecache
import os
import shutil

from capsule.definition import define

from . import registry, running
from .attempt import attempt
from .errors import report
from .randomness import reseed

LIBRARY = """
argparse array ast asyncio atexit base64 bisect bz2 calendar cmath codecs collections collections.abc
concurrent.futures concurrent.futures.thread contextlib contextvars copy csv dataclasses datetime decimal difflib enum
errno fnmatch fractions functools gc getpass glob gzip hashlib heapq hmac html http http.client importlib.metadata
importlib.resources inspect io ipaddress itertools json keyword linecache locale logging math numbers operator os
os.path pathlib pickle platform queue random re reprlib secrets select selectors shlex shutil signal socket sqlite3
stat statistics string struct subprocess sys tempfile textwrap threading time timeit token tokenize tomllib traceback
types typing unicodedata unittest urllib.error urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree
zipfile zlib zoneinfo
""".split()

SCIENCE = ["numpy", "numpy.random", "pandas"]

# A program that fails in each of the ways whose first traceback loads something.
_FAILING = '''
class Thing:
    pass


def fail(kind):
    values = {"a": [1]}
    if kind == 0:
        return values["a"][2] + (
            1
        )
    if kind == 1:
        return values.missing_name
    if kind == 2:
        return undefined_nmae
    if kind == 3:
        try:
            fail(0)
        except IndexError as error:
            raise ValueError("outer") from error
    raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
'''


def warm(variant):
    for name in LIBRARY:
        importlib.import_module(name)
    if variant == "full":
        _warm_science()
    _warm_library()
    _warm_tracebacks()
    _warm_tasks()
    # What the engine was started with is nothing of the program's.
    os.environ.clear()


def _warm_library():
    import datetime
    import decimal
    import json
    import re
    import statistics
    import zoneinfo

    re.compile(r"(?P<word>\w+)\s*[=:]\s*(.*?)$", re.MULTILINE).search("a = 1")
    decimal.Decimal(1) / 3
    statistics.mean([1, 2.5])
    json.loads(json.dumps({"a": [1.5, None, True, "ü"]}))
    datetime.datetime.strptime("2020-01-01", "%Y-%m-%d").strftime("%A")
    zoneinfo.ZoneInfo("Europe/Berlin")
    # No connection to SQLite: its own generator is seeded by the first, and that shall be one after the restore.


def _warm_science():
    for name in SCIENCE:
        importlib.import_module(name)
    import numpy
    import pandas

    numpy.random.default_rng(0).random(3)
    numpy.arange(6.0).reshape(2, 3) @ numpy.ones((3, 2))
    frame = pandas.DataFrame({"a": [1, 2, 2], "b": ["x", "y", "y"], "c": [1.5, 2.5, None]})
    frame.groupby("b")["c"].sum()
    frame.describe()
    frame.merge(frame, on="a").to_dict("records")
    str(frame)
    _warm_plots()


def _warm_plots():
    """Finds the fonts, which takes matplotlib seconds, and would make it write files while programs are loaded."""
    folder = "/tmp/matplotlib"
    os.environ["MPLCONFIGDIR"] = folder
    importlib.import_module("matplotlib.pyplot").switch_backend("agg")
    shutil.rmtree(folder, ignore_errors=True)


def _warm_tracebacks():
    path = "/tmp/warm.py"
    with open(path, "w") as file:
        file.write(_FAILING)
    scope = {"__name__": "warm"}
    exec(compile(_FAILING, path, "exec"), scope)
    for kind in range(5):
        try:
            scope["fail"](kind)
        except Exception as error:
            report(error)
    try:
        compile("def f(:\n  pass", path, "exec")
    except SyntaxError as error:
        report(error)
    os.remove(path)


def _warm_tasks():
    """CPython makes code faster that has run some times: how a task is started and ends is such code for every program."""
    import asyncio

    def add(a, b=2):
        return {"sum": [a, b, "c"]}

    async def wait(a, b=2):
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
        return a

    for fn in (add, wait):
        registry.add(define(fn, None, {}))
        for _ in range(16):
            running.start(f"{fn.__name__}\0[1, 2]".encode())
            reseed()
    registry.clear()
    running.forget()
    attempt.running = None
