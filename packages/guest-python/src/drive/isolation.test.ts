/** Nothing of one attempt is in an instance's memory for the next, however the attempt ended. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { BaseImage } from "./base.ts";
import { AMPLE, coreFolder, kindOf, messageOf, resultOf, TestGuest } from "./testing/guest.ts";
import { ATTACKS } from "./testing/hostile.ts";

const PROGRAM = `
import builtins, collections, gc, json, os, sys
from capsule import task

count = 0
kept = []

@task
def leave(mark):
    global count
    count += 1000
    builtins.leaked = mark
    json.leaked = mark
    sys.modules["leaked"] = sys
    sys.path.append(mark)
    sys.setrecursionlimit(5000)
    os.environ["LEAKED"] = mark
    object.__subclasses__()
    for i in range(1000):
        kept.append(mark + str(i))
    with open("/tmp/leaked", "w") as file:
        file.write(mark)
    open("/tmp/open", "w").write(mark)
    return len(kept)

@task
def look():
    seen = [hasattr(builtins, "leaked"), hasattr(json, "leaked"), "leaked" in sys.modules, len(sys.path)]
    seen += [sys.getrecursionlimit(), len(os.environ), os.listdir("/tmp"), count, len(kept)]
    return seen

@task
def grow(megabytes):
    global kept
    kept = [b"\\xa5" * (1 << 20) for _ in range(megabytes)]
    return len(kept)

@task
def run(code):
    scope = {"__name__": "case", "kept": kept}
    exec(compile(code, "/app/case.py", "exec"), scope)
    return scope.get("result")

@task
async def idle():
    import asyncio
    kept.append("idle")
    await asyncio.sleep(1000)

@task
async def pending():
    return await other()

@task
async def other():
    return 1

@task
def call():
    kept.append("calls")
    return block()

@task
def block():
    return 1
`;

const guest = new TestGuest();
const program = await guest.load(PROGRAM);

/** What memory has to be at the start of an attempt, made apart from the code that resets. */
const image = (() => {
  const memory = new Uint8Array(program.length);
  memory.set(new BaseImage(join(coreFolder(), "core.image")).memory);
  for (const page of program.pages) {
    const content = program.page(page) as Uint8Array;
    memory.set(content, page * content.length);
  }
  return memory;
})();

function firstDifference(a: Uint8Array, b: Uint8Array): string {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return `at ${at} of ${a.length}, page ${at >>> 12}`;
}

/** After a reset memory is the image, what lies beyond it is zero, and the guest's globals are those of the program. */
function assertClean(limits = AMPLE): void {
  guest.reset(program, limits);
  const { realMemory } = guest;
  const inside = realMemory.subarray(0, image.length);
  if (Buffer.compare(inside, image) !== 0)
    assert.fail(`memory is not the image ${firstDifference(inside, image)}`);
  const beyond = realMemory.subarray(image.length);
  const zeros = new Uint8Array(beyond.length);
  if (Buffer.compare(beyond, zeros) !== 0)
    assert.fail(`memory beyond the image ${firstDifference(beyond, zeros)}`);
  assert.equal(guest.instance.ramUsed, image.length);
  assert.equal(guest.instance.fuelUsed, 0);
  assert.deepEqual(guest.globals, program.globals.slice(0, guest.globals.length));
}

/** What an attempt does in here must look as in an instance that was never used. */
async function assertLikeNew(): Promise<void> {
  const ends = [];
  for (const each of [new TestGuest(), guest]) {
    each.reset(program);
    ends.push([resultOf(await each.start("look")), each.instance.fuelUsed, each.digest]);
  }
  assert.deepEqual(ends[1], ends[0]);
}

const attack = (name: string) => async (): Promise<void> => {
  const code = ATTACKS[name];
  assert.ok(code !== undefined, name);
  await guest.run("run", code);
};
const ends = async (kind: string, task: string, ...args: readonly unknown[]): Promise<void> => {
  const end = await guest.start(task, ...args);
  assert.equal(kindOf(end), kind, messageOf(end));
};

const DIRTY: Readonly<Record<string, () => Promise<unknown>>> = {
  "a result": () => ends("result", "leave", "secret"),
  growth: async () => {
    await ends("result", "grow", 40);
    assert.ok(guest.instance.ramUsed > 80 * 1024 ** 2);
  },
  "an exception": () => ends("task_error", "run", "kept.append(1)\n1 / 0"),
  "the end of its fuel": async () => {
    guest.reset(program, { fuel: 30_000_000, ram: null });
    await ends("out_of_fuel", "run", "while True: kept.append(1)");
  },
  "the end of its fuel in C": async () => {
    guest.reset(program, { fuel: 30_000_000, ram: null });
    await ends("out_of_fuel", "run", "sorted(range(10 ** 6), key=lambda x: -x)");
  },
  "the end of its stack": () => ends("stack_overflow", "run", "def f(): f()\nf()"),
  "the end of its C stack": () => ends("stack_overflow", "run", "import json\njson.loads('[' * 100000)"),
  "a stack overflow of the engine's": () =>
    ends("stack_overflow", "run", "a = ()\nfor _ in range(400000): a = (a,)\nhash(a)"),
  "the end of its memory": async () => {
    guest.reset(program, { fuel: AMPLE.fuel, ram: 64 * 1024 ** 2 });
    await ends("out_of_memory", "grow", 400);
  },
  "a stop in its turn": async () => {
    guest.onPause = () => false;
    await ends("stopped", "run", "while True: kept.append(1)");
    guest.onPause = () => true;
  },
  "a stop in a sync call": async () => {
    const { onWait } = guest;
    guest.onWait = async () => null;
    await ends("stopped", "call");
    guest.onWait = onWait;
  },
  "a stop in a sleep": async () => {
    const { onRest } = guest;
    guest.onRest = () => null;
    await ends("stopped", "run", "import time\ntime.sleep(5)");
    guest.onRest = onRest;
  },
  "a sync call": () => ends("result", "call"),
  "being left idle": () => ends("idle", "idle"),
  "being left with a pending call": () => ends("idle", "pending"),
  "an exit": attack("exit"),
  "an abort": attack("abort"),
  "a signal": attack("raiseTerm"),
  "a segmentation fault": attack("segfault"),
  "a deadlock": attack("deadlock"),
  "forged bytecode": attack("opcodes"),
  "a jump out of its code": attack("jumpOut"),
  "mutated bytecode": attack("bytecodeMutated"),
  "random bytecode": attack("bytecodeRandom"),
  "forged constants": attack("constantOut"),
  "marshal that was mutated": attack("marshalExecuted"),
  "memory written through a forged object": async () => {
    await guest.run("run", WRITE_EVERYWHERE);
  },
  "everything deleted": attack("modulesDeleted"),
  "the prelude damaged": attack("framesWalked"),
  "a full /tmp": attack("fullTmp"),
  "thousands of files": attack("manyFiles"),
  "closed streams": attack("closedStreams"),
  "closed folders": attack("closedPreopens"),
  "replaced output": attack("stdoutReplaced"),
  "every class called": attack("allClasses"),
};

/** A bytearray forged from bytes through LOAD_CONST out of range, if it works: writes far beyond what the guest has. */
const WRITE_EVERYWHERE = `
import struct, opcode, types
o = opcode.opmap
fake = struct.pack("<iIiiIIii", 1000, id(bytearray), 0x7FFFFFFF, 0x7FFFFFFF, 0, 0, 0, 0)
address = id(fake) + bytes.__basicsize__ - 1
holder = struct.pack("<I", address) * 4
def read(): pass
base = id(read.__code__.co_consts) + tuple.__basicsize__
index = ((id(holder) + bytes.__basicsize__ - 1 - base) // 4) & 0xFFFFFFFF
code = b""
for shift in (24, 16, 8):
    code += bytes([o["EXTENDED_ARG"], index >> shift & 255])
code = bytes([o["RESUME"], 0]) + code + bytes([o["LOAD_CONST"], index & 255, o["RETURN_VALUE"], 0])
read.__code__ = read.__code__.replace(co_code=code)
memory = read()
if type(memory) is bytearray:
    for at in range(17 << 20, 40 << 20, 40961):
        memory[at] = 0xA5
`;

for (const [what, dirty] of Object.entries(DIRTY))
  test(`after ${what} nothing is left`, async () => {
    guest.reset(program);
    await dirty();
    assertClean();
    await assertLikeNew();
  });

test("an instance that was never used is clean, too", async () => {
  guest.reset(program);
  assertClean();
  await assertLikeNew();
});

test("attempts with other limits between do not differ", async () => {
  guest.reset(program, { fuel: AMPLE.fuel, ram: 60 * 1024 ** 2 });
  await guest.start("grow", 5);
  assertClean({ fuel: 1_000_000_000, ram: 90 * 1024 ** 2 });
});

test("another program in the same instance finds nothing of the first", async () => {
  guest.reset(program);
  await ends("result", "leave", "a secret that must not stay");
  const other = await guest.load("from capsule import task\n@task\ndef main(): return 1\n");
  guest.reset(other);
  assert.equal(Buffer.from(guest.realMemory).includes("a secret that must not stay"), false);
  assert.equal(resultOf(await guest.start("main")), 1);
  assertClean();
});
