"""A runtime of tasks with the interface `capsule.run`: the Rust Capsule's package, or ours.

    python tasks.py FOLDER EXTENSION
"""

import asyncio
import sys

from capsule import run
from lines import serve, timed

folder, extension = sys.argv[1:]


async def called(program, args):
    return await run(file=f"./{program}{extension}", args=args, cwd=folder)


async def value_of(program, args):
    answer = await called(program, args)
    if not answer["success"]:
        raise RuntimeError(answer["error"]["message"])
    return answer["result"]


async def calls(count, gap):
    return await timed(lambda: value_of("peers", ["hello"]), count, gap)


async def program(name, args):
    """Milliseconds of one run."""
    return (await timed(lambda: value_of(name, args), 1, 0))[0]


async def ends(name, args):
    """How a run ends: the type of its error, else what its sub-task or it says."""
    answer = await called(name, args)
    if not answer["success"]:
        return answer["error"]["error_type"]
    result = answer["result"]
    if isinstance(result, dict) and result.get("error"):
        return result["error"]["error_type"]
    return str(result["result"] if isinstance(result, dict) else result)


asyncio.run(serve({"calls": calls, "program": program, "ends": ends}))
