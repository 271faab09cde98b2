/** Programs that use up what there is, and programs that attack their engine. */

/** Work that never ends of itself, or not within any fuel a test gives. */
export const ENDLESS: Readonly<Record<string, string>> = {
  spin: "while True: pass",
  caught: "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
  sum: "sum(range(10**10))",
  any: "any(x < 0 for x in iter(int, 1))",
  listOfRange: "max(iter(int, 1))",
  regex: "import re\nre.match('(a+)+$', 'a' * 40 + '!')",
  regexAlternatives: "import re\nre.match('(a|aa)+$', 'a' * 60 + '!')",
  power: "7 ** (10 ** 7)",
  powerOfThree: "x = 3\nwhile True: x = pow(x, 3)",
  modularPower: "pow(3, 10 ** 9000, 10 ** 9000 + 1)",
  decimalPower: "import decimal\ndecimal.getcontext().prec = 50000\ndecimal.Decimal(2).exp() ** 500",
  digits: "import sys\nsys.set_int_max_str_digits(0)\nlen(str(7 ** 3000000))",
  factorial: "import math\nmath.factorial(200000)\nwhile 1: math.factorial(20000)",
  combinations: "import itertools\nsum(1 for _ in itertools.permutations(range(20)))",
  consume: "import itertools, collections\ncollections.deque(itertools.repeat(1), maxlen=0)",
  product:
    "import itertools, collections\ncollections.deque(itertools.product(range(100), repeat=20), maxlen=0)",
  sort: "import operator\nl = [(i * 7919) % 1000003 for i in range(100000)]\nwhile 1: sorted(l, key=operator.neg)",
  find: "('a' * 1000000).count('a' * 500000 + 'b')\nwhile 1: ('ab' * 1000000).replace('ab', 'a')",
  fill: "b = bytearray(50_000_000)\nwhile 1: b[:] = bytes(50_000_000)",
  memoryCopy: "b = bytearray(10_000_000)\nwhile 1: b[1:] = b[:-1]",
  setOperations: "s = set(range(100000))\nwhile 1: s | s",
  hashCollisions: "d = {}\nfor i in range(10 ** 9): d[i * (2 ** 61 - 1)] = 1",
  compress: "import zlib\nb = bytes(5_000_000)\nwhile 1: zlib.compress(b, 9)",
  hash: "import hashlib\nb = bytes(5_000_000)\nwhile 1: hashlib.sha256(b)",
  sqlite:
    "import sqlite3\nsqlite3.connect(':memory:').execute('with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r').fetchall()",
  sqliteJoin:
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t(x)')\nc.executemany('insert into t values (?)', [(i,) for i in range(1000)])\nc.execute('select count(*) from t a, t b, t c, t d').fetchall()",
  json: "import json\ns = '[' + '1,' * 100000 + '1]'\nwhile 1: json.loads(s)",
  difflib: "import difflib\ndifflib.SequenceMatcher(None, 'ab' * 5000, 'ba' * 5000, False).ratio()",
  print: "while 1: print('x' * 1000)",
  printStderr: "import sys\nwhile 1: sys.stderr.write('x' * 100000)",
  writeNothing: "import os\nwhile 1: os.write(1, b'')",
  readNull: "import os\nf = os.open('/dev/urandom', os.O_RDONLY)\nwhile 1: os.read(f, 100000)",
  random: "import os\nwhile 1: os.urandom(1000000)",
  clock: "import time\nwhile 1: time.time()",
  stat: "import os\nwhile 1: os.path.exists('/app/nothing')",
  listFolder: "import os\nwhile 1: os.listdir('/app')",
  rewrite: "while 1:\n  with open('/tmp/x', 'wb') as f: f.write(bytes(1_000_000))",
  truncate:
    "import os\nf = os.open('/tmp/x', os.O_RDWR | os.O_CREAT)\nwhile 1: os.ftruncate(f, 60_000_000); os.ftruncate(f, 0)",
  sleepZero: "import time\nwhile 1: time.sleep(0)",
  asyncBusy: "import asyncio\nasync def m():\n  while 1: await asyncio.sleep(0)\nasyncio.run(m())",
  collect: "import gc\nwhile 1: gc.collect()",
  destructor:
    "class A:\n  def __del__(self):\n    global a\n    print('x' * 100000)\n    a = A()\na = A()\nwhile 1: a = None",
  interrupts: "import _thread\nwhile 1:\n  try: _thread.interrupt_main()\n  except KeyboardInterrupt: pass",
  exceptions: "while 1:\n  try: 1 / 0\n  except ZeroDivisionError as e: e.add_note('x')",
  hostCalls: "import _host\nwhile 1:\n  try: _host.call(b'?' + b'x' * 300)\n  except OSError: pass",
};

/** What takes memory without end. */
export const HOGS: Readonly<Record<string, string>> = {
  string: "'x' * 10 ** 9",
  doubling: "s = 'x'\nwhile True: s += s",
  bytes: "bytes(10 ** 9)",
  bytearrays: "l = []\nwhile True: l.append(bytearray(1_000_000))",
  growing: "b = bytearray()\nwhile True: b += b'x' * 100000",
  list: "[0] * 10 ** 9",
  listAppend: "l = []\nwhile True: l.append(None)",
  listOfLists: "l = []\nwhile True: l.append([])",
  nested: "l = []\nwhile True: l = [l]",
  dict: "d = {}\ni = 0\nwhile True:\n  d[i] = i\n  i += 1",
  dictOfStrings: "d = {}\ni = 0\nwhile True:\n  d[str(i)] = str(i) * 10\n  i += 1",
  set: "s = set()\ni = 0\nwhile True:\n  s.add(i)\n  i += 1",
  objects: "l = []\nwhile True: l.append(object())",
  instances: "class A:\n  def __init__(self): self.a = self\nl = []\nwhile True: l.append(A())",
  tuples: "t = ()\nwhile True: t = (t, 1)",
  strings: "l = []\ni = 0\nwhile True:\n  l.append('number %d' % i)\n  i += 1",
  floats: "l = []\nx = 0.5\nwhile True:\n  l.append(x)\n  x += 1",
  bigIntegers: "l = []\nwhile True: l.append(1 << 100000)",
  shift: "1 << (1 << 33)",
  functions: "l = []\nwhile True: l.append(lambda: l)",
  closures: "def w(a): return lambda: a\nf = None\nwhile True: f = w(f)",
  generators: "g = []\nwhile True: g.append(x for x in g)",
  frames: "def f():\n  yield\nl = []\nwhile True:\n  g = f()\n  next(g)\n  l.append(g)",
  classes: "l = []\nwhile True: l.append(type('A', (), {}))",
  code: "l = []\nwhile True: l.append(compile('x = [' + '1,' * 1000 + ']', 'x', 'exec'))",
  exceptions: "l = []\nwhile True:\n  try: 1 / 0\n  except ZeroDivisionError as e: l.append(e)",
  notes: "e = Exception()\nwhile True: e.add_note('x' * 10000)",
  join: "','.join(['x' * 1000] * 10 ** 6)",
  replace: "('x' * 10 ** 6).replace('x', 'y' * 1000)",
  ljust: "'x'.ljust(10 ** 9)",
  format: "f'{1:1000000000}'",
  percent: "'%999999999d' % 1",
  encode: "('é' * 10 ** 8).encode()",
  split: "('a ' * 10 ** 7).split()",
  range: "list(range(10 ** 9))",
  comprehension: "[i for i in range(10 ** 9)]",
  deque: "import collections\nd = collections.deque()\nwhile True: d.append(1)",
  array: "import array\narray.array('d', bytes(8)) * 10 ** 9",
  counter: "import collections, itertools\ncollections.Counter(itertools.count())",
  tee: "import itertools\na, b = itertools.tee(itertools.count())\nfor _ in b: pass",
  product: "import itertools\nitertools.product(range(10 ** 8), repeat=10)",
  json: "import json\njson.loads('[' + '[],' * 10 ** 7 + '[]]')",
  jsonDumps: "import json\njson.dumps(['x' * 1000] * 10 ** 6)",
  pickle: "import pickle\npickle.dumps(['%d' % i * 100 for i in range(10 ** 7)])",
  decompress:
    "import zlib\nb = zlib.compress(bytes(20_000_000), 9)\nl = []\nwhile True: l.append(zlib.decompress(b))",
  stringIO: "import io\ns = io.StringIO()\nwhile True: s.write('x' * 100000)",
  regex: "import re\nl = []\ni = 0\nwhile True:\n  l.append(re.compile('(a|b)%d' % i))\n  i += 1",
  regexFindall: "import re\nre.findall('', 'x' * 10 ** 8)",
  sqlite:
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t(x)')\nwhile True: c.execute('insert into t values (zeroblob(1000000))')",
  sqliteString:
    "import sqlite3\nsqlite3.connect(':memory:').execute('select hex(zeroblob(400000000))').fetchall()",
  elements:
    "import xml.etree.ElementTree as E\nl = E.Element('a')\nwhile True: E.SubElement(l, 'b', x='y' * 1000)",
  memoryview: "l = []\nwhile True: l.append(memoryview(bytes(100000)))",
  readAll: "import os\nf = os.open('/dev/urandom', os.O_RDONLY)\nos.read(f, 10 ** 9)",
  urandom: "import os\nos.urandom(10 ** 9)",
  import_:
    "import sys\nwhile True: sys.modules[str(len(sys.modules))] = type(sys)(str(len(sys.modules)) * 1000)",
  interned: "import sys\ni = 0\nl = []\nwhile True:\n  l.append(sys.intern('key %d' % i))\n  i += 1",
  weakrefs: "import weakref\nclass A: pass\nl = []\nwhile True:\n  a = A()\n  l.append((a, weakref.ref(a)))",
  destructors:
    "class A:\n  def __del__(self): l.append(bytearray(100000))\nl = []\nwhile True: l.append(A())",
  asyncTasks:
    "import asyncio\nasync def m():\n  l = []\n  while True: l.append(asyncio.create_task(asyncio.sleep(1000)))\nasyncio.run(m())",
  literals: "eval('[' + '1,' * 10 ** 7 + ']')",
};

/** What a program can do to its own engine. Whatever comes of it costs at most the task. */
export const ATTACKS: Readonly<Record<string, string>> = {
  exit: "import os\nos._exit(7)",
  abort: "import os\nos.abort()",
  kill: "import os\nos.kill(os.getpid(), 15)",
  raiseTerm: "import signal\nsignal.raise_signal(signal.SIGTERM)",
  raiseKill: "import signal\nsignal.raise_signal(9)",
  raiseAbort: "import signal\nsignal.raise_signal(signal.SIGABRT)",
  raiseInterrupt: "import signal\nsignal.raise_signal(signal.SIGINT)",
  raiseAll:
    "import signal\nfor n in range(-5, 200):\n  try: signal.raise_signal(n)\n  except BaseException as e: pass",
  segfault: "import faulthandler\nfaulthandler._sigsegv()",
  fatal: "import faulthandler\nfaulthandler._fatal_error_c_thread()",
  faulthandlerAbort: "import faulthandler\nfaulthandler._sigabrt()",
  stackOverflow: "import faulthandler\nfaulthandler._stack_overflow()",
  opcodes: "def f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([100, 255]) * 50)\nf()",
  zeroStack:
    "def f(a, b, c): return [a, b, c, [a, b, c, [a, b, c]]]\nf.__code__ = f.__code__.replace(co_stacksize=0)\nfor _ in range(50): f(1, 2, 3)",
  hugeStack: "def f(): pass\nf.__code__ = f.__code__.replace(co_stacksize=2 ** 30)\nf()",
  jumpOut:
    "import opcode\ndef f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([opcode.opmap['JUMP_FORWARD'], 255] * 4))\nf()",
  jumpFar:
    "import opcode\no = opcode.opmap\ndef f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([o['EXTENDED_ARG'], 255, o['EXTENDED_ARG'], 255, o['EXTENDED_ARG'], 127, o['JUMP_FORWARD'], 255]))\nf()",
  pops: "import opcode\ndef f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([opcode.opmap['POP_TOP'], 0] * 5000))\nf()",
  constantOut:
    "import opcode\no = opcode.opmap\ndef f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([o['EXTENDED_ARG'], 200, o['EXTENDED_ARG'], 255, o['LOAD_CONST'], 255, o['RETURN_VALUE'], 0]))\nf()",
  localOut:
    "import opcode\no = opcode.opmap\ndef f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([o['LOAD_FAST'], 255, o['RETURN_VALUE'], 0]))\nprint(f())",
  forgedConstants:
    "def f(): return 1 + 2.5\nimport types\nfor c in ((), (None,), (object(),) * 3, ('a' * 100,)):\n  try: types.FunctionType(f.__code__.replace(co_consts=c), {})()\n  except Exception: pass",
  forgedNames:
    "import types\ndef f(): return a.b.c\nfor n in ((), ('x',), ('x', 'y')):\n  try: types.FunctionType(f.__code__.replace(co_names=n), {})()\n  except Exception: pass",
  forgedTables:
    "def f():\n  try: 1 / 0\n  except ZeroDivisionError: return 1\nf.__code__ = f.__code__.replace(co_exceptiontable=b'\\xff' * 50, co_linetable=b'\\xff' * 50)\nf()",
  forgedCells:
    "import types\ndef f():\n  x = 1\n  return lambda: x\ng = f()\ntypes.FunctionType(g.__code__, {}, 'x', None, (types.CellType(),))()",
  forgedFlags: "def f(): return 1\nf.__code__ = f.__code__.replace(co_flags=0xFFFFFFF)\nf()",
  forgedArguments:
    "def f(): return 1\ntry: f.__code__ = f.__code__.replace(co_argcount=1000)\nexcept ValueError: pass\nf(*range(1000))",
  marshalRubbish:
    "import marshal, random\nr = random.Random(1)\nok = 0\ngood = marshal.dumps(compile('x = [1, 2.5, \"a\", None, (1, 2)]\\ndef f(a, b=1): return a + b', 'x', 'exec'))\nfor i in range(300):\n  b = bytearray(good)\n  for _ in range(r.randrange(1, 6)): b[r.randrange(len(b))] = r.randrange(256)\n  try: marshal.loads(bytes(b))\n  except Exception: pass",
  marshalExecuted:
    "import marshal, random\nr = random.Random(2)\ngood = marshal.dumps(compile('x = [1, 2.5]\\nfor i in range(3): x.append(i)', 'x', 'exec'))\nfor i in range(100):\n  b = bytearray(good)\n  b[r.randrange(len(b))] = r.randrange(256)\n  try: exec(marshal.loads(bytes(b)), {})\n  except BaseException: pass",
  marshalRandom:
    "import marshal, random\nr = random.Random(3)\nfor i in range(300):\n  try: marshal.loads(r.randbytes(r.randrange(1, 200)))\n  except Exception: pass",
  pickleRubbish:
    "import pickle, random\nr = random.Random(4)\ngood = pickle.dumps({'a': [1, 2.5, 'x'], 'b': {3, 4}, 'c': (None, True)})\nfor i in range(300):\n  b = bytearray(good)\n  for _ in range(r.randrange(1, 6)): b[r.randrange(len(b))] = r.randrange(256)\n  try: pickle.loads(bytes(b))\n  except Exception: pass",
  pickleRandom:
    "import pickle, random\nr = random.Random(5)\nfor i in range(300):\n  try: pickle.loads(b'\\x80\\x04' + r.randbytes(r.randrange(1, 200)) + b'.')\n  except Exception: pass",
  bytecodeRandom:
    "import random, types\nr = random.Random(6)\ndef f(a, b): return a + b\nfor i in range(200):\n  try: types.FunctionType(f.__code__.replace(co_code=r.randbytes(r.randrange(1, 30) * 2)), {})(1, 2)\n  except BaseException: pass",
  bytecodeMutated:
    "import random, types\nr = random.Random(7)\ndef f(n):\n  s = []\n  for i in range(n):\n    try: s.append(i // (i % 3))\n    except ZeroDivisionError: pass\n  return {str(x): x for x in s}\ngood = f.__code__.co_code\nfor i in range(100):\n  b = bytearray(good)\n  for _ in range(3): b[r.randrange(len(b))] = r.randrange(256)\n  try: types.FunctionType(f.__code__.replace(co_code=bytes(b)), {'range': range, 'str': str, 'ZeroDivisionError': ZeroDivisionError})(9)\n  except BaseException: pass",
  allObjects:
    "import gc\nn = 0\nfor o in gc.get_objects():\n  try: repr(type(o)); hash(type(o)); n += len(dir(type(o)))\n  except Exception: pass\nresult = n > 1000",
  allObjectsRepr:
    "import gc\nfor o in gc.get_objects():\n  try: repr(o)\n  except Exception: pass\n  except BaseException: pass",
  allClasses:
    "todo, seen = [object], set()\nwhile todo:\n  c = todo.pop()\n  if c in seen: continue\n  seen.add(c)\n  try: todo += type.__subclasses__(c)\n  except TypeError: pass\n  for args in ((), (1,), ('a',), (b'a', 1), ([],)):\n    try: c(*args)\n    except BaseException: pass\nresult = len(seen) > 500",
  allNew:
    "todo, seen = [object], set()\nwhile todo:\n  c = todo.pop()\n  if c in seen: continue\n  seen.add(c)\n  try: todo += type.__subclasses__(c)\n  except TypeError: pass\n  try: o = c.__new__(c)\n  except BaseException: continue\n  for n in dir(o):\n    try: getattr(o, n)\n    except BaseException: pass\n  for f in (repr, str, hash, len, iter, bool, lambda o: o == o, lambda o: o + o):\n    try: f(o)\n    except BaseException: pass",
  mutatedReferrers:
    "import gc\nx = (1, 2)\nfor r in gc.get_referrers(int)[:50]:\n  try:\n    if type(r) is dict: r.get('x')\n    else: repr(r)\n  except Exception: pass",
  descriptors:
    "import os\nfor fd in (-1, 0, 1, 2, 3, 4, 5, 6, 99, 4095, 2 ** 31 - 1):\n  for f in (lambda: os.read(fd, 10), lambda: os.write(fd, b''), lambda: os.lseek(fd, -1, 0), lambda: os.fstat(fd), lambda: os.pread(fd, 10, 2 ** 62), lambda: os.dup2(fd, 50), lambda: os.dup(fd), lambda: os.ftruncate(fd, 10), lambda: os.fsync(fd), lambda: os.isatty(fd), lambda: os.listdir(fd), lambda: os.get_inheritable(fd)):\n    try: f()\n    except (OSError, OverflowError, ValueError, AttributeError): pass",
  closedStreams:
    "import os\nfor fd in range(10):\n  try: os.close(fd)\n  except OSError: pass\nprint('x')\nopen('/tmp/x', 'w').write('y')\nresult = 'ended'",
  closedPreopens:
    "import os\nfor fd in range(3, 20):\n  try: os.close(fd)\n  except OSError: pass\ntry: open('/app/main.py').read()\nexcept OSError: pass\nimport csv, wave",
  dupedStreams:
    "import os\nf = os.open('/tmp/x', os.O_RDWR | os.O_CREAT)\ntry: os.dup2(f, 1)\nexcept (OSError, AttributeError): pass\nprint('gone')",
  paths:
    "import os\nfound = []\nfor p in ('/etc/passwd', '/proc/self/mem', '/proc/self/environ', '/dev/mem', '/dev/sda', '/sys', '/root', '/home', '../../../../etc/passwd', '/app/../etc/passwd', '/app/../../etc/passwd', '/tmp/../proc/1', '//etc//passwd', '/./etc/passwd', '/app/main.py/..', '/work', '/usr/bin/env', 'file:///etc/passwd', '/\\udcff', '/app/' + 'a/' * 3000, '/' + 'b' * 5000):\n  for f in (open, os.listdir, os.stat, lambda p: open(p, 'w')):\n    try: f(p); found.append(p)\n    except (OSError, ValueError): pass\nresult = found",
  links:
    "import os\nmade = []\nfor f in (lambda: os.symlink('/etc', '/tmp/etc'), lambda: os.link('/app/main.py', '/tmp/main'), lambda: os.rename('/app/main.py', '/tmp/main'), lambda: os.remove('/app/main.py'), lambda: os.mkdir('/app/x'), lambda: os.mkfifo('/tmp/f'), lambda: os.mknod('/tmp/g'), lambda: os.chmod('/app/main.py', 0o777), lambda: os.utime('/app/main.py'), lambda: os.truncate('/app/main.py', 0), lambda: open('/app/main.py', 'a'), lambda: open('/usr/local/lib/python315.zip', 'wb')):\n  try: f(); made.append(1)\n  except (OSError, AttributeError, NotImplementedError): made.append(0)\nresult = made",
  environment: "import os\nresult = [len(os.environ), sorted(os.listdir('/'))]",
  fullTmp:
    "n = 0\ntry:\n  with open('/tmp/x', 'wb') as f:\n    while True: n += f.write(b'x' * 1_000_000)\nexcept OSError as e: result = [e.errno, n > 30_000_000]",
  manyFiles:
    "fs = []\ntry:\n  for i in range(10_001): fs.append(open('/tmp/%d' % i, 'w'))\nexcept OSError as e: result = e.errno",
  manyNodes:
    "import os\nn = 0\ntry:\n  while True:\n    os.mkdir('/tmp/%d' % n)\n    n += 1\nexcept OSError as e: result = [e.errno, n]",
  hugeSeek:
    "f = open('/tmp/x', 'wb')\nfor p in (2 ** 62, 2 ** 40, 2 ** 31):\n  try:\n    f.seek(p)\n    f.write(b'x')\n    f.flush()\n  except (OSError, OverflowError): pass",
  doorFuzz:
    "import _host, random\nr = random.Random(8)\nok = 0\nfor op in range(256):\n  for n in (0, 1, 3, 20, 300):\n    try: _host.call(bytes([op]) + r.randbytes(n)); ok += 1\n    except (OSError, ConnectionError): pass\nresult = ok",
  doorDigits:
    "import _host\nfor op in b'crwx?':\n  for p in (b'', b'0', b'-1', b'1e308', b'NaN', b'Infinity', b'1,2,3', b',', b',-1', b'99999999999999999999', b'1.5', b'0x10', b' 1', b'\\0', b'\\0[]', b'a\\0', b'\\xff\\0[]', b'1,1'):\n    try: _host.call(bytes([op]) + p)\n    except OSError: pass",
  doorHuge:
    "import _host\ntry: _host.call(b'c' + b'x' * 40_000_000)\nexcept (OSError, MemoryError): result = 'refused'",
  doorTypes:
    "import _host\nfor x in (None, 1, 'a', [], object(), memoryview(b'a'), bytearray(b'?a')):\n  try: _host.call(x)\n  except (TypeError, OSError): pass\nfor a in ((), (b'', b''), (b'?', 1)):\n  try: _host.call(*a)\n  except (TypeError, OSError): pass",
  doorUnknownTasks: "import _host\nfor i in range(50): _host.call(b'c' + b'nobody%d' % i + b'\\0[]')",
  doorRevokes: "import _host\nfor i in range(1, 1000): _host.call(b'x%d' % i)",
  engineDoors:
    "import sys\nfound = []\nfor n in ('_host', 'host', '_reactor', 'host.tools', '_capsule', '_wizer'):\n  try:\n    m = __import__(n)\n    found.append(n)\n    for k in dir(m):\n      for args in ((), (b'x',), ('x',), (1,), (b'x', b'y')):\n        try: getattr(m, k)(*args)\n        except Exception: pass\n  except ImportError: pass",
  reactorGone: "import gc, sys\ngc.disable()\nimport _reactor\n_reactor.turn = None\nsys.modules.clear()",
  modulesGone: "import sys\nfor n in list(sys.modules):\n  sys.modules[n] = None\nresult = 1",
  modulesDeleted: "import sys\nsys.modules.clear()\nresult = 1",
  jsonReplaced:
    "import json, sys\nsys.modules['json'] = None\njson.dumps = json.loads = json.JSONEncoder = json.JSONDecoder = None\njson.encoder.c_make_encoder = json.decoder.scanner = None\nresult = [1, {'a': 2}]",
  builtinsGone:
    "import builtins\nfor n in list(vars(builtins)):\n  if n not in ('__import__',): delattr(builtins, n)",
  builtinsLie:
    "import builtins\nbuiltins.type = builtins.isinstance = builtins.len = builtins.list = builtins.str = lambda *a: 1 / 0\nresult = {'a': [1]}",
  asyncioBroken:
    "import asyncio, asyncio.events, asyncio.base_events as b\nb.BaseEventLoop._run_once = None\nasyncio.events._set_running_loop = None\nasyncio.tasks.all_tasks = None\nresult = 1",
  framesWalked:
    "import sys\nf = sys._getframe()\nwhile f:\n  for k, v in list(f.f_globals.items()):\n    if not k.startswith('__') and callable(v) and f.f_globals.get('__name__', '').startswith('_capsule'):\n      f.f_globals[k] = None\n  f = f.f_back\nresult = 1",
  framesCleared:
    "import sys\nf = sys._getframe().f_back\nwhile f:\n  try: f.clear()\n  except RuntimeError: pass\n  for k in list(f.f_locals):\n    try: f.f_locals[k] = None\n    except Exception: pass\n  f = f.f_back\nresult = 1",
  framesTraced:
    "import sys\ndef t(f, e, a):\n  f.f_trace_opcodes = True\n  return t\nsys.settrace(t)\nresult = 1",
  profileRaises: "import sys\ndef p(*a): raise ValueError('p')\nsys.setprofile(p)",
  monitoring:
    "import sys\nm = sys.monitoring\nm.use_tool_id(1, 'x')\nm.register_callback(1, m.events.PY_START, lambda *a: 1 / 0)\nm.set_events(1, m.events.PY_START)",
  collectorCallbacks: "import gc\ngc.callbacks.append(lambda *a: 1 / 0)\ngc.collect()\nresult = 1",
  stdoutReplaced:
    "import sys\nclass W:\n  def write(self, s): raise ValueError('w')\n  def flush(self): raise SystemExit(3)\nsys.stdout = sys.stderr = W()\nprint('x')",
  stdoutNone: "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None\nresult = 1",
  stdoutEndless: "import sys\nclass W:\n  def flush(self):\n    while 1: pass\nsys.stdout = W()\nresult = 1",
  excepthook: "import sys\nsys.excepthook = sys.unraisablehook = lambda *a: 1 / 0\nraise ValueError('plain')",
  exceptionLies:
    "class E(Exception):\n  def __str__(self): raise SystemExit(5)\n  __repr__ = __str__\n  @property\n  def __traceback__(self): raise KeyboardInterrupt\nraise E()",
  exceptionClassLies:
    "class M(type):\n  def __instancecheck__(c, o): raise SystemExit\n  def __getattribute__(c, n): raise MemoryError(n)\nclass E(Exception, metaclass=M): pass\nraise E()",
  resultLies:
    "class D(dict):\n  def items(self):\n    while 1: yield 'a', 1\n  def __iter__(self): raise SystemExit\nresult = D(a=1)",
  resultListLies:
    "class L(list):\n  def __iter__(self):\n    while 1: yield self\n  def __len__(self): return 2 ** 31\nresult = L([1])",
  resultIntLies:
    "class I(int):\n  def __repr__(self): return '], \"forged\": ['\n  __str__ = __repr__\nresult = I(5)",
  resultStrLies:
    "class S(str):\n  def encode(self, *a): return b'forged'\n  def __str__(self): return 'x'\nresult = S('a')",
  resultNan: "result = [float('nan')]",
  exitStrange: "import sys\nclass C:\n  def __str__(self): raise ValueError\nsys.exit(C())",
  exitHuge: "import sys\nsys.exit(10 ** 5000)",
  generatorExit: "raise GeneratorExit",
  keyboardInterrupt: "raise KeyboardInterrupt",
  stopIteration: "raise StopIteration(1)",
  baseException: "class B(BaseException): pass\nraise B('x')",
  interruptMain: "import _thread\n_thread.interrupt_main()",
  interruptLater:
    "import _thread, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n_thread.interrupt_main()\nfor i in range(1000): pass",
  signalHandler:
    "import signal\ndef h(*a): raise MemoryError('h')\nsignal.signal(signal.SIGINT, h)\nsignal.raise_signal(signal.SIGINT)",
  threads: "import threading\nthreading.Thread(target=print).start()",
  threadRaw: "import _thread\n_thread.start_joinable_thread(print)",
  threadUnmended:
    "import gc, types\nfor o in gc.get_objects():\n  if isinstance(o, types.BuiltinFunctionType) and o.__name__.startswith('start_'): o(print, ())",
  deadlock: "import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()",
  lockTimeout: "import threading\nl = threading.Lock()\nl.acquire()\nresult = l.acquire(timeout=3)",
  fork: "import os\nos.fork()",
  system: "import os\nos.system('ls')",
  subprocess: "import subprocess\nsubprocess.run(['ls'])",
  multiprocessing: "import multiprocessing\nmultiprocessing.Process(target=print).start()",
  interpreters: "import _interpreters\n_interpreters.create()",
  testcapi: "import _testinternalcapi",
  ctypes: "import ctypes\nctypes.string_at(0, 100)",
  mmap: "import mmap\nmmap.mmap(-1, 10 ** 9)[0]",
  socket: "import socket\nsocket.create_connection(('1.1.1.1', 80))",
  rawSocket: "import _socket\ns = _socket.socket(2, 1)\ns.connect(('127.0.0.1', 1))",
  socketFromDescriptor:
    "import _socket\nfor fd in range(8):\n  try: _socket.socket(fileno=fd).recv(1)\n  except (OSError, ValueError): pass",
  select:
    "import select\nselect.select([0, 1, 2], [0, 1, 2], [], 5)\nfor fd in (-1, 99, 10 ** 6):\n  try: select.select([fd], [], [], 0)\n  except (OSError, ValueError): pass",
  input: "try: input()\nexcept EOFError: result = 'EOF'",
  hugeUrandom: "import os\ntry: os.urandom(10 ** 9)\nexcept (MemoryError, OSError): result = 'refused'",
  hugeRead:
    "import os\nf = os.open('/dev/urandom', os.O_RDONLY)\ntry: os.read(f, 10 ** 9)\nexcept (MemoryError, OSError): result = 'refused'",
  negativeSizes:
    "import os\nfor n in (-1, -2 ** 31, 2 ** 31, 2 ** 32 + 5, 2 ** 63 - 1):\n  for f in (os.urandom, bytes, bytearray, lambda n: os.read(0, n), lambda n: b'x' * n, lambda n: [0] * n, lambda n: (0,) * n):\n    try: f(n)\n    except (OverflowError, ValueError, MemoryError, OSError): pass",
  sleepForever:
    "import time\nfor t in (-1, float('nan'), float('inf'), 1e300, 2 ** 63):\n  try: time.sleep(t)\n  except (ValueError, OverflowError): pass\nresult = 1",
  finalizerEndless: "class A:\n  def __del__(self):\n    while 1: pass\na = A()",
  finalizerPrints: "class A:\n  def __del__(self):\n    while 1: print('x' * 10000)\na = [A()]\na.append(a)",
  finalizerRevives:
    "class A:\n  def __del__(self): keep.append(self)\nkeep = []\nfor _ in range(1000): A()\nimport gc\ngc.collect()\nresult = len(keep)",
  typeMutations:
    "class A: pass\nclass B(A): pass\nfor _ in range(200):\n  B.__bases__ = (type('C', (), {}),)\n  A.__bases__\nB.__class__ = type('M', (type,), {})",
  slotsConfused:
    "class A: __slots__ = ('x',)\nclass B: __slots__ = ('y',)\na = A()\na.x = 1\na.__class__ = B\nresult = hasattr(a, 'y')",
  descriptorConfused:
    "for t in (int, str, list, dict, type):\n  for n, d in vars(t).items():\n    for o in (1, 'a', [], None, object()):\n      try: d.__get__(o, type(o))()\n      except BaseException: pass",
  dictMutatedInHash:
    "d = {}\nclass K:\n  def __hash__(self): return 1\n  def __eq__(self, o):\n    d.clear()\n    return False\nfor i in range(100): d[K()] = i",
  listMutatedInSort:
    "l = list(range(1000))\ndef k(x):\n  l.clear()\n  l.extend(range(500))\n  return x\ntry: l.sort(key=k)\nexcept ValueError: pass",
  bufferReleased:
    "b = bytearray(100)\nm = memoryview(b)\nclass I:\n  def __index__(self):\n    m.release()\n    b.clear()\n    return 5\ntry: m[I()] = 1\nexcept ValueError: pass",
  arrayShrunk:
    "import array\na = array.array('b', bytes(1000))\nclass I:\n  def __index__(self):\n    del a[:]\n    return 1\ntry: a[900] = I()\nexcept IndexError: pass",
  useAfterDeque:
    "import collections\nd = collections.deque([1, 2, 3])\nclass E:\n  def __eq__(self, o):\n    d.clear()\n    return False\ntry: E() in d\nexcept RuntimeError: pass",
  iteratorExhausted:
    "class A:\n  def __getitem__(self, i): return 1 / 0\ni = iter(A())\nfor f in (next, list, lambda i: i.__setstate__(-5), lambda i: i.__setstate__(2 ** 62), lambda i: i.__reduce__()):\n  try: f(i)\n  except Exception: pass",
  setstateRubbish:
    "import itertools, random, datetime, collections\nfor make in (lambda: iter([1, 2]), lambda: iter(range(5)), lambda: iter('ab'), lambda: itertools.count(), lambda: random.Random(), lambda: collections.OrderedDict(), lambda: iter({1: 2}), lambda: reversed([1, 2])):\n  for s in (0, -1, 2 ** 40, (), (1, 2), None, 'x', [], {}):\n    o = make()\n    try:\n      o.__setstate__(s)\n      next(o, None)\n    except Exception: pass",
  codecsRubbish:
    "import random, codecs\nr = random.Random(9)\nfor n in ('utf-8', 'utf-7', 'utf-16', 'utf-32', 'unicode_escape', 'raw_unicode_escape', 'idna', 'punycode', 'shift_jis', 'gb18030', 'big5', 'euc_kr', 'iso2022_jp', 'hz', 'cp1252', 'zlib', 'bz2', 'uu', 'quopri'):\n  for i in range(20):\n    try: codecs.decode(r.randbytes(50), n)\n    except Exception: pass",
  parsersRubbish:
    "import random, zlib, bz2, lzma, struct, binascii, pyexpat, json\nr = random.Random(10)\nfor i in range(60):\n  b = r.randbytes(r.randrange(1, 200))\n  for f in (zlib.decompress, bz2.decompress, lzma.decompress, binascii.a2b_base64, json.loads, lambda b: pyexpat.ParserCreate().Parse(b, 1), lambda b: struct.unpack(b, b), lambda b: compile(b, 'x', 'exec')):\n    try: f(b)\n    except Exception: pass",
  sqliteRubbish:
    "import sqlite3, random\nr = random.Random(11)\nc = sqlite3.connect(':memory:')\nc.execute('create table t(x)')\nc.execute('insert into t values (1)')\nc.commit()\ngood = c.serialize()\nfor i in range(60):\n  b = bytearray(good)\n  for _ in range(20): b[r.randrange(len(b))] = r.randrange(256)\n  d = sqlite3.connect(':memory:')\n  try:\n    d.deserialize(bytes(b))\n    d.execute('select * from t').fetchall()\n    d.execute('pragma integrity_check').fetchall()\n  except Exception: pass",
  sqliteFiles:
    "import sqlite3\nfor q in (\"attach '/etc/passwd' as a\", \"attach '/app/main.py' as b\", \"select load_extension('x')\", \"select readfile('/etc/passwd')\", 'vacuum into \"/app/x\"', 'pragma journal_mode=wal'):\n  try: sqlite3.connect('/tmp/db').execute(q).fetchall()\n  except Exception: pass",
  evalModes:
    "import ast\nfor t in (ast.Expression(ast.Name('x' * 10, ast.Store())), ast.Expression(ast.Constant(object())), ast.Module([ast.Return()], []), ast.Expression(ast.List([None], ast.Load())), ast.Module([ast.Delete([])], [])):\n  try: compile(ast.fix_missing_locations(t), 'x', 'eval' if isinstance(t, ast.Expression) else 'exec')\n  except Exception: pass",
};
