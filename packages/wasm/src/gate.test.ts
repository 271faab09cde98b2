import assert from "node:assert/strict";
import { test } from "node:test";
import { GATE, rewrite } from "./index.ts";
import { openGate, startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

const COUNTDOWN = `(module (func (export "f") (param i32) (result i32)
  (loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))) (local.get 0)))`;

const CATCHES_ALL = `(module (func (export "f") (result i32)
  (try (do (loop $l (br $l))) (catch_all)) (i32.const 7)))`;

function guestOf(text: string) {
  return startGuest(rewrite(wat(text), { keepExports: ["f"] }).wasm);
}

test("the gate is a valid module with one import and one export", () => {
  const module = new WebAssembly.Module(GATE as BufferSource);
  assert.deepEqual(WebAssembly.Module.imports(module), [
    { module: "capsule", name: "yield", kind: "function" },
  ]);
  assert.deepEqual(WebAssembly.Module.exports(module), [{ name: "gate", kind: "function" }]);
});

test("the gate is asked until the fuel is not negative", () => {
  const { exports } = guestOf(COUNTDOWN);
  let calls = 0;
  openGate(exports, () => {
    calls++;
    exports.capsule_fuel.value += 1;
    return 0;
  });
  exports.capsule_fuel.value = 0;
  assert.equal(exports.f(10), 0);
  // Ten rounds of six units and the last local.get; the last unit is charged behind the last check.
  assert.equal(exports.capsule_fuel.value, calls - 61);
  assert.ok(calls > 10);
});

test("without a gate a guest traps when it needs one", () => {
  const { wasm } = rewrite(wat(COUNTDOWN), { keepExports: ["f"] });
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource)).exports;
  assert.throws(() => (f as (n: number) => number)(10), WebAssembly.RuntimeError);
});

test("a refusal cannot be caught, an exception of the host's could", () => {
  const refused = guestOf(CATCHES_ALL);
  openGate(refused.exports, () => 1);
  refused.exports.capsule_fuel.value = 0;
  assert.throws(() => refused.exports.f(), { name: "RuntimeError", message: "unreachable" });

  const thrown = guestOf(CATCHES_ALL);
  openGate(thrown.exports, () => {
    thrown.exports.capsule_fuel.value = 1000;
    throw new Error("caught by the guest");
  });
  thrown.exports.capsule_fuel.value = 0;
  assert.equal(thrown.exports.f(), 7);
});

test("a guest waits while the host decides, and goes on or traps", async () => {
  const guest = guestOf(COUNTDOWN);
  const { exports } = guest;
  let yields = 0;
  const suspending = new WebAssembly.Suspending(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    yields++;
    exports.capsule_fuel.value += 1000;
    return 0;
  });
  openGate(exports, suspending);
  exports.capsule_fuel.value = 1000;
  const f = WebAssembly.promising(exports.f);
  assert.equal(await f(1000), 0);
  // The last unit, a local.get, is charged behind the last check.
  assert.equal(yields, 5);
  assert.equal(1000 + yields * 1000 - exports.capsule_fuel.value, 6001);
});

test("a refusal by a promise is a trap, even inside catch_all", async () => {
  const { exports } = guestOf(CATCHES_ALL);
  openGate(exports, new WebAssembly.Suspending(async () => 1));
  exports.capsule_fuel.value = 1000;
  await assert.rejects(WebAssembly.promising(exports.f)(), (error) => {
    assert.ok(error instanceof WebAssembly.RuntimeError);
    assert.equal(error.message, "unreachable");
    return true;
  });
});
