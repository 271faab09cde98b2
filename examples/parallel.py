"""Finds primes in as many sandboxes as there are parts, on all cores.

    npx capsule run examples/parallel.py 30000 10
"""

import asyncio

from capsule import task


@task(compute="HIGH", ram="64MB")
async def count_primes(start: int, stop: int) -> int:
    def is_prime(n: int) -> bool:
        return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))

    return sum(map(is_prime, range(start, stop)))


@task(name="main")
async def main(limit: str = "30000", parts: str = "10") -> str:
    size = -(-int(limit) // int(parts))
    starts = range(0, int(limit), size)
    calls = [count_primes(start, stop=min(start + size, int(limit))) for start in starts]
    envelopes = await asyncio.gather(*calls)
    for envelope in envelopes:
        if not envelope["success"]:
            raise RuntimeError(envelope["error"]["message"])
    primes = sum(envelope["result"] for envelope in envelopes)
    fuel = sum(envelope["execution"]["fuel_consumed"] for envelope in envelopes)
    return (
        f"{primes} primes below {limit}, found by {len(envelopes)} tasks "
        f"with {fuel // 1_000_000} million units of fuel"
    )
