import assert from "node:assert/strict";
import { test } from "node:test";
import { failed, LoadRecord, raised, turnEnd } from "@capsule-run/protocol";
import { classify } from "./answers.ts";
import type { QuickJs } from "./exports.ts";
import { type DoorHost, doorImports } from "./imports.ts";
import type { Values } from "./values.ts";

/** The door over a bare page of memory, as a guest that has taken over its engine would see it. */
function door(): { imports: WebAssembly.Imports; memory: Uint8Array; doomed: unknown[] } {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const doomed: unknown[] = [];
  const never = (): never => assert.fail("reached the host");
  const host: DoorHost = {
    js: () => ({ memory }) as unknown as QuickJs,
    values: () => ({ read: never, string: never, number: never, readNumber: never }) as unknown as Values,
    clock: () => 5n,
    asked: () => {},
    output: never,
    random: (length) => new Uint8Array(length).fill(9),
    library: never,
    call: never,
    wait: never,
    effect: never,
    effectSync: never,
    payload: never,
    revoke: never,
    rejection: never,
    doom: (cause) => doomed.push(cause),
  };
  const Native = WebAssembly.Suspending;
  // The function itself, because only Wasm can call what suspends.
  function plain(fn: unknown): unknown {
    return fn;
  }
  Object.assign(WebAssembly, { Suspending: plain });
  try {
    return { imports: doorImports(host), memory: new Uint8Array(memory.buffer), doomed };
  } finally {
    Object.assign(WebAssembly, { Suspending: Native });
  }
}

const hostCallOf = (imports: WebAssembly.Imports): Import =>
  (imports.env as WebAssembly.ModuleImports).host_call as Import;

type Import = (...args: unknown[]) => unknown;
const wasi = (imports: WebAssembly.Imports, name: string): Import =>
  imports.wasi_snapshot_preview1?.[name] as Import;

test("the imports are these and no more", () => {
  const { imports } = door();
  assert.deepEqual(Object.keys(imports.env ?? {}).sort(), [
    "host_call",
    "host_get_timezone_offset",
    "host_interrupt",
    "host_module_load",
    "host_module_normalize",
    "host_promise_rejection",
  ]);
  assert.deepEqual(Object.keys(imports.wasi_snapshot_preview1 ?? {}).sort(), [
    "clock_time_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_seek",
    "fd_write",
    "random_get",
  ]);
});

test("a host call by any other name ends the guest", () => {
  const { imports, memory, doomed } = door();
  const names = [
    "",
    "constructor",
    "__proto__",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "call\0",
    "CALL",
    "eval",
  ];
  for (const name of names) {
    memory.set(Buffer.from(name), 100);
    assert.equal(hostCallOf(imports)(100, Buffer.byteLength(name), 0, 0, 0), 0, name);
  }
  assert.equal(doomed.length, names.length);
});

test("pointers outside memory end the guest, and nothing is thrown into it", () => {
  const { imports, memory, doomed } = door();
  memory.set(Buffer.from("call"), 0);
  const hostCall = hostCallOf(imports);
  const calls: readonly (readonly number[])[] = [
    [65_534, 4, 0, 0, 0],
    [-1, 4, 0, 0, 0],
    [0, -1, 0, 0, 0],
    [0, 65, 0, 0, 0],
    [0x7fff_ffff, 0x7fff_ffff, 0, 0, 0],
    [0, 4, 0, 2, 65_532],
    [0, 4, 0, 2, -8],
    [0, 4, 0, 9, 0],
    [0, 4, 0, 0x7fff_ffff, 0],
  ];
  for (const args of calls) assert.equal(hostCall(...args), 0);
  assert.equal(doomed.length, calls.length);
});

test("the clock and random bytes go into memory or nowhere", () => {
  const { imports, memory } = door();
  const clock = wasi(imports, "clock_time_get");
  const random = wasi(imports, "random_get");
  assert.equal(clock(0, 0n, 65_528), 0);
  assert.equal(new DataView(memory.buffer).getBigUint64(65_528, true), 5n);
  for (const at of [65_529, 65_536, -1, 0x7fff_ffff]) assert.notEqual(clock(0, 0n, at), 0);
  assert.equal(random(0, 16), 0);
  assert.equal(memory[15], 9);
  assert.equal(memory[16], 0);
  for (const [at, length] of [
    [65_530, 10],
    [0, 65_537],
    [0, -1],
    [-1, 1],
    [-1, -1],
  ] as const)
    assert.notEqual(random(at, length), 0);
});

const answer = (text: string): unknown => turnEnd(new Uint8Array(Buffer.from(text)), classify);
const unknown = failed("internal_error", "the prelude answered what the host does not know");

test("answers of the prelude", () => {
  assert.deepEqual(answer("I,0"), { state: "idle", wake: null, pending: 0 });
  assert.deepEqual(answer("I1700000000000.5,3"), { state: "idle", wake: 1_700_000_000_000.5, pending: 3 });
  assert.deepEqual(answer("Xinvalid_result a b"), failed("invalid_result", "a b"));
  const result = answer("R[1]") as { state: string; json: Uint8Array };
  assert.deepEqual([result.state, Buffer.from(result.json).toString()], ["result", "[1]"]);
});

test("what no honest prelude answers is our error", () => {
  for (const text of [
    "",
    "Z",
    "T",
    "I",
    "I1",
    "Ix,0",
    "INaN,1",
    "I-5,0",
    "I8.65e15,0",
    "I,-1",
    "I,0.5",
    "I,x",
    "Xmine text",
    "X",
  ])
    assert.deepEqual(answer(text), unknown, text);
});

test("the engine's own exceptions have types of their own", () => {
  const report = (name: string, message: string): string => JSON.stringify({ name, message, stack: "" });
  const type = (json: string): unknown => (raised(json, classify) as { error: string }).error;
  assert.equal(type(report("RangeError", "Maximum call stack size exceeded")), "stack_overflow");
  assert.equal(type(report("InternalError", "out of memory")), "out_of_memory");
  assert.equal(type(report("Error", "Maximum call stack size exceeded")), "task_error");
  assert.equal(type(report("RangeError", "out of memory")), "task_error");
});

test("output while loading: joined by stream, limited, and one notice", () => {
  const record = new LoadRecord();
  const print = (stream: 1 | 2, text: string): void => record.print(stream, Buffer.from(text));
  print(1, "a\n");
  print(1, "");
  print(1, "b\n");
  print(2, "c\n");
  print(1, "d\n");
  assert.deepEqual(record.output, [
    { stream: 1, text: "a\nb\n" },
    { stream: 2, text: "c\n" },
    { stream: 1, text: "d\n" },
  ]);
  print(1, "x".repeat(70_000));
  print(1, "more");
  print(2, "more");
  assert.equal(record.output.length, 4);
  assert.match(record.output[3]?.text ?? "", /printed more than 65,536 bytes; the rest is dropped/);
});

test("thousands of short lines stay within what a host accepts", () => {
  const record = new LoadRecord();
  for (let i = 0; i < 100_000; i++) record.print((1 + (i % 2)) as 1 | 2, Buffer.from("\u0001"));
  assert.ok(JSON.stringify(record.output).length <= 65_536 * 32);
});
