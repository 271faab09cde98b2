"""How a driver is spoken to: one JSON request a line, one JSON answer a line."""

import json
import sys
import time


async def serve(actions):
    """Answers requests `{"do": NAME, …}` by the action of that name until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        action = actions[request.pop("do")]
        try:
            answer = {"value": await action(**request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


async def timed(call, count, gap):
    """Milliseconds of each of `count` calls, `gap` milliseconds apart."""
    times = []
    for _ in range(count):
        if gap:
            time.sleep(gap / 1000)
        start = time.perf_counter()
        await call()
        times.append((time.perf_counter() - start) * 1000)
    return times
