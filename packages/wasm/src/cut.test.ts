import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectFunctions, type RewriteOptions, rewrite, WasmError } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

const MODULE = wat(
  `(module
    (import "host" "look" (func $look))
    (type $t (func (result i32)))
    (global $sp (mut i32) (i32.const 4096))
    (table 8 funcref)
    (elem (i32.const 1) $one $two $three $two)
    (memory (export "memory") 1)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.add (call $one) (i32.const 1)))
    (func $three (result i32) (i32.add (call $two) (i32.const 1)))
    (func $through (param i32) (result i32) (call_indirect (type $t) (local.get 0)))
    (func $deep (param i32) (call $look) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))))))`,
  { names: true },
);

function start(options: Partial<RewriteOptions>) {
  const { wasm, report } = rewrite(MODULE, {
    keepExports: ["memory"],
    exportFunctions: ["three", "through", "deep"],
    ...options,
  });
  const seen: unknown[] = [];
  const imports = { host: { look: () => seen.push(guest.exports.capsule_global_0.value) } };
  const guest = startGuest(wasm, { imports });
  return { exports: guest.exports, report, seen, wasm, used: guest.used };
}

function refusal(options: Partial<RewriteOptions>, module = MODULE): WasmError {
  try {
    rewrite(module, { keepExports: [], ...options });
  } catch (error) {
    assert.ok(error instanceof WasmError, String(error));
    return error;
  }
  return assert.fail("not refused");
}

test("exports functions by their debug names", () => {
  const { exports } = start({});
  assert.equal(exports.three(), 3);
  assert.equal(exports.through(1), 1);
  assert.equal(exports.capsule_cut, undefined);
});

test("refuses names that are missing, ambiguous, taken or reserved", () => {
  assert.match(refusal({ exportFunctions: ["three", "four"] }).message, /no function is named "four"/);
  const twice = wat('(module (func $a) (func $b) (func (export "c")))', { names: true });
  // wabt does not name two functions alike: the second name becomes the first.
  twice[twice.lastIndexOf(0x62)] = 0x61;
  assert.match(refusal({ exportFunctions: ["a"] }, twice).message, /several functions are named "a"/);
  const taken = wat('(module (func $f) (func (export "f")) (func $capsule_x))', { names: true });
  const both = { keepExports: ["f"], exportFunctions: ["f"] };
  assert.match(refusal(both, taken).message, /export "f" is repeated/);
  assert.match(refusal({ exportFunctions: ["capsule_x"] }, taken).message, /reserved/);
  const nameless = wat("(module (func $f))");
  assert.match(refusal({ exportFunctions: ["f"] }, nameless).message, /no function is named/);
  assert.match(refusal({ stackPointer: "sp" }, nameless).message, /no global is named "sp"/);
});

test("finds a stack pointer that is not exported by its debug name", () => {
  const { exports, seen, report } = start({ stackPointer: "sp" });
  exports.deep(1);
  assert.equal(report.padded, 1);
  assert.deepEqual(seen, [4096 - 112, 4096 - 224]);
});

test("a cut function leaves its index and traps; the others keep their indices", () => {
  const { exports, report } = start({ cut: (_, name) => name === "two" });
  assert.equal(report.cut, 1);
  assert.equal(exports.capsule_cut.value, -1);
  assert.equal(exports.through(1), 1);
  assert.throws(() => exports.three(), WebAssembly.RuntimeError);
  // Imports come first.
  assert.equal(exports.capsule_cut.value, 2);
});

test("cutting is told indices and names, and may cut nothing", () => {
  const asked: unknown[] = [];
  const { exports } = start({
    cut: (index, name) => {
      asked.push([index, name]);
      return false;
    },
  });
  assert.deepEqual(asked, [
    ...[
      [1, "one"],
      [2, "two"],
      [3, "three"],
      [4, "through"],
      [5, "deep"],
    ],
  ]);
  assert.equal(exports.three(), 3);
  assert.equal(exports.capsule_cut.value, -1);
});

test("slots of cut functions are null, and the others stay where they were", () => {
  const { exports } = start({ cut: (_, name) => name === "two" });
  assert.equal(exports.through(1), 1);
  for (const slot of [2, 4, 5]) assert.throws(() => exports.through(slot), WebAssembly.RuntimeError);
  assert.equal(exports.capsule_cut.value, -1);
  assert.throws(() => exports.through(3), WebAssembly.RuntimeError);
  assert.equal(exports.capsule_cut.value, 2);
  assert.throws(
    () => start({ cut: (_, name) => name !== "through" }).exports.through(1),
    WebAssembly.RuntimeError,
  );
});

test("segments that the module names otherwise are left as they are", () => {
  const text = `(module (table 4 funcref) (type $t (func (result i32)))
    (func $a (result i32) (i32.const 1)) (func $b (result i32) (i32.const 2))
    (elem $e func $b $a) (elem (i32.const 0) $a $b)
    (func $init (table.init $e (i32.const 2) (i32.const 0) (i32.const 2)))
    (func $through (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`;
  const module = wat(text, { names: true });
  const { wasm } = rewrite(module, {
    keepExports: [],
    exportFunctions: ["init", "through"],
    cut: (_, name) => name === "a",
  });
  const { exports } = startGuest(wasm);
  exports.init();
  assert.equal(exports.through(1), 2);
  assert.equal(exports.through(2), 2);
  assert.throws(() => exports.through(3), WebAssembly.RuntimeError);
  assert.equal(exports.capsule_cut.value, 0);
});

test("fuel is the same, whatever is cut of what is not called", () => {
  const whole = start({});
  const part = start({ cut: (_, name) => name === "deep" });
  for (const { exports } of [whole, part]) {
    exports.three();
    exports.through(3);
  }
  assert.equal(part.used(), whole.used());
});

test("names are kept unless dropped", () => {
  const sections = (options: Partial<RewriteOptions>) =>
    WebAssembly.Module.customSections(new WebAssembly.Module(start(options).wasm as BufferSource), "name")
      .length;
  assert.equal(sections({}), 1);
  assert.equal(sections({ dropNames: true }), 0);
});

test("functions can be looked at: names, direct calls, bodies", () => {
  const facts = inspectFunctions(MODULE);
  assert.deepEqual(
    facts.map(({ index, name, calls }) => [index, name, calls]),
    [
      ...[
        [1, "one", []],
        [2, "two", [1]],
        [3, "three", [2]],
        [4, "through", []],
        [5, "deep", [5]],
      ],
    ],
  );
  assert.deepEqual([...(facts[0]?.body ?? [])], [0, 0x41, 1, 0x0b]);
});

/** A C library's wait for a lock and its sleep, which notes its parameters. */
const LOCKS = (wait: string, sleep = "(param i32 i32 i32 i32) (result i32)") =>
  wat(
    `(module (import "host" "slept" (func $slept (param i32 i32 i32 i32)))
      (memory (export "memory") 1)
      (func $futex_wait ${wait} unreachable)
      (func $nanosleep ${sleep} (call $slept (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 0))
      (func $wait (export "wait") (param i32 i32 i32 i32 i32) (result i32)
        (call $futex_wait (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))))`,
    { names: true },
  );

test("a wait for a lock sleeps up to its limit, and without one is a deadlock", () => {
  const lockWait = { wait: "futex_wait", sleep: "nanosleep" };
  const module = LOCKS("(param i32 i32 i32 i32 i32) (result i32)");
  const slept: number[][] = [];
  const imports = { host: { slept: (...parameters: number[]) => slept.push(parameters) } };
  const { wasm } = rewrite(module, { keepExports: ["wait", "memory"], lockWait });
  const { exports } = startGuest(wasm, { imports });
  new DataView(exports.memory.buffer).setInt32(16, 7, true);
  assert.equal(exports.wait(16, 8, 100, 200, 0), -6);
  assert.equal(exports.wait(16, 7, 100, 200, 0), -73);
  assert.equal(exports.wait(16, 7, 100, 200, 2), -73);
  assert.deepEqual(slept, [
    [100, 0, 200, 0],
    [100, 1, 200, 0],
  ]);
  assert.equal(exports.capsule_deadlock.value, 0);
  assert.throws(() => exports.wait(16, 7, 100, 0, 0), WebAssembly.RuntimeError);
  assert.equal(exports.capsule_deadlock.value, 1);
});

test("functions of other types do not wait for locks", () => {
  const lockWait = { wait: "futex_wait", sleep: "nanosleep" };
  const module = wat("(module (func $futex_wait (param i32)) (func $nanosleep (param i32)))", {
    names: true,
  });
  assert.match(refusal({ lockWait }, module).message, /"futex_wait" is not of the expected type/);
  assert.match(refusal({ lockWait: { wait: "a", sleep: "b" } }, module).message, /no function is named "a"/);
});
