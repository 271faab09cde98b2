import assert from "node:assert/strict";
import { before, test } from "node:test";
import { TestGuest } from "../drive/testing/guest.ts";
import { raised, value } from "./testing.ts";

const PROGRAM = `
import importlib, os, sys
from capsule import task

@task
def attempts(codes):
    found = []
    for code in codes:
        try:
            found.append(["ok", repr(eval(code, {**globals(), "imp": importlib.import_module}))])
        except BaseException as error:
            found.append([type(error).__name__, str(error)])
    return found

@task
def run(code):
    exec(code)
`;

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM);
});

async function attempts(...codes: readonly string[]): Promise<[string, string][]> {
  guest.reset(program);
  return value(await guest.run("attempts", codes)) as [string, string][];
}

test("what can't work raises what Python's users expect, and names the sandbox", async () => {
  const cases: [string, string][] = [
    ["imp('threading').Thread(target=print).start()", "RuntimeError"],
    ["imp('threading').Timer(1, print).start()", "RuntimeError"],
    ["imp('_thread').start_new_thread(print, ())", "RuntimeError"],
    ["imp('threading').Event().wait()", "RuntimeError"],
    ["imp('queue').Queue().get()", "RuntimeError"],
    ["imp('subprocess').run(['ls'])", "OSError"],
    ["imp('subprocess').check_output('ls', shell=True)", "OSError"],
    ["os.system('ls')", "OSError"],
    ["os.popen('ls')", "OSError"],
    ["os.execvp('ls', ['ls'])", "OSError"],
    ["os.fork()", "AttributeError"],
    ["os.kill(os.getpid(), 9)", "AttributeError"],
    ["imp('multiprocessing').Process(target=print).start()", "OSError"],
    ["imp('multiprocessing').Pool(2)", "OSError"],
    ["imp('multiprocessing').Lock()", "ModuleNotFoundError"],
    ["imp('socket').socket()", "OSError"],
    ["imp('socket').create_connection(('1.1.1.1', 80))", "gaierror"],
    ["imp('socket').gethostbyname('example.com')", "gaierror"],
    ["imp('ssl').create_default_context().load_cert_chain('key.pem')", "OSError"],
    [
      "imp('ssl').create_default_context().wrap_bio(imp('ssl').MemoryBIO(), imp('ssl').MemoryBIO(), server_hostname='x')",
      "OSError",
    ],
    ["imp('fcntl')", "ModuleNotFoundError"],
    ["imp('tkinter')", "ModuleNotFoundError"],
    ["imp('ctypes').CDLL(None)", "OSError"],
    ["imp('mmap').mmap(-1, 4096)", "OSError"],
    ["imp('signal').alarm(1)", "AttributeError"],
  ];
  const found = await attempts(...cases.map(([code]) => code));
  for (const [i, [code, name]] of cases.entries()) {
    assert.equal(found[i]?.[0], name, `${code}: ${found[i]}`);
    assert.match(found[i]?.[1] ?? "", /Capsule sandbox/, code);
  }
});

test("what libraries probe for stays absent", async () => {
  const found = await attempts(
    "hasattr(os, 'fork')",
    "imp('importlib.util').find_spec('fcntl')",
    "imp('nope')",
    "os.nope",
    "imp('shutil').which('ls')",
  );
  assert.deepEqual(found, [
    ["ok", "False"],
    ["ok", "None"],
    ["ModuleNotFoundError", "No module named 'nope'"],
    ["AttributeError", "module 'os' has no attribute 'nope'"],
    ["ok", "None"],
  ]);
});

test("repairs survive a reload", async () => {
  const found = await attempts(
    "importlib.reload(imp('threading')).Thread(target=print).start()",
    "importlib.reload(imp('subprocess')).run(['ls'])",
    "importlib.reload(imp('concurrent.futures.thread')).ThreadPoolExecutor().submit(len, 'ab').result()",
  );
  assert.deepEqual(
    found.map(([kind]) => kind),
    ["RuntimeError", "OSError", "ok"],
  );
});

test("executors run inline", async () => {
  const found = await attempts(
    "imp('concurrent.futures').ThreadPoolExecutor(2).submit(pow, 2, 3).result()",
    "list(imp('concurrent.futures').ProcessPoolExecutor(2).map(abs, [-1, 2], chunksize=2))",
    "imp('concurrent.futures').ThreadPoolExecutor().submit(int, 'x').result()",
    "(lambda pool: pool.submit(lambda: pool.submit(len, 'abc').result()).result())(imp('concurrent.futures').ThreadPoolExecutor())",
    "(lambda pool: (pool.shutdown(), pool.submit(len, '')))(imp('concurrent.futures').ThreadPoolExecutor())",
    "len(list(imp('concurrent.futures').as_completed([imp('concurrent.futures').ThreadPoolExecutor().submit(len, 'a')])))",
  );
  assert.deepEqual(
    found.map(([kind, text]) => (kind === "ok" ? text : kind)),
    ["8", "[1, 2]", "ValueError", "3", "RuntimeError", "1"],
  );
});

test("input ends at once, waits with a limit end, sleep sleeps", async () => {
  const found = await attempts(
    "input()",
    "imp('threading').Event().wait(0.01)",
    "imp('threading').Lock().acquire(timeout=1)",
    "imp('time').sleep(0.01)",
  );
  assert.deepEqual(found, [
    ["EOFError", "EOF when reading a line"],
    ["ok", "False"],
    ["ok", "True"],
    ["ok", "None"],
  ]);
});

test("output: lines, bytes, surrogates, what is not ended by a line break", async () => {
  guest.reset(program);
  await guest.run(
    "run",
    "print('ü \\ud800 \\udc80'); print('err', file=sys.stderr); sys.stdout.buffer.write(b'raw\\n'); print('end', end='')",
  );
  assert.equal(guest.output, "ü \\ud800 \\udc80\nerr\nraw\nend");
});

test("a program that closes or replaces its streams ends all the same", async () => {
  for (const code of [
    "sys.stdout.close(); sys.stderr.close()",
    "sys.stdout = None; sys.stderr = None",
    "sys.stdout = object()",
    "del sys.stdout, sys.__stdout__",
    "os.close(1); os.close(2)",
    "import io; sys.stdout = io.StringIO(); print('hidden')",
    "sys.stdout.detach()",
  ]) {
    guest.reset(program);
    assert.equal(value(await guest.run("run", code)), null, code);
    guest.reset(program);
    const failed = raised(await guest.run("run", `${code}\nraise ValueError('after')`));
    assert.equal(failed.message, "ValueError: after", code);
  }
});
