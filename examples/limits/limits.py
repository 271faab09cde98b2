"""Runs into each limit there is, and goes on.

    npx capsule run examples/limits/limits.py

The amounts are in `capsule.toml` beside this file; a task's own options would win over them.
"""

import asyncio
import time as clock
from pathlib import Path

from capsule import http, task


@task
def fuel() -> None:
    while True:
        pass


@task(compute="MEDIUM")
def memory() -> None:
    everything = []
    while True:
        everything.append(bytearray(1_000_000))


@task(timeout="200ms")
def time() -> None:
    clock.sleep(60)


@task
def stack() -> int:
    def again() -> int:
        return again() + 1

    return again()


@task
def result() -> object:
    return {"far": float("inf")}


@task
def files() -> str:
    return Path("/etc/passwd").read_text()


@task
def hosts() -> int:
    return http.get("http://localhost/").status


@task(timeout="20s")
async def tasks() -> str | None:
    """Each calls two more of itself: the run's budget of tasks ends that."""
    for end in await asyncio.gather(tasks(), tasks()):
        if not end["success"]:
            return end["error"]["error_type"]
        if end["result"]:
            return end["result"]
    return None


def end_of(envelope: dict) -> str:
    if envelope["success"]:
        return str(envelope["result"])
    return f"{envelope['error']['error_type']}: {envelope['error']['message'].splitlines()[-1]}"


@task(name="main", timeout="30s")
async def main() -> dict[str, str]:
    ends = {each.__name__: end_of(each()) for each in (fuel, memory, time, stack, result, files, hosts)}
    return {**ends, "tasks": end_of(await tasks())}
