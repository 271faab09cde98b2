/** Files of mounts at the borders of attempts, and from past the file system. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_SURROUNDINGS } from "@capsule-run/protocol";
import { resultOf, TestGuest } from "./testing/guest.ts";
import { asked, at, guest, program, put, run } from "./testing/mounted-guest.ts";

test("a guest that is ended while it waits for a file leaves nothing to the next", async () => {
  put("a.txt", "A");
  const opening = "open('data/a.txt').read(); result = 1";
  for (const stopped of ["file.open", "file.stat"]) {
    guest.reset(program);
    guest.onAnswer = ({ name }) => name !== stopped;
    const end = await guest.run("run", `import os\nheld = open('/tmp/x', 'w')\nos.stat('data')\n${opening}`);
    assert.equal(end.state, "stopped");
    guest.onAnswer = () => true;
    guest.reset(program);
    assert.equal(await run(opening), 1);
  }
});

test("descriptors of an attempt are nobody's in the next", async () => {
  put("a.txt", "A");
  await run("import __main__, os\nfor i in range(5): os.open('data/a.txt', os.O_RDWR)\nresult = 1");
  assert.equal(at.host.open.size, 5, "it is the host that closes them");
  guest.reset(program);
  const code = `
import errno, os
result = []
for fd in range(4, 12):
    for do in (os.fstat, os.close, lambda fd: os.read(fd, 1), lambda fd: os.write(fd, b"x")):
        try: do(fd)
        except OSError as e: result.append(errno.errorcode[e.errno])
`;
  assert.deepEqual(new Set((await run(code)) as string[]), new Set(["EBADF"]));
  assert.deepEqual(asked(), []);
});

test("an attempt finds nothing of the former one: variables, folder, mounts, /tmp, what was asked for", async () => {
  put("a.txt", "A");
  guest.surroundings = { ...guest.surroundings, environment: { GIVEN: "a value" } };
  const { answer } = at.host;
  guest.onEffect = (effect) => (effect.name === "http.request" ? new Promise(() => {}) : answer(effect));
  const use = `
import _host, os, sys
os.environ["MINE"] = os.environ["GIVEN"]
os.chdir("/tmp"); os.mkdir("left"); held = [open("/tmp/x", "w"), open("/app/data/a.txt")]
sys.modules["held"] = held
head = b'{"method":"GET","url":"http://x","headers":[],"redirect":"manual","timeoutMs":null,"body":"none"}'
_host.call(b"ihttp.request\\0" + len(head).to_bytes(4, "little") + head)
_host.call(b"cother_async\\0[1]")
result = [os.getcwd(), os.listdir("."), held[1].read()]
`;
  assert.deepEqual(await run(use), ["/tmp", ["left", "x"], "A"]);
  const look = `
import os, sys
result = [os.getcwd(), dict(os.environ), os.listdir("/tmp"), os.listdir("/app"), os.path.exists("data"), "held" in sys.modules, os.open("/tmp/y", os.O_CREAT | os.O_WRONLY)]
`;
  const ends = [];
  for (const each of [guest, new TestGuest()]) {
    each.surroundings = NO_SURROUNDINGS;
    each.reset(program);
    const end = await each.run("run", look);
    ends.push([resultOf(end), each.instance.fuelUsed, each.digest, each.effects, each.calls]);
  }
  const [result, , , ...asked] = ends[0] as unknown[];
  assert.deepEqual(result, ["/app", {}, [], ["main.py", "notes.txt"], false, false, 4]);
  assert.deepEqual(asked, [[], []]);
  assert.deepEqual(ends[0], ends[1]);
});

test("effects asked for past the file system reach the host as they are, and no further", async () => {
  const code = `
import _host, json
def ask(op, name, head, raw=None):
    text = json.dumps(head).encode() if raw is None else raw
    try: return _host.call(op + name + b"\\0" + len(text).to_bytes(4, "little") + text)[:80].decode("latin1")
    except OSError as e: return "refused"
result = [ask(b"h", b"file.open", {"path": "/etc/passwd"})[4:24], ask(b"h", b"file.stat", {"handle": 77, "path": None})[4:16],
          ask(b"h", b"file.nothing", {}), ask(b"p", b"file.open", {}), ask(b"h", b"file.close", {"handle": 1}), ask(b"h", b"file" + b"x" * 300, {})]
`;
  assert.deepEqual(await run(code), [
    ...['{"ok":false,"code":"', '{"ok":false,'],
    ...Array.from({ length: 4 }, () => "refused"),
  ]);
  assert.deepEqual(
    guest.effects.map(({ head }) => head),
    [{ path: "/etc/passwd" }, { handle: 77, path: null }],
  );
});

test("the same answers give the same fuel and the same memory", async () => {
  put("a.txt", "x".repeat(1000));
  put("large", Buffer.alloc(600_000, 7));
  const code = `
import os
open("data/out", "w").write(open("data/a.txt").read())
with open("data/large", "rb") as f: n = sum(len(p) for p in iter(lambda: f.read(1000), b""))
result = [n, sorted(os.listdir("data"))]
`;
  const seen = [];
  for (let i = 0; i < 3; i++) {
    const fresh = i === 2 ? new TestGuest({ slice: 500_000 }) : guest;
    fresh.onEffect = async (effect) => {
      const answer = await at.host.answer(effect);
      const { stat } = answer.head as { stat?: object };
      const times = { accessed: "1", modified: "1", changed: "1", inode: "5" };
      return stat ? { ...answer, head: { ...answer.head, stat: { ...stat, ...times } } } : answer;
    };
    fresh.surroundings = guest.surroundings;
    fresh.reset(program);
    assert.equal((await fresh.run("run", code)).state, "result");
    seen.push([fresh.instance.fuelUsed, fresh.digest, fresh.effects.length]);
  }
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
});
