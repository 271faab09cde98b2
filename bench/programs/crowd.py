import asyncio

from capsule import task


@task(name="spin", compute="HIGH", timeout="1s")
async def spin() -> None:
    while True:
        pass


@task(name="main")
async def main(count: int) -> None:
    """Starts endless loops, each of which meets its timeout."""
    await asyncio.gather(*[spin() for _ in range(count)])
