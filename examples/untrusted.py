"""Runs code that a model wrote, each snippet in a sandbox of its own, and shows how each ended.

    npx capsule run examples/untrusted.py

Whatever the code does, the caller goes on: a task that fails gives an envelope, never an exception.
"""

import asyncio

from capsule import task

# What a model may answer when it is asked for code.
SNIPPETS = {
    "a sum": "result = sum([12, 30])",
    "a mistake": "result = customer.name.upper()",
    "an endless loop": "while True: pass",
    "endless patience": "import time; time.sleep(60)",
    "endless appetite": "all = []\nwhile True: all.append(bytearray(1_000_000))",
    "endless recursion": "def again(): return again() + 1\nagain()",
    "no JSON": "result = {1, 2, 3}",
    "a way out": "import subprocess; subprocess.run(['cat', '/etc/passwd'])",
}


@task(compute="LOW", ram="96MB", timeout="4s")
async def evaluate(code: str) -> object:
    names: dict[str, object] = {}
    exec(code, names)  # the sandbox around this task is what makes it safe
    return names.get("result")


@task(name="main")
async def main() -> None:
    envelopes = await asyncio.gather(*(evaluate(code) for code in SNIPPETS.values()))
    for snippet, envelope in zip(SNIPPETS, envelopes):
        if envelope["success"]:
            print(f"{snippet:18} success         {envelope['result']!r}")
        else:
            error = envelope["error"]
            print(f"{snippet:18} {error['error_type']:15} {error['message'].splitlines()[-1]:.60}")
