# Tasks that meet their limits, or attack their engine, one after the other: each loses itself at most.
from capsule import task


@task(timeout="1s", compute="HIGH")
def spin():
    while True:
        pass


@task(timeout="1s", compute="HIGH")
def in_c():
    return sum(range(10**10))


@task(timeout="1s", compute="HIGH")
def regex():
    import re

    return bool(re.match("(a+)+$", "a" * 40 + "!"))


@task(timeout="1s", compute="HIGH")
def power():
    return (7 ** (10**7)) % 10


@task(compute="LOW")
def fuel():
    while True:
        pass


@task
def recursion():
    def f():
        f()

    f()


@task
def c_recursion():
    import json

    return json.loads("[" * 100_000)


@task(ram="64MB")
def hog():
    kept = []
    while True:
        kept.append(bytearray(1_000_000))


@task(ram="64MB")
def survives():
    kept = []
    try:
        while True:
            kept.append(bytearray(1_000_000))
    except MemoryError:
        kept.clear()
        return "went on"


@task
def lock():
    import threading

    held = threading.Lock()
    held.acquire()
    held.acquire()


@task
def exits():
    import os

    os._exit(3)


@task
def aborts():
    import os

    os.abort()


@task
def forged():
    def f():
        pass

    f.__code__ = f.__code__.replace(co_code=bytes([100, 255]) * 50)
    f()


@task
def damages():
    import builtins
    import sys

    builtins.leaked = 1
    sys.path.append("leaked")
    sys.modules.clear()
    return 1


@task(timeout="2s")
def forges_a_wait():
    import _host

    return _host.call(b"r,5")


@task
def forges_a_call():
    import _host

    return _host.call(b"wnobody\0[]").decode()


@task
def prints():
    line = "x" * ((1 << 20) - 1)
    for _ in range(20):
        print(line)
    return "printed"


@task
def probe():
    import builtins
    import os
    import sys

    return [hasattr(builtins, "leaked"), "leaked" in sys.path, os.listdir("/tmp"), len(sys.modules) > 100]


@task
def add(a, b):
    return a + b


@task
async def slow(x):
    import asyncio

    await asyncio.sleep(0.3)
    return x


NAMES = "spin in_c regex power fuel recursion c_recursion hog survives lock exits aborts forged damages forges_a_wait forges_a_call prints"


@task(compute="HIGH")
async def main():
    import asyncio

    before = probe()
    beside = asyncio.gather(*(slow(i) for i in range(4)))
    rows = {}
    for name in NAMES.split():
        envelope = globals()[name]()
        rows[name] = {"envelope": envelope, "after": probe(), "add": add(2, 3)}
    return {"before": before, "rows": rows, "beside": await beside}
