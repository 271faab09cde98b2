"""What a Python engine is measured with. Each kernel ends in a checksum, takes some 10 ms in CPython and keeps the
interpreter busy with something else. They need nothing but the standard library, and give the same in every Python
from 3.11 on.
"""

import json
import re
from math import sqrt


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def calls():
    return fibonacci(23)


def loop():
    total = 0
    for i in range(100_000):
        total = (total * 31 + (i ^ (total >> 7))) & 0xFFFFFF
    return total


def strings():
    parts, checksum = [], 0
    for i in range(12_000):
        word = f"{i:05d}-{i * 7 % 1009:x}"
        parts.append(word.upper() if i & 1 else word.replace("0", "o"))
        if len(parts) == 40:
            text = ",".join(parts)
            checksum += len(text.split("o")) + text.count("A") + text.find("f")
            parts.clear()
    return checksum


def regex():
    log = "".join(
        f"2026-01-{10 + i % 20} user{i}@mail{i % 9}.example GET /a/{i}?q=x\n" for i in range(3000)
    )
    line = re.compile(r"^\d{4}-\d\d-(\d\d) (\w+)@[\w.]+ (?:GET|POST) \S+$", re.M)
    found = sum(int(day) + len(user) for day, user in line.findall(log))
    return found + len(re.sub(r"[aeiou]+", "", log))


def documents():
    rows = [
        {"id": i, "name": f"row {i}", "tags": ["x", "y", str(i % 7)], "nested": {"on": i % 2 == 0, "score": i / 4}}
        for i in range(500)
    ]
    total = 0
    for _ in range(6):
        rows = json.loads(json.dumps(rows))
        total += sum(row["nested"]["score"] + len(row["tags"]) for row in rows)
    return total


def sorting():
    seed, numbers = 7, []
    for _ in range(15_000):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        numbers.append(seed)
    by_digits = sorted(numbers[:6000], key=lambda n: (n % 1000, -n))
    words = sorted(map(hex, numbers))
    numbers.sort(reverse=True)
    return numbers[17] + by_digits[9] + len(words[99])


def counting():
    counts, seen, total = {}, set(), 0
    for i in range(50_000):
        key = i * 7919 % 997
        counts[key] = counts.get(key, 0) + i
        seen.add((key, i & 3))
    for key, count in counts.items():
        if (key, 1) in seen:
            total += count % 11
    return total + len(seen)


class Body:
    def __init__(self, x, y, z, mass):
        self.x, self.y, self.z, self.mass = x, y, z, mass
        self.vx = self.vy = self.vz = 0.0

    def pull(self, other, step):
        dx, dy, dz = self.x - other.x, self.y - other.y, self.z - other.z
        square = dx * dx + dy * dy + dz * dz + 0.1
        force = step / (square * sqrt(square))
        self.vx -= dx * other.mass * force
        self.vy -= dy * other.mass * force
        self.vz -= dz * other.mass * force

    def move(self, step):
        self.x += self.vx * step
        self.y += self.vy * step
        self.z += self.vz * step


def bodies():
    system = [Body(i * 1.5, 2.0 - i, i * i * 0.25, 1.0 + i) for i in range(5)]
    for _ in range(800):
        for one in system:
            for other in system:
                if one is not other:
                    one.pull(other, 0.001)
        for one in system:
            one.move(0.01)
    return round(sum(one.x + one.vz for one in system), 6)


def flips():
    """Turns over the first cards of each arrangement of seven until the first is 0, and takes the most turns."""
    cards, count, most = list(range(7)), [0] * 7, 0
    while True:
        hand, turns = cards[:], 0
        while first := hand[0]:
            hand[: first + 1] = hand[first::-1]
            turns += 1
        most = max(most, turns)
        width = 1
        while width < 7:
            cards[: width + 1] = cards[1 : width + 1] + cards[:1]
            count[width] += 1
            if count[width] <= width:
                break
            count[width] = 0
            width += 1
        else:
            return most


KERNELS = {
    kernel.__name__: kernel
    for kernel in (calls, loop, strings, regex, documents, sorting, counting, bodies, flips)
}
