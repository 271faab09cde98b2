import asyncio

from capsule import task


@task(name="spin", compute="HIGH")
async def spin(rounds: int) -> int:
    x = 1
    for i in range(rounds * 100_000):
        x = (x * 31 + i) & 0xFFFFFF
    return x


@task(name="main", compute="HIGH")
async def main(what: str, first: str, second: str) -> int:
    """Long sub-tasks, one after the other or at once."""
    tasks, rounds = int(first), int(second)
    if what == "parallel":
        return len(await asyncio.gather(*(spin(rounds) for _ in range(tasks))))
    for _ in range(tasks):
        await spin(rounds)
    return tasks
