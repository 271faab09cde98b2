import asyncio

from capsule import task


@task(name="add_sync", compute="LOW")
def add_sync(a: int, b: int) -> int:
    return a + b


@task(name="add_async", compute="LOW")
async def add_async(a: int, b: int) -> int:
    return a + b


@task(name="main", compute="HIGH")
async def main(count: int, way: str) -> int:
    """Calls a sub-task `count` times, one after the other or all at once, and adds up what they give."""
    if way == "sync":
        envelopes = [add_sync(n, 1) for n in range(count)]
    else:
        envelopes = await asyncio.gather(*(add_async(n, 1) for n in range(count)))
    return sum(envelope["result"] for envelope in envelopes)
