/**
 * What the branch profile is measured on: small programs that together use language and library broadly. Each is
 * run twice, the second time counts, and each counts alike, whatever its length. The result only moves where fuel
 * is charged, so exactness does not matter here.
 */
export const TRAINING: Readonly<Record<string, string>> = {
  recursion: `
def ackermann(m, n):
    if m == 0:
        return n + 1
    return ackermann(m - 1, 1) if n == 0 else ackermann(m - 1, ackermann(m, n - 1))
def hanoi(n, a, b, c):
    return 0 if n == 0 else hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)
ackermann(2, 60), hanoi(13, "a", "b", "c")`,

  loops: `
total, n, steps = 0, 27, 0
for i in range(120_000):
    total = (total + i * 3) & 0xFFFFFF
while steps < 40_000:
    n = 27 if n == 1 else 3 * n + 1 if n % 2 else n // 2
    steps += 1`,

  sieve: `
size = 60_000
flags = bytearray([1]) * (size + 1)
for i in range(2, 245):
    if flags[i]:
        flags[i * i :: i] = bytes(len(range(i * i, size + 1, i)))
primes = [i for i in range(2, size) if flags[i]]
marks = [True] * 5000
for i in range(2, 5000):
    if marks[i]:
        for j in range(i * i, 5000, i):
            marks[j] = False`,

  floats: `
import math
bodies = [[i, 2 * i + 1, 3 * i - 2, 0.1 * i, 0.0, 0.2, 1.0 + i] for i in range(5)]
for _ in range(300):
    for i, p in enumerate(bodies):
        for q in bodies[i + 1 :]:
            dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            d = dx * dx + dy * dy + dz * dz + 0.01
            g = 0.001 / (d * math.sqrt(d))
            p[3] -= dx * q[6] * g
            p[4] -= dy * q[6] * g
            q[3] += dx * p[6] * g
            q[4] += dy * p[6] * g
    for p in bodies:
        p[0] += 0.01 * p[3]
        p[1] += 0.01 * p[4]
        p[2] += 0.01 * p[5]
[f"{p[0]:.6f}" for p in bodies]`,

  math: `
import math, cmath, statistics
total = 0.0
for i in range(1, 6000):
    total += math.sin(i) + math.floor(i / 3) + max(i % 7, i % 5) + round(i ** 0.5, 2) + abs(-i)
    total += math.hypot(i, 1) + math.log2(i) + math.gcd(i, 36) + divmod(i, 7)[1] + pow(i, 3, 11)
statistics.mean(range(2000)), statistics.stdev([1.5, 2.5, 4.0] * 100), cmath.sqrt(-2 + 1j), math.comb(60, 30)`,

  bigNumbers: `
a, b = 0, 1
for _ in range(3000):
    a, b = b, a + b
str(a)[:20], a % 1_000_007, a // 12345678901234567, pow(3, 2000, 10**40 + 7), int("9" * 500) * int("7" * 500)`,

  matrix: `
n = 26
a = [[i + j for j in range(n)] for i in range(n)]
b = [[i - j for j in range(n)] for i in range(n)]
c = [[0] * n for _ in range(n)]
for i in range(n):
    for j in range(n):
        s = 0
        for k in range(n):
            s += a[i][k] * b[k][j]
        c[i][j] = s
[sum(x * y for x, y in zip(row, col)) for row in a for col in zip(*b)]`,

  strings: `
text, total = "", 0
for i in range(15_000):
    text += str(i)
    if len(text) > 2000:
        total += ord(text[i % 1000])
        text = ""
keys = ",".join(f"k{i}" for i in range(5000))
parts = keys.split(",")
"Grüße, 世界 😀" * 50, text[::-1], parts[10:4000:7], "".join(reversed(keys[:500]))`,

  stringMethods: `
words = "The quick brown fox jumps over the lazy dog, again and again".split()
for _ in range(500):
    out = []
    for w in words:
        out += [w.upper().rjust(8, ".")[2:], w.find("o"), w.startswith("a"), w.strip(",").title(), w.replace("a", "bb")]
        out.append(w.isalpha() and w.encode() or w.partition("o"))
    " ".join(map(str, out)).casefold().count("a")
"a\\nb\\r\\nc".splitlines(), "x=1;y=2".rsplit(";", 1), "äöü".encode("latin-1").decode("latin-1"), "%s-%05d" % ("a", 12)`,

  formats: `
rows = []
for i in range(1500):
    rows.append(f"<tr id='r{i}'><td>{i!r:>6}</td><td>{i / 7:10.3f}</td><td>{i:,}</td><td>{i:#x}</td></tr>")
    rows.append("{0} and {name:<10}|{1:e}".format(i, i * 1.5, name="x" * (i % 5)))
    rows.append("%d %s %6.2f" % (i, "abc", i / 3))
str(rows)[:100], repr([1.1, 2.5e300, float("inf"), None, True, b"x", {"a": (1,)}] * 50), str(1e22), repr(0.1)`,

  lists: `
a = list(range(3000))
for i in range(0, 2500, 3):
    a.append(a.pop(i % len(a)))
    a[i % 100], a[-1] = a[-1], a[i % 100]
a.insert(5, 1); a.extend(x for x in a[:100]); del a[10:20]; a.reverse()
b = [x * 2 for x in a if x % 3] + [y for x in range(40) for y in range(x)]
any(x > 10**9 for x in b), all(b), sum(b), min(b), max(b), b.index(100), 55 in b, b.count(4), a[::2] == b[::2]
first, *rest, last = b
list(map(lambda x: x + 1, filter(None, rest))), [*b, *a], list(zip(a, b, range(2000))), sorted(b, reverse=True)[:5]`,

  sorting: `
x, data = 12345, []
for i in range(5000):
    x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    data.append(x)
people = [{"name": f"n{d % 1000}", "age": d % 90, "score": d / 3} for d in data[:1500]]
sorted(data), sorted(map(str, data)), sorted(data, key=lambda d: -d), sorted(d / 7 for d in data)
people.sort(key=lambda p: (p["age"], p["name"]))
import operator, functools
sorted(people, key=operator.itemgetter("score")), max(people, key=lambda p: p["age"])
sorted(data[:400], key=functools.cmp_to_key(lambda a, b: a - b))`,

  dicts: `
counts, index = {}, {}
for i in range(12_000):
    key = f"x{i % 700}"
    counts[key] = counts.get(key, 0) + i
    index.setdefault(i % 97, []).append(i)
    if i % 5 == 0 and key in counts:
        del counts[key]
merged = {**counts, **{k: len(v) for k, v in index.items()}} | {"a": 1}
{v: k for k, v in merged.items()}, sorted(merged.items(), key=lambda kv: str(kv[0])), list(index.values())[:3]
[merged.pop(k, None) for k in list(merged)[:50]], dict(zip("abc", range(3))), len(merged), dict.fromkeys(range(500))
grid = {(i, j): i ^ j for i in range(50) for j in range(50)}
sum(grid[i, j] for i in range(50) for j in range(50))`,

  sets: `
a, b = {i * 7 % 1009 for i in range(2000)}, set(range(0, 1500, 3))
for i in range(4000):
    a.add(i % 911); b.discard(i % 37)
    if i in a and i not in b:
        a.remove(i)
a & b, a | b, a - b, a ^ b, a <= b, frozenset(a), {("x", i) for i in range(300)}, len({str(i) for i in range(900)})`,

  classes: `
class Shape:
    sides = 0
    def __init__(self, name):
        self.name = name
        self._cache = None
    def area(self):
        return 0
    @property
    def label(self):
        return self.name + str(self.sides)
    @classmethod
    def make(cls, *args):
        return cls(*args)
    @staticmethod
    def double(x):
        return 2 * x
    def __repr__(self):
        return f"{type(self).__name__}({self.name})"
    def __eq__(self, other):
        return isinstance(other, Shape) and self.name == other.name
    def __hash__(self):
        return hash(self.name)
class Square(Shape):
    sides = 4
    def __init__(self, size):
        super().__init__("square")
        self.size = size
    def area(self):
        return self.size**2
class Point:
    __slots__ = ("x", "y")
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)
    def __lt__(self, other):
        return (self.x, self.y) < (other.x, other.y)
    def __getitem__(self, i):
        return self.x if i == 0 else self.y
total, p = 0, Point(0, 0)
for i in range(3000):
    s = Square.make(i)
    total += s.area() + len(s.label) + Shape.double(i) + (s == Shape("square")) + getattr(s, "nothing", 1)
    p = p + Point(i, 1)
    total += p[0] + p[1] + p.x
{Square(i): i for i in range(20)}, min(Point(i % 9, i) for i in range(300)), repr([Square(1)] * 9), hasattr(p, "z")`,

  dataclasses: `
from dataclasses import dataclass, field, asdict, replace
from enum import Enum
from typing import NamedTuple, Optional
@dataclass(order=True)
class Item:
    id: int
    name: str = ""
    tags: list = field(default_factory=list)
class Color(Enum):
    RED = 1
    BLUE = 2
class Row(NamedTuple):
    a: int
    b: Optional[str] = None
items = [Item(i % 50, f"n{i}", [i]) for i in range(800)]
sorted(items), [asdict(i) for i in items[:100]], replace(items[0], name="x"), items[3] == items[53]
[Color(1 + i % 2).name for i in range(400)], [Row(i)._replace(b="x").a for i in range(500)], Color["RED"]`,

  generators: `
def numbers(n):
    for i in range(n):
        sent = yield i
        if sent:
            yield sent
def chained(n):
    yield from numbers(n)
    yield from (x * x for x in range(n))
def tree(depth):
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)
sum(chained(8000)), sum(tree(11)), sum(x for x in range(9000) if x & 1)
g = numbers(2000)
next(g)
for i in range(900):
    g.send(i)
for i, (a, b) in enumerate(zip(numbers(3000), range(3000)), start=1):
    pass
list(map(str, numbers(1000))), max(numbers(3000)), dict((x, -x) for x in numbers(500))`,

  closures: `
def counter(start=0):
    n = start
    def step(by=1, *more, scale=1, **options):
        nonlocal n
        n += by * scale + len(more) + len(options)
        return n
    return step
def traced(f):
    def inner(*args, **kwargs):
        return f(*args, **kwargs)
    return inner
c = counter(5)
@traced
def add(a, b=2, *, c=3):
    return a + b + c
total = 0
for i in range(4000):
    total += c(i, scale=2) + c(1, 2, 3, extra=i) + add(i) + add(i, c=1) + (lambda x, y=1: x + y)(i)
from functools import partial, reduce, lru_cache
fib = lru_cache(None)(lambda n: n if n < 2 else fib(n - 1) + fib(n - 2))
fib(150), reduce(lambda a, b: a * b % 1009, range(1, 2000)), [partial(add, 1)(i) for i in range(800)]`,

  exceptions: `
class Failure(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code
from contextlib import contextmanager, suppress
@contextmanager
def scope(log):
    log.append("in")
    try:
        yield log
    finally:
        log.append("out")
log = []
for i in range(1500):
    try:
        with scope(log) as inner:
            if i % 3 == 0:
                raise Failure(i)
            if i % 7 == 0:
                {}["missing"]
            int("12" if i % 5 else "no")
    except Failure as e:
        log.append(e.code)
    except (KeyError, ValueError) as e:
        log.append(str(e))
    else:
        log.append(i)
    with suppress(IndexError):
        [][i]
import traceback
try:
    raise RuntimeError("late") from Failure(1)
except RuntimeError as e:
    text = "".join(traceback.format_exception(e))`,

  coroutines: `
import types
@types.coroutine
def pause(value):
    return (yield value)
class Latch:
    def __await__(self):
        yield "latch"
        return 7
async def work(i):
    total = 0
    for k in range(5):
        total += (await pause(k)) or 0
    return total + i + await Latch()
async def gather(n):
    async def each():
        for i in range(n):
            yield await work(i)
    return [x async for x in each()]
def drive(coroutine):
    value = None
    while True:
        try:
            value = coroutine.send(value if isinstance(value, int) else None)
        except StopIteration as stop:
            return stop.value
sum(drive(gather(400)))`,

  json: `
import json
data = {"items": [{"id": i, "name": f"näme {i}", "tags": ["a", "b\\n", i], "v": i / 3, "ok": i % 2 == 0, "none": None}
                  for i in range(400)]}
for _ in range(3):
    text = json.dumps(data)
    back = json.loads(text)
json.dumps(back, indent=2, sort_keys=True, ensure_ascii=False), json.loads("[1e5, -2, true, \\"\\\\u00e9\\"]")`,

  regex: `
import re
text = "".join(f"user{i}@host{i % 7}.example.com, +49-{i:05d}; 2024-{i % 12 + 1:02d}-{i % 28 + 1:02d} " for i in range(250))
re.findall(r"([a-z]+\\d+)@([\\w.]+)", text), re.sub(r"\\d+", lambda m: str(len(m[0])), text), re.split(r"[,;]\\s*", text)
pattern = re.compile(r"(?P<y>\\d{4})-(?P<m>\\d\\d)-(?P<d>\\d\\d)")
[m.groupdict() for m in pattern.finditer(text)], re.search("(a|b)*c", "ab" * 200), re.fullmatch(r"\\s*\\w+.*", text)
[bool(re.match(r"^[A-Z][a-z]*$", w)) for w in ["Abc", "abc", "A1"] * 300], re.compile("(x+)?(y|z){2,5}?[^abc]").pattern`,

  collections: `
from collections import Counter, defaultdict, deque, OrderedDict, ChainMap
import itertools, heapq, bisect
c = Counter("the quick brown fox jumps over the lazy dog" * 40)
c.update(c); c.most_common(5)
d = defaultdict(list)
for i in range(5000):
    d[i % 83].append(i)
q = deque(maxlen=200)
for i in range(5000):
    q.append(i)
    if i % 3 == 0:
        q.popleft()
heap = []
for i in range(2500):
    heapq.heappush(heap, (i * 7919 % 2503, i))
[heapq.heappop(heap) for _ in range(2500)], heapq.nsmallest(5, d), bisect.bisect([1, 5, 9], 4)
list(itertools.islice(itertools.chain.from_iterable(d.values()), 900)), list(itertools.permutations(range(6)))[:3]
[(k, len(list(g))) for k, g in itertools.groupby(sorted(x % 9 for x in range(900)))]
list(itertools.product("ab", repeat=7)), list(itertools.accumulate(range(700))), ChainMap({}, {"a": 1})["a"]`,

  datesAndText: `
import datetime, textwrap, string, decimal, fractions, uuid, calendar
start = datetime.datetime(2024, 1, 30, 12, 0, tzinfo=datetime.timezone.utc)
for i in range(300):
    t = start + datetime.timedelta(days=i, minutes=7 * i)
    t.isoformat(), t.strftime("%Y-%m-%d %H:%M"), t.weekday(), (t - start).total_seconds(), t.date() < start.date()
datetime.datetime.fromisoformat("2024-05-06T07:08:09+02:00"), datetime.datetime.strptime("06.05.2024", "%d.%m.%Y")
textwrap.fill("lorem ipsum dolor sit amet " * 20, 40), string.Template("$a $b").substitute(a=1, b=2)
sum((decimal.Decimal(i) / 7 for i in range(60)), decimal.Decimal()), sum(fractions.Fraction(1, i) for i in range(1, 40))
str(uuid.UUID(int=12345)), calendar.monthrange(2024, 2)`,

  bytes: `
import base64, hashlib, hmac, struct, zlib, io, binascii, random
blob = bytes(i * 7 % 256 for i in range(6000))
base64.b64decode(base64.b64encode(blob)), zlib.decompress(zlib.compress(blob * 3)), binascii.hexlify(blob), zlib.crc32(blob)
[hashlib.new(n, blob).hexdigest() for n in ("md5", "sha1", "sha256", "sha512", "blake2b")], hmac.digest(b"k", blob, "sha256")
out = bytearray()
for i in range(700):
    out += struct.pack("<IhQd", i, -i, i * i, i / 3)
[struct.unpack_from("<IhQd", out, 22 * i)[0] for i in range(700)], out.find(b"\\x01\\x00"), bytes(out)[::3], out.hex()[:9]
buffer = io.BytesIO(blob); buffer.read(10); buffer.seek(0, 2); memoryview(blob)[5:900].tobytes()
text = io.StringIO()
for i in range(800):
    text.write(f"line {i}\\n")
text.seek(0)
sum(len(line) for line in text)
r = random.Random(5)
[r.random() for _ in range(900)], [r.randint(0, 99) for _ in range(500)], r.shuffle(list(range(300))), r.sample(range(99), 5)`,

  tables: `
import csv, io, sqlite3, xml.etree.ElementTree as tree, html, urllib.parse
file = io.StringIO()
writer = csv.DictWriter(file, ["a", "b", "c"])
writer.writeheader()
for i in range(400):
    writer.writerow({"a": i, "b": f"x, {i}", "c": i / 4})
file.seek(0)
rows = list(csv.DictReader(file))
db = sqlite3.connect(":memory:")
db.execute("create table t(a integer primary key, b text, c real)")
db.executemany("insert into t values (?, ?, ?)", [(int(r["a"]), r["b"], float(r["c"])) for r in rows])
db.execute("select b, sum(c), count(*) from t where a % 3 = 1 group by length(b) order by 2 desc limit 5").fetchall()
[db.execute("select c from t where a = ?", (i,)).fetchone() for i in range(150)]
root = tree.fromstring("<r>" + "".join(f"<i n='{i}'>t{i}</i>" for i in range(250)) + "</r>")
[e.get("n") for e in root.iter("i")], tree.tostring(root), html.escape("<a & b>" * 50), html.unescape("&lt;&amp;")
urllib.parse.urlsplit("https://a.example:80/p?q=1#f"), urllib.parse.quote("ä b"), urllib.parse.parse_qs("a=1&b=2&a=3")`,

  parsing: `
source = "let total = (price * 3.5 + tax) / 100 - offset; print(total) // 2 <= limit " * 25
tokens, i = [], 0
while i < len(source):
    ch = source[i]
    if ch.isspace():
        i += 1
    elif ch.isalpha() or ch == "_":
        j = i
        while j < len(source) and (source[j].isalnum() or source[j] == "_"):
            j += 1
        tokens.append(("name", source[i:j]))
        i = j
    elif ch.isdigit():
        j = i
        while j < len(source) and (source[j].isdigit() or source[j] == "."):
            j += 1
        tokens.append(("number", float(source[i:j])))
        i = j
    elif source[i : i + 2] in ("<=", "//"):
        tokens.append(("op", source[i : i + 2]))
        i += 2
    else:
        tokens.append(("op", ch))
        i += 1
def visit(node):
    match node:
        case ("name", str(n)):
            return len(n)
        case ("number", float(x)) if x > 1:
            return int(x)
        case (kind, _):
            return len(kind)
sum(map(visit, tokens))`,

  graph: `
import heapq
edges = {i: [((i * 7 + k * 13) % 400, 1 + (i * k) % 9) for k in range(5)] for i in range(400)}
distance, queue = {0: 0}, [(0, 0)]
while queue:
    d, node = heapq.heappop(queue)
    if d > distance.get(node, 1 << 30):
        continue
    for neighbour, weight in edges[node]:
        nd = d + weight
        if nd < distance.get(neighbour, 1 << 30):
            distance[neighbour] = nd
            heapq.heappush(queue, (nd, neighbour))
seen, stack = set(), [0]
while stack:
    node = stack.pop()
    if node not in seen:
        seen.add(node)
        stack.extend(n for n, _ in edges[node])
best = [[0] * 81 for _ in range(81)]
a, b = "kitten sitting on the mat" * 3, "sitting kitten at the mat" * 3
for i, x in enumerate(a, 1):
    for j, y in enumerate(b, 1):
        best[i][j] = best[i - 1][j - 1] + 1 if x == y else max(best[i - 1][j], best[i][j - 1])`,

  queens: `
def solve(n, row=0, columns=0, left=0, right=0):
    if row == n:
        return 1
    free, found = ((1 << n) - 1) & ~(columns | left | right), 0
    while free:
        bit = free & -free
        free ^= bit
        found += solve(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1)
    return found
def place(board, row, n):
    if row == n:
        return 1
    return sum(place(board + [c], row + 1, n) for c in range(n)
               if all(c != b and abs(c - b) != row - r for r, b in enumerate(board)))
solve(8), place([], 0, 6)`,

  copies: `
import copy, pickle, gc, weakref
class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next
nested = {"a": [{"b": (i, str(i), [i])} for i in range(200)]}
copy.deepcopy(nested), copy.copy(nested), pickle.loads(pickle.dumps(nested))
head = None
for i in range(3000):
    head = Node(i, head)
total = 0
while head:
    total += head.value
    head = head.next
for i in range(300):
    a = Node(1); a.next = Node(2, a)
gc.collect()
cache = weakref.WeakValueDictionary()
kept = [Node(i) for i in range(200)]
for n in kept:
    cache[n.value] = n`,

  compiling: `
import ast, inspect
text = "\\n".join(f'''
def f{i}(a, b={i}, *args, **kw):
    "doc"
    for x in range(a):
        if x % 2 and b:
            yield x * b + len(args)
    try:
        return [y for y in kw if y]
    except ValueError as e:
        raise RuntimeError from e
class C{i}(object):
    x: int = {i}
    def m(self): return self.x @ 1 if self else not None
''' for i in range(12)).replace("\\n    ", "\\n")
names = {}
exec(compile(text, "t.py", "exec"), names)
ast.literal_eval("{'a': [1, 2.5, (None, True)], 'b': b'x'}"), [eval("a + 1", {"a": i}) for i in range(150)]
inspect.signature(names["f1"]), sum(1 for _ in ast.walk(ast.parse(text)))`,

  modules: `
import sys, importlib
for name in ("configparser", "argparse", "shlex", "difflib", "colorsys"):
    for known in [m for m in sys.modules if m == name]:
        del sys.modules[known]
    importlib.import_module(name)
import pathlib, os.path, logging, argparse, difflib
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, default=3)
[parser.parse_args(["--n", "5"]).n for _ in range(15)], list(difflib.unified_diff(["a", "b"] * 20, ["a", "c"] * 20))
[str(pathlib.PurePosixPath("/a/b") / f"c{i}.txt") for i in range(200)], os.path.join("a", "../b"), pathlib.PurePath("x.py").suffix`,
};
