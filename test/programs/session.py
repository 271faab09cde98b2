"""A program that keeps what it can between calls."""

import asyncio
import importlib
import random
import uuid

from capsule import task

count = 0
closures = []
kept = []
left = None
file = None
loop = None
coroutine = None
ticks = []


class Account:
    balance = 0

    def add(self, n):
        self.balance += n


account = Account()


def numbers():
    i = 0
    while True:
        yield i
        i += 1


generator = numbers()


@task(name="slow")
async def slow():
    await asyncio.sleep(60)


@task(name="double")
def double(n):
    return n * 2


async def tick(n):
    for i in range(n):
        ticks.append(i)
        await asyncio.sleep(0.001)


def action(name, n):
    global count, left, file, loop
    if name == "add":
        count += n
        account.add(n)
        closures.append(lambda: count + n)
        return [count, account.balance, next(generator), [each() for each in closures]]
    if name == "throw":
        count += n
        raise TypeError("on purpose")
    if name == "exit":
        count += n
        raise SystemExit(3)
    if name == "wrong":
        count += n
        return object()
    if name == "later":
        # A loop of the program's own, with a task that is not done.
        loop = asyncio.new_event_loop()
        loop.create_task(tick(n))
        loop.run_until_complete(asyncio.sleep(0))
        return len(ticks)
    if name == "wait":
        loop.run_until_complete(asyncio.sleep(n / 1000))
        return len(ticks)
    if name == "abandon":
        loop = asyncio.new_event_loop()
        left = loop.create_task(_slow())
        loop.run_until_complete(asyncio.sleep(0))
        return None
    if name == "abandoned":
        return loop.run_until_complete(left)["error"]["error_type"]
    if name == "double":
        return double(n)["result"]
    if name == "random":
        return str(uuid.uuid4())
    if name == "seed":
        random.seed(n)
        return None
    if name == "draw":
        return random.random()
    if name == "open":
        file = open("data/notes.txt", "w")
        file.write("one ")
        file.flush()
        return None
    if name == "shut":
        # In a call that is rolled back: the number of the file must not come to mean another one.
        file.close()
        other = open("data/other.txt", "w")
        other.write("mine")
        other.flush()
        while True:
            pass
    if name == "write":
        file.write("two")
        file.close()
        with open("data/notes.txt") as notes:
            return notes.read()
    if name == "spin":
        count += n
        with open("data/spun.txt", "w") as spun:
            spun.write("spun")
        while True:
            count += 1
    if name == "bomb":
        count += n
        while True:
            kept.append(b"\1" * 4_000_000)
    if name == "deep":
        count += n

        def go():
            return go() + 1

        return go()
    if name == "numpy":
        # Nothing of the text says that it is needed.
        numpy = importlib.import_module("num" + "py")
        return int(numpy.arange(3).sum())
    return count


async def _slow():
    return await slow()


@task(name="main", compute="HIGH", ram="256MB", max_retries=2, allowed_files=["data"])
def main(name, n=0):
    return action(name, n)
