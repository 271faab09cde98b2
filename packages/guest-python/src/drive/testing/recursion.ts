/** Programs that nest deeper than any stack, in Python and in the C code of the engine. */

/** What each of them may use. */
const PRELUDE = `
import ast, collections, copy, functools, itertools, json, operator, pickle, re, sys
DEEP = 40_000
def nested(make, value, n=DEEP):
    for _ in range(n):
        value = make(value)
    return value
`;

/** Recursion without end, or as deep as memory. All of it can be caught. */
const ENDLESS: Readonly<Record<string, string>> = {
  function: "def f(): f()\nf()",
  limitRaised: "sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
  method: "class A:\n  def f(self): return self.f()\nA().f()",
  lambdas: "f = lambda x: f(x) + 1\nf(1)",
  generatorExpression: "def f(n): return sum(f(n) for _ in (1,))\nf(1)",
  getattr: "class A:\n  def __getattr__(self, name): return getattr(self, name + 'x')\nA().a",
  getattribute: "class A:\n  def __getattribute__(self, name): return getattr(self, name)\nA().a",
  setattr: "class A:\n  def __setattr__(self, name, v): setattr(self, name, v)\nA().a = 1",
  property: "class A:\n  @property\n  def a(self): return self.a\nA().a",
  descriptor: "class D:\n  def __get__(self, o, t): return o.x\nclass A: x = D()\nA().x",
  getitem: "class A:\n  def __getitem__(self, i): return self[i]\nA()[0]",
  call: "class A:\n  def __call__(self): return self()\nA()()",
  callChain: "class A: pass\nA.__call__ = A()\nA()()",
  repr: "class A:\n  def __repr__(self): return repr(self)\nrepr(A())",
  str: "class A:\n  def __str__(self): return str(self)\nstr(A())",
  format: "class A:\n  def __format__(self, s): return format(self, s)\nf'{A()}'",
  hash: "class A:\n  def __hash__(self): return hash(self)\n{A()}",
  eq: "class A:\n  def __eq__(self, o): return [self] == [A()]\nA() == 1",
  lessThan: "class A:\n  def __lt__(self, o): return sorted([A(), A()])\nsorted([A(), A()])",
  sortKey: "def key(x): return sorted([1, 2], key=key)\nkey(1)",
  minKey: "def key(x): return min([1, 2], key=key)\nkey(1)",
  add: "class A:\n  def __add__(self, o): return self + o\n  __radd__ = __add__\nA() + 1",
  bool: "class A:\n  def __bool__(self): return not A()\nnot A()",
  len: "class A:\n  def __len__(self): return len(self)\nlen(A())",
  contains: "class A:\n  def __contains__(self, x): return x in self\n1 in A()",
  iter: "class A:\n  def __iter__(self): return iter(self)\niter(A())",
  next: "class A:\n  def __iter__(self): return self\n  def __next__(self): return next(self)\nlist(A())",
  index: "class A:\n  def __index__(self): return operator.index(self)\n[1][A()]",
  int: "class A:\n  def __int__(self): return int(self)\nint(A())",
  instancecheck:
    "class M(type):\n  def __instancecheck__(c, o): return isinstance(o, c)\nclass A(metaclass=M): pass\nisinstance(1, A)",
  subclasshook:
    "import abc\nclass A(abc.ABC):\n  @classmethod\n  def __subclasshook__(c, o): return issubclass(o, c)\nissubclass(int, A)",
  newClass: "class A:\n  def __new__(c): return c()\nA()",
  init: "class A:\n  def __init__(self): A()\nA()",
  initSubclass: "class A:\n  def __init_subclass__(c): type('B', (c,), {})\nclass B(A): pass",
  metaclass: "class M(type):\n  def __call__(c): return c()\nclass A(metaclass=M): pass\nA()",
  mapOfMap: "m = lambda x: list(map(m, [x]))\nm(1)",
  filterOfFilter: "m = lambda x: list(filter(m, [x]))\nm(1)",
  reduce: "m = lambda a, b: functools.reduce(m, [1, 2, 3])\nm(1, 2)",
  partial: "p = functools.partial(lambda: p())\np()",
  lruCache: "@functools.lru_cache(None)\ndef f(n): return f(n + 1)\nf(0)",
  cachedProperty: "class A:\n  @functools.cached_property\n  def a(self): return A().a\nA().a",
  singledispatch: "@functools.singledispatch\ndef f(x): return f(x)\nf(1)",
  execEndless: "s = 'exec(s)'\nexec(s)",
  evalEndless: "s = 'eval(s)'\neval(s)",
  finallyEndless: "def f():\n  try: f()\n  finally: f()\nf()",
  exceptEndless: "def f():\n  try: 1 / 0\n  except ZeroDivisionError: f()\nf()",
  raiseInExcept: "def f():\n  try: f()\n  except RecursionError: f()\nf()",
  withEndless:
    "class A:\n  def __enter__(self):\n    with A(): pass\n  def __exit__(self, *a): pass\nwith A(): pass",
  yieldFrom: "def g():\n  yield from g()\nlist(g())",
  yieldFromDeep: "def g(n):\n  if n: yield from g(n - 1)\n  yield n\nlist(g(DEEP))",
  generatorSend: "def g():\n  yield next(g())\nnext(g())",
  coroutine: "async def f(): await f()\nf().send(None)",
  coroutineAwait:
    "class A:\n  def __await__(self): return (yield from A().__await__())\nasync def f(): await A()\nf().send(None)",
  asyncGenerator:
    "async def f():\n  async for x in f(): yield x\nasync def g():\n  async for x in f(): pass\ng().send(None)",
  asyncio: "import asyncio\nasync def f(): await f()\nasyncio.run(f())",
  comprehension: "def f(): return [f() for _ in (1,)]\nf()",
  decorators: "class A:\n  def __get__(self, o, t=None): return getattr(o, 'm')()\nclass B: m = A()\nB().m",
  traceFunction:
    "def t(*a): return f()\ndef f(): t()\nsys.setprofile(t)\ntry: f()\nfinally: sys.setprofile(None)",
  excepthook: "class E(Exception):\n  def __str__(self): return str(self)\nstr(E())",
  missing: "class D(dict):\n  def __missing__(self, k): return self[k]\nD()[1]",
  defaultdict: "d = collections.defaultdict(lambda: d[object()])\nd[1]",
  userdict:
    "class D(collections.UserDict):\n  def __getitem__(self, k): return self.data.get(k) or self[k]\nD()[1]",
  reSub: "f = lambda m: re.sub('a', f, 'a')\nf(None)",
  jsonDefault: "def d(o): return json.dumps(o, default=d)\njson.dumps(object(), default=d)",
  jsonDefaultNew: "json.dumps(object(), default=lambda o: object())",
  jsonHook: "def h(o): return json.loads('{}', object_hook=h)\njson.loads('{}', object_hook=h)",
  deepcopyHook: "class A:\n  def __deepcopy__(self, m): return copy.deepcopy(A(), m)\ncopy.deepcopy(A())",
  pickleReduce: "class A:\n  def __reduce__(self): return (list, ([A()],))\npickle.dumps(A())",
  pickleState: "class A:\n  def __getstate__(self): return A()\npickle.dumps(A())",
  getstate: "class A:\n  def __reduce_ex__(self, p): return copy.copy(self)\ncopy.copy(A())",
  struct:
    "import struct\nclass A:\n  def __index__(self): return struct.pack('i', A())\nstruct.pack('i', A())",
  bytesOf: "class A:\n  def __bytes__(self): return bytes(self)\nbytes(A())",
  buffer: "class A:\n  def __buffer__(self, f): return memoryview(self)\nmemoryview(A())",
  fspath: "import os\nclass A:\n  def __fspath__(self): return os.fspath(self)\nos.fspath(A())",
  round: "class A:\n  def __round__(self, n=None): return round(self)\nround(A())",
  dirOf: "class A:\n  def __dir__(self): return dir(self)\ndir(A())",
  sizeof: "class A:\n  def __sizeof__(self): return sys.getsizeof(self)\nsys.getsizeof(A())",
  importHook:
    "import importlib\nclass F:\n  @staticmethod\n  def find_spec(name, *a): return importlib.import_module(name + 'x')\nsys.meta_path.insert(0, F)\nimportlib.import_module('zzz')",
  warnings:
    "import warnings\nwarnings.showwarning = lambda *a, **k: warnings.warn('again')\nwarnings.simplefilter('always')\nwarnings.warn('x')",
  sqliteFunction:
    "import sqlite3\nc = sqlite3.connect(':memory:')\ndef f(): return c.execute('select f()').fetchone()\nc.create_function('f', 0, f)\nf()",
  sqliteTrigger:
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.executescript('pragma recursive_triggers=on; create table t(x); create trigger r after insert on t begin insert into t values (new.x + 1); end;')\nc.execute('insert into t values (1)')",
  expatHandler:
    "import pyexpat\ndef h(*a):\n  p = pyexpat.ParserCreate()\n  p.StartElementHandler = h\n  p.Parse('<a/>')\nh()",
  codecErrors:
    "import codecs\ncodecs.register_error('again', lambda e: 'é'.encode('ascii', 'again'))\n'é'.encode('ascii', 'again')",
  contextmanager:
    "import contextlib\n@contextlib.contextmanager\ndef m():\n  with m(): yield\nwith m(): pass",
  exitStack: "import contextlib\ndef f():\n  with contextlib.ExitStack() as s: s.callback(f)\nf()",
  dataclassRepr:
    "import dataclasses\n@dataclasses.dataclass\nclass A:\n  a: object\nx = A(None)\ndef f(): return repr(A(B()))\nclass B:\n  def __repr__(self): return f()\nf()",
  enumMissing:
    "import enum\nclass E(enum.Enum):\n  A = 1\n  @classmethod\n  def _missing_(c, v): return c(v)\nE(2)",
  namedtuple:
    "T = collections.namedtuple('T', 'a')\nclass A:\n  def __repr__(self): return repr(T(A()))\nrepr(T(A()))",
  decimalHook:
    "import decimal\nclass D(decimal.Decimal):\n  def __add__(self, o): return D(1) + D(2)\nD(1) + D(2)",
  fraction:
    "import fractions\nclass F(fractions.Fraction):\n  def __eq__(self, o): return F(1) == F(2)\nF(1) == F(1)",
  matchPattern:
    "class M(type):\n  @property\n  def __match_args__(c): return f(c())\nclass A(metaclass=M): pass\ndef f(x):\n  match x:\n    case A(y): return y\nf(A())",
  slots: "class A:\n  __slots__ = ('a',)\n  def __getattr__(self, n): return self.a\nA().b",
  superCall: "class A:\n  def f(self): return super(B, B()).f()\nclass B(A): pass\nB().f()",
  typingGeneric: "import typing\nclass A:\n  def __class_getitem__(c, k): return c[k]\nA[int]",
  heapq:
    "import heapq\nclass A:\n  def __lt__(self, o):\n    heapq.heappush([A()], A())\n    return True\nheapq.heappush([A()], A())",
  bisect:
    "import bisect\nclass A:\n  def __lt__(self, o): return bisect.bisect([A()], A())\nbisect.bisect([A()], A())",
  groupby: "def k(x): return list(itertools.groupby([1], k))\nk(1)",
  accumulate: "def k(a, b): return list(itertools.accumulate([1, 2], k))\nk(1, 2)",
  arrayOf:
    "import array\nclass A:\n  def __index__(self): return array.array('i', [A()])[0]\narray.array('i', [A()])",
  deque:
    "class A:\n  def __eq__(self, o): return A() in collections.deque([A()])\nA() in collections.deque([A()])",
  orderedDict:
    "class A:\n  def __hash__(self): return 1\n  def __eq__(self, o): return collections.OrderedDict({A(): 1}) == collections.OrderedDict({A(): 1})\nA() == A()",
  hashCollision:
    "class A:\n  def __hash__(self): return 1\n  def __eq__(self, o): return A() in {A()}\nA() in {A()}",
  printFile: "class F:\n  def write(self, s): print(s, file=self)\nprint('x', file=F())",
  stdoutReplaced:
    "class F:\n  def write(self, s): print(s)\n  def flush(self): pass\nold = sys.stdout\nsys.stdout = F()\ntry: print('x')\nfinally: sys.stdout = old",
  ioRaw:
    "import io\nclass R(io.RawIOBase):\n  def readable(self): return True\n  def readinto(self, b): return io.BufferedReader(R()).readinto(b)\nio.BufferedReader(R()).read(1)",
  compileHook:
    "class A(ast.NodeTransformer):\n  def visit(self, n): return self.visit(n)\nA().visit(ast.parse('1'))",
  unittestMock: "from unittest import mock\nm = mock.MagicMock()\nm.side_effect = lambda *a: m()\nm()",
  argparseType:
    "import argparse\ndef t(s):\n  p = argparse.ArgumentParser()\n  p.add_argument('x', type=t)\n  return p.parse_args(['1'])\nt('1')",
  loggingHandler:
    "import logging\nclass H(logging.Handler):\n  def emit(self, r): logging.warning('x')\nlogging.getLogger().addHandler(H())\nlogging.warning('x')",
};

/** Values nested DEEP times, and what goes through them; success is as good as an error that can be caught. */
const DEEP: Readonly<Record<string, string>> = {
  reprList: "repr(nested(lambda a: [a], []))",
  reprTuple: "repr(nested(lambda a: (a,), ()))",
  reprDict: "repr(nested(lambda a: {1: a}, {}))",
  reprDeque: "repr(nested(lambda a: collections.deque([a]), 1))",
  reprOrdered: "repr(nested(lambda a: collections.OrderedDict(x=a), 1))",
  reprPartial: "repr(nested(lambda a: functools.partial(a), print))",
  reprException: "repr(nested(lambda a: Exception(a), Exception()))",
  reprSlice: "repr(nested(lambda a: slice(a), 1))",
  reprGenericAlias: "repr(nested(lambda a: list[a], int, 20000))",
  reprUnion: "import typing\nrepr(nested(lambda a: typing.Optional[list[a]], int, 3000))",
  reprMappingProxy: "import types\nrepr(nested(lambda a: types.MappingProxyType({1: a}), {}))",
  reprNamespace: "import types\nrepr(nested(lambda a: types.SimpleNamespace(a=a), 1))",
  reprMethod:
    "class A:\n  def f(self): pass\nimport types\nrepr(nested(lambda a: types.MethodType(A.f, a), A()))",
  strException: "str(nested(lambda a: Exception(a), Exception()))",
  equalLists: "nested(lambda a: [a], []) == nested(lambda a: [a], [])",
  equalTuples: "nested(lambda a: (a,), ()) == nested(lambda a: (a,), ())",
  equalDicts: "nested(lambda a: {1: a}, {}) == nested(lambda a: {1: a}, {})",
  equalDeques: "nested(lambda a: collections.deque([a]), 1) == nested(lambda a: collections.deque([a]), 1)",
  lessLists: "nested(lambda a: [a], []) < nested(lambda a: [a], [1])",
  hashFrozenset: "hash(nested(lambda a: frozenset([a]), frozenset()))",
  isinstanceTuple: "isinstance(1, nested(lambda a: (a,), str))",
  issubclassTuple: "issubclass(int, nested(lambda a: (a,), str))",
  isinstanceUnion:
    "isinstance(1, nested(lambda a: a | list[int] if False else a | type('A', (), {}), str, 3000))",
  exceptTuple: "try: 1 / 0\nexcept nested(lambda a: (a,), ValueError): pass",
  jsonLoadsList: "json.loads('[' * DEEP)",
  jsonLoadsClosed: "json.loads('[' * DEEP + ']' * DEEP)",
  jsonLoadsDict: "json.loads('{\"a\":' * DEEP)",
  jsonDumpsList: "json.dumps(nested(lambda a: [a], []))",
  jsonDumpsDict: "json.dumps(nested(lambda a: {'a': a}, {}))",
  jsonDumpsIndent: "json.dumps(nested(lambda a: [a], []), indent=1)",
  jsonDumpsPython:
    "json.dumps(nested(lambda a: [a], []), cls=type('E', (json.JSONEncoder,), {'default': lambda s, o: 1}), skipkeys=True)",
  jsonPurePython:
    "import json.encoder as e, json.decoder as d, json.scanner as s\nx = d.JSONDecoder()\nx.scan_once = s.py_make_scanner(x)\nx.parse_array = d.JSONArray\nx.decode('[' * DEEP)",
  marshalDumps: "import marshal\nmarshal.dumps(nested(lambda a: [a], []))",
  marshalDeepLoads: "import marshal\nmarshal.loads(b'[\\x01\\0\\0\\0' * DEEP + b'N')",
  pickleList: "pickle.dumps(nested(lambda a: [a], []))",
  picklePython: "pickle._dumps(nested(lambda a: [a], []))",
  pickleLoadsDeep: "pickle.loads(b'(' * DEEP + b'l' * DEEP + b'.')",
  pickleTuples: "pickle.loads(b'N' + b'\\x85' * 1000000 + b'.')",
  pickleObjects:
    "class A: pass\ndef make(a):\n  x = A()\n  x.a = a\n  return x\nA.__module__ = '__main__'\nimport __main__\n__main__.A = A\npickle.dumps(nested(make, None))",
  deepcopyList: "copy.deepcopy(nested(lambda a: [a], []))",
  deepcopyDict: "copy.deepcopy(nested(lambda a: {1: a}, {}))",
  copyReplace: "copy.copy(nested(lambda a: [a], []))",
  compileParentheses: "compile('(' * 5000 + ')' * 5000, 'x', 'eval')",
  compileBrackets: "compile('[' * 5000 + ']' * 5000, 'x', 'eval')",
  compileMinus: "eval('-' * DEEP + '1')",
  compileNot: "eval('not ' * DEEP + '1')",
  compilePower: "compile('1' + '**1' * DEEP, 'x', 'eval')",
  compilePlus: "compile('1' + '+1' * DEEP, 'x', 'eval')",
  compileAttributes: "compile('a' + '.a' * DEEP, 'x', 'eval')",
  compileCalls: "compile('a' + '()' * DEEP, 'x', 'eval')",
  compileSubscripts: "compile('a' + '[0]' * DEEP, 'x', 'eval')",
  compileLambdas: "compile('lambda: ' * 20000 + '1', 'x', 'eval')",
  compileConditional: "compile('1 if 1 else ' * 20000 + '1', 'x', 'eval')",
  compileIf: "compile('\\n'.join(' ' * i + 'if 1:' for i in range(99)) + ' pass', 'x', 'exec')",
  compileElif: "compile('if 1: pass\\n' + 'elif 1: pass\\n' * 20000, 'x', 'exec')",
  compileTry: "compile('\\n'.join(' ' * i + 'try:' for i in range(99)), 'x', 'exec')",
  compileComprehension: "compile('[' * 500 + 'x' + ' for x in y]' * 500, 'x', 'eval')",
  compileDecorators: "compile('@a\\n' * DEEP + 'def f(): pass', 'x', 'exec')",
  compileFstring: "s = '1'\nfor _ in range(12): s = 'f\"{' + s + '}\"'\ncompile(s, 'x', 'eval')",
  compileStrings: "compile('\"a\" ' * DEEP, 'x', 'eval')",
  compileCompare: "compile('1' + '<1' * DEEP, 'x', 'eval')",
  compileAnd: "compile('1' + ' and 1' * DEEP, 'x', 'eval')",
  compileStarred: "compile('a' + ' = a' * DEEP, 'x', 'exec')",
  compileMatch: "compile('match x:\\n case ' + '[' * 3000 + ']' * 3000 + ': pass', 'x', 'exec')",
  compileTypeParams: "compile('def f[' + ','.join(f'T{i}' for i in range(5000)) + '](): pass', 'x', 'exec')",
  literalEval: "ast.literal_eval('[' * 3000 + ']' * 3000)",
  literalEvalMinus: "ast.literal_eval('-' * 50000 + '1')",
  literalEvalSum: "ast.literal_eval('1' + '+1j' * 50000)",
  astParse: "ast.parse('-' * DEEP + '1')",
  astBuilt:
    "compile(ast.Expression(ast.fix_missing_locations(nested(lambda a: ast.UnaryOp(ast.USub(), a), ast.Constant(1), 50000))), 'x', 'eval')",
  astUnparse: "ast.unparse(nested(lambda a: ast.UnaryOp(ast.USub(), a), ast.Constant(1), 50000))",
  astDump: "ast.dump(nested(lambda a: ast.UnaryOp(ast.USub(), a), ast.Constant(1), 50000))",
  astWalk: "sum(1 for _ in ast.walk(nested(lambda a: ast.UnaryOp(ast.USub(), a), ast.Constant(1), 50000)))",
  symtable: "import symtable\nsymtable.symtable('lambda: ' * 20000 + '1', 'x', 'eval')",
  reCompile: "re.compile('(' * 20000 + ')' * 20000)",
  reCompileNonCapture: "re.compile('(?:' * 20000 + 'a' + ')*' * 20000)",
  reMatchNested: "re.match('(?:' * 300 + 'a' + ')*' * 300, 'a' * 100)",
  reLookahead: "re.compile('(?=' * 20000 + ')' * 20000)",
  reManyAlternatives: "re.compile('|'.join(['a'] * 20000)).match('b')",
  reLongMatch: "re.match('(a|b)*', 'ab' * 500000)",
  reLongLazy: "re.match('(?:a|b)*?c', 'ab' * 500000)",
  generatorsNested: "g = iter([1])\nfor _ in range(DEEP): g = (x for x in g)\nlist(g)",
  teeNested: "next(nested(lambda a: itertools.tee(a)[0], [1]))",
  reversedNested: "list(nested(lambda a: iter(a), [1]))",
  productNested: "next(nested(lambda a: itertools.product(a), [1]))",
  partialChain: "nested(lambda a: functools.partial(a, 1), print)",
  partialWrapped: "class P(functools.partial): pass\ndef w(f): return P(f)\nnested(w, lambda: 1)()",
  partialMethod: "nested(lambda a: functools.partialmethod(a), print)",
  attrgetterDotted: "operator.attrgetter('a' + '.a' * DEEP)(None)",
  attrgetterChain: "class A: pass\na = A()\na.a = a\noperator.attrgetter('a' + '.a' * DEEP)(a)",
  methodcallerChain: "nested(lambda a: operator.methodcaller('__call__', a), 1)(print)",
  wrapperChain:
    "def w(f):\n  @functools.wraps(f)\n  def g(): return f()\n  return g\nf = nested(w, lambda: 1)\nimport inspect\ninspect.unwrap(f)",
  strFormatNested: "('{' + ':{' * 3 + '}' * 3 + '}').format(*range(9))",
  strFormatAttributes: "('{0' + '.a' * DEEP + '}').format(1)",
  strFormatBraces: "('{' * DEEP).format(1)",
  strFormatIndex:
    "class A:\n  def __getitem__(self, i): return self\n('{0' + '[0]' * DEEP + '}').format(A())",
  percentFormat:
    "('%' + '(' * DEEP + 'a' + ')' * DEEP + 's') % {'(' * (DEEP - 1) + 'a' + ')' * (DEEP - 1): 1}",
  unicodeNormalise: "import unicodedata\nlen(unicodedata.normalize('NFC', 'e' + '\\u0301' * DEEP))",
  unicodeNormaliseMixed: "import unicodedata\nlen(unicodedata.normalize('NFD', '\\u0344' * DEEP))",
  structMany: "import struct\nstruct.calcsize('i' * DEEP)",
  structRepeat: "import struct\nstruct.pack('999999999i')",
  bases: "A = object\nfor i in range(3000): A = type('A', (A,), {})\nA().x",
  basesSuper:
    "class A:\n  def f(self): return 1\nB = A\nfor i in range(3000):\n  B = type('B', (B,), {})\n  B.f = (lambda C: lambda self: super(C, self).f())(B)\nB().f()",
  subclassesDeep:
    "import abc\nA = abc.ABC\nfor i in range(2000): A = abc.ABCMeta('A', (A,), {})\nisinstance(1, A)\nissubclass(int, abc.ABC)",
  xmlNested: "import xml.etree.ElementTree as E\nE.tostring(E.fromstring('<a>' * 50000 + '</a>' * 50000))",
  xmlIter:
    "import xml.etree.ElementTree as E\nsum(1 for _ in E.fromstring('<a>' * 50000 + '</a>' * 50000).iter())",
  xmlFind:
    "import xml.etree.ElementTree as E\nE.fromstring('<a>' * 20000 + '</a>' * 20000).find('/'.join('a' * 10000))",
  xmlCopy: "import xml.etree.ElementTree as E\ncopy.deepcopy(E.fromstring('<a>' * 50000 + '</a>' * 50000))",
  xmlItertext:
    "import xml.etree.ElementTree as E\n''.join(E.fromstring('<a>' * 20000 + 'x' + '</a>' * 20000).itertext())",
  xmlIndent: "import xml.etree.ElementTree as E\nE.indent(E.fromstring('<a>' * 5000 + '</a>' * 5000))",
  xmlPickle: "import xml.etree.ElementTree as E\npickle.dumps(E.fromstring('<a>' * 50000 + '</a>' * 50000))",
  xmlSelf: "import xml.etree.ElementTree as E\na = E.Element('a')\na.append(a)\nE.tostring(a)",
  minidom: "from xml.dom import minidom\nminidom.parseString('<a>' * 5000 + '</a>' * 5000).toxml()",
  expatNested: "import pyexpat\npyexpat.ParserCreate().Parse('<a>' * 500000)",
  expatEntities:
    "import pyexpat\np = pyexpat.ParserCreate()\np.Parse('<!DOCTYPE a [<!ENTITY e0 \"x\">' + ''.join(f'<!ENTITY e{i} \"&e{i - 1};&e{i - 1};\">' for i in range(1, 40)) + ']><a>&e39;</a>')",
  expatDtd:
    "import pyexpat\np = pyexpat.ParserCreate()\np.ElementDeclHandler = lambda *a: None\np.Parse('<!DOCTYPE a [<!ELEMENT a ' + '(' * 20000 + 'b' + ')' * 20000 + '>]><a/>')",
  htmlNested: "from html.parser import HTMLParser\nHTMLParser().feed('<a>' * DEEP)",
  sqliteExpression:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select ' + '(' * 50000 + '1' + ')' * 50000)",
  sqliteDeepPlus: "import sqlite3\nsqlite3.connect(':memory:').execute('select 1' + '+1' * 5000)",
  sqliteNot: "import sqlite3\nsqlite3.connect(':memory:').execute('select ' + 'not ' * 900 + '1').fetchall()",
  sqliteSubselect:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select * from ' + '(select * from ' * 500 + '(select 1)' + ')' * 500)",
  sqliteViews:
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create view v0 as select 1 as x')\nfor i in range(1, 500): c.execute(f'create view v{i} as select x + 1 as x from v{i - 1}')\nc.execute('select * from v499').fetchall()",
  sqliteRecursive:
    "import sqlite3\nsqlite3.connect(':memory:').execute('with recursive r(x) as (select 1 union all select x + 1 from r limit 100000) select count(*) from r').fetchall()",
  sqliteUnion:
    "import sqlite3\nsqlite3.connect(':memory:').execute(' union all '.join(['select 1'] * 500)).fetchall()",
  sqliteLike:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select ? like ?', ('a' * 2000, '%a' * 2000 + 'b')).fetchall()",
  sqliteGlob:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select ? glob ?', ('a' * 300, '*a' * 12 + 'b')).fetchall()",
  sqliteJson:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select json(?)', ('[' * 50000 + ']' * 50000,)).fetchall()",
  tomlNested: "import tomllib\ntomllib.loads('a = ' + '[' * 20000 + ']' * 20000)",
  tomlDotted: "import tomllib\ntomllib.loads('a' + '.a' * 20000 + ' = 1')",
  configInterpolation:
    "import configparser\nc = configparser.ConfigParser()\nc.read_dict({'s': {f'k{i}': f'%(k{i + 1})s' for i in range(500)}})\nc['s']['k0']",
  textwrapLong: "import textwrap\ntextwrap.wrap('a ' * 20000)",
  pprintDeep: "import pprint\npprint.pformat(nested(lambda a: [a], []))",
  reprlibDeep: "import reprlib\nreprlib.repr(nested(lambda a: [a], []))",
  exceptionContext:
    "e = None\nfor i in range(DEEP):\n  x = ValueError(i)\n  x.__context__ = e\n  e = x\nraise e",
  exceptionCause: "e = None\nfor i in range(DEEP):\n  x = ValueError(i)\n  x.__cause__ = e\n  e = x\nraise e",
  exceptionGroups: "raise nested(lambda a: ExceptionGroup('g', [a]), ValueError(1), 5000)",
  exceptionGroupSplit: "nested(lambda a: ExceptionGroup('g', [a]), ValueError(1), 20000).split(TypeError)",
  exceptStar:
    "try: raise nested(lambda a: ExceptionGroup('g', [a]), ValueError(1), 20000)\nexcept* TypeError: pass",
  exceptionCycle: "a, b = ValueError(1), ValueError(2)\na.__context__ = b\nb.__context__ = a\nraise a",
  tracebackLong: "def f(n):\n  if n: f(n - 1)\n  else: 1 / 0\nf(900)",
  contextNested: "import contextvars\ndef f(n):\n  if n: contextvars.copy_context().run(f, n - 1)\nf(DEEP)",
  typeAlias: "import typing\nnested(lambda a: typing.Union[a, list[a]], int, 200)",
  genericParameters: "import typing\nT = typing.TypeVar('T')\nnested(lambda a: list[a], T, 20000)[int]",
  unionHash: "hash(nested(lambda a: a | None if not isinstance(a, list) else a, int, 1000))",
  memoryviewCast: "nested(lambda a: memoryview(a), b'x')",
  bytesJoin: "b''.join(nested(lambda a: [b'x'], []))",
  listExtendSelf: "a = [1]\nfor _ in range(22): a.extend(a)\nlen(a)",
  setOfFrozen: "{nested(lambda a: frozenset([a]), frozenset(), 3000)}",
  dictItemsNested: "nested(lambda a: {1: a}.items(), {}) == 1",
  intParse: "int('1' * DEEP, 16)",
  intStr: "sys.set_int_max_str_digits(0)\nlen(str(1 << DEEP))",
  decimalDeep: "import decimal\ndecimal.Decimal('1e999999') + 1",
  sumOfLists: "sum([[1]] * 3000, [])",
  fnmatchDeep: "import fnmatch\nfnmatch.fnmatch('a' * 100, '*a' * 50 + 'b')",
  globDeep: "import glob\nglob.glob('/*' * 300)",
  pathDeep: "import os\nos.makedirs('/tmp/' + 'a/' * 500)",
  walkDeep:
    "import os\nd = '/tmp'\nfor i in range(1500):\n  d += '/a'\n  if i < 1900: os.mkdir(d)\nsum(1 for _ in os.walk('/tmp'))",
  rmtreeDeep: "import os, shutil\nos.makedirs('/tmp/' + 'a/' * 900)\nshutil.rmtree('/tmp/a')",
  zipimportDeep: "import importlib\nimportlib.import_module('.'.join(['a'] * DEEP))",
  asyncChain:
    "import asyncio\nasync def f(n):\n  if n: return await f(n - 1)\n  await asyncio.sleep(0)\nasyncio.run(f(DEEP))",
  asyncTasks:
    "import asyncio\nasync def f(n):\n  if n: await asyncio.create_task(f(n - 1))\nasyncio.run(f(20000))",
  gatherNested:
    "import asyncio\nasync def m():\n  f = asyncio.sleep(0)\n  for _ in range(5000): f = asyncio.gather(f)\n  await f\nasyncio.run(m())",
  delEndless: "class A:\n  def __del__(self): A()\nA()",
};

/** Nested so deep they run off the C stack: CPython has no check there. */
const UNCHECKED: Readonly<Record<string, string>> = {
  hashTuple: "hash(nested(lambda a: (a,), ()))",
  hashTupleOfTwo: "{nested(lambda a: (a, 1), ()): 1}",
  hashAlias: "hash(nested(lambda a: list[a], int))",
  hashMethod: "import types\nhash(nested(lambda a: types.MethodType(print, (a,)), 1))",
  hashSlice: "hash(nested(lambda a: slice(a), 1))",
  hashWeak:
    "import types\nhash(nested(lambda a: types.MappingProxyType(a) if False else (types.GenericAlias(tuple, (a,)),), 1))",
  mapNested: "list(nested(lambda a: map(abs, a), [1]))",
  mapNestedType: "list(nested(lambda a: map(None.__class__, a), [1]))",
  filterNested: "list(nested(lambda a: filter(None, a), [1]))",
  filterfalseNested: "list(nested(lambda a: itertools.filterfalse(None, a), [0]))",
  zipNested: "next(nested(lambda a: zip(a), [1]))",
  chainNested: "list(nested(lambda a: itertools.chain(a), [1]))",
  chainFromIterable: "list(nested(lambda a: itertools.chain.from_iterable([a]), [1]))",
  isliceNested: "list(nested(lambda a: itertools.islice(a, 5), [1]))",
  takewhileNested: "list(nested(lambda a: itertools.takewhile(bool, a), [1]))",
  dropwhileNested: "list(nested(lambda a: itertools.dropwhile(bool, a), [0]))",
  cycleNested: "next(nested(lambda a: itertools.cycle(a), [1]))",
  accumulateNested: "list(nested(lambda a: itertools.accumulate(a), [1]))",
  starmapNested: "list(nested(lambda a: itertools.starmap(lambda x: (x,), a), [(1,)]))",
  batchedNested: "next(nested(lambda a: itertools.batched(a, 1), [1]))",
  pairwiseNested: "list(nested(lambda a: itertools.pairwise(a), range(DEEP + 2)))",
  groupbyNested: "next(nested(lambda a: itertools.groupby(a), [1]))",
  enumerateNested: "list(nested(lambda a: enumerate(a), [1]))",
  compressNested: "list(nested(lambda a: itertools.compress(a, [1]), [1]))",
  zipLongestNested: "next(nested(lambda a: itertools.zip_longest(a), [1]))",
  teeNestedDeep: "next(nested(lambda a: itertools.tee(map(abs, a))[0], [1]))",
  partialChain: "def w(f):\n  p = functools.partial(f)\n  p.x = 1\n  return p\nnested(w, lambda: 1)()",
  boundMethods: "import types\nnested(lambda a: types.MethodType(a, 1), print, 20000)()",
  abstractProperty: "nested(lambda a: property(a), 1).__isabstractmethod__",
  abstractClassmethod: "nested(lambda a: classmethod(a), 1).__isabstractmethod__",
  classmethodGet: "nested(lambda a: classmethod(a), 1).__get__(None, int)",
  readerNested: "import io\nnested(lambda a: io.BufferedReader(a, 1), io.BytesIO(b'x')).read(1)",
  weakProxies:
    "import weakref\nclass A: pass\nkeep = []\ndef w(a):\n  keep.append(a)\n  return weakref.proxy(a) if len(keep) < 2 else A()\nrepr(nested(w, A()))",
  marshalCode: "import marshal\nmarshal.dumps(nested(lambda a: (a,), ()))",
};

/** Structures of two million levels: freeing them goes deeper than any stack would. */
const FREED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    lists: "[a]",
    tuples: "(a, i)",
    dicts: "{0: a}",
    sets: "frozenset([a])",
    objects: "Node(a)",
    slotted: "Slotted(a)",
    partials: "functools.partial(a)",
    generators: "(x for x in a)",
    iterators: "iter(a)",
    maps: "map(abs, a)",
    chains: "itertools.chain(a)",
    exceptions: "Exception(a)",
    cells: "(lambda: a) if False else closure(a)",
    methods: "types.MethodType(print, a)",
    slices: "slice(a)",
    deques: "collections.deque([a])",
    ordered: "collections.OrderedDict(a=a)",
    proxies: "types.MappingProxyType({0: a})",
    namespaces: "types.SimpleNamespace(a=a)",
    properties: "property(a)",
    contexts: "enumerate(a)",
    aliases: "types.GenericAlias(list, a)",
    coroutines: "coroutine(a)",
    bound: "Node(a).method",
    weak: "Weak(a)",
    tees: "itertools.tee(a)[0]",
    elements: "element(a)",
    futures: "future(a)",
    attrgetters: "operator.itemgetter(a)",
    ast: "ast.Expr(a)",
    memory: "memoryview(Buffer(a))",
    finalized: "Final(a)",
  }).map(([name, make]) => [
    name,
    `import types, xml.etree.ElementTree as E, asyncio
class Node:
  def __init__(self, a): self.a = a
  def method(self): pass
class Start(tuple):
  def __call__(self): pass
class Slotted:
  __slots__ = ("a",)
  def __init__(self, a): self.a = a
class Weak:
  __slots__ = ("a", "__weakref__")
  def __init__(self, a): self.a = a
class Final(Node):
  def __del__(self): pass
class Buffer(bytes):
  def __new__(c, a):
    x = bytes.__new__(c, b"x")
    x.a = a
    return x
def closure(a): return lambda: a
async def inner(a): return a
def coroutine(a):
  c = inner(a)
  return c
def element(a):
  e = E.Element("a")
  if isinstance(a, E.Element): e.append(a)
  return e
loop = asyncio.new_event_loop()
def future(a):
  f = loop.create_future()
  f.set_result(a)
  return f
import gc, warnings
warnings.simplefilter("ignore")
gc.disable()
a = Start()
for i in range(LEVELS):
  a = ${make}
del a
gc.enable()
gc.collect()`,
  ]),
);

export interface RecursionCase {
  readonly code: string;
  /** Whether it never ends of itself: success would be a mistake of the test. */
  readonly endless: boolean;
}

const cases = (
  table: Readonly<Record<string, string>>,
  endless: boolean,
  prelude = PRELUDE,
): Record<string, RecursionCase> =>
  Object.fromEntries(
    Object.entries(table).map(([name, code]) => [name, { code: `${prelude}${code}\n`, endless }]),
  );

/** How many levels FREED builds: as many as 256 MB hold of the larger ones. */
export const freed = (levels: number): Record<string, RecursionCase> =>
  cases(FREED, false, `${PRELUDE}LEVELS = ${levels}\n`);

/** Whatever is done to it: RecursionError or MemoryError inside, an error of its own, or success. */
export const RECURSION: Readonly<Record<string, RecursionCase>> = {
  ...cases(ENDLESS, true),
  ...cases(DEEP, false),
};

/** The one exception: it may cost the task, by a `stack_overflow` that is the same in every tier. */
export const UNCHECKED_RECURSION: Readonly<Record<string, RecursionCase>> = cases(UNCHECKED, false);
