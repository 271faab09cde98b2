import asyncio

from capsule import task

MINUTE = 60


@task(name="nap", compute="LOW")
async def nap() -> None:
    print("asleep")
    await asyncio.sleep(MINUTE)


@task(name="quick", compute="LOW")
async def quick() -> None:
    pass


@task(name="main")
async def main(calls: str, naps: str) -> None:
    """Makes `calls` calls that end, starts `naps` tasks that sleep, and sleeps itself."""
    await asyncio.gather(*(quick() for _ in range(int(calls))))
    sleeping = [asyncio.ensure_future(nap()) for _ in range(int(naps))]
    print("asleep")
    await asyncio.sleep(MINUTE)
    await asyncio.gather(*sleeping)
