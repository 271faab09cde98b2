import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { instrument, profileFrom, type RewriteOptions, rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { KERNELS } from "./testing/kernels.ts";
import { QUICKJS_EXPORTS, QuickJS, quickjsImports, quickjsModule } from "./testing/quickjs.ts";
import { meterPlainly } from "./testing/reference.ts";
import { wat } from "./testing/wat.ts";

/** What `f(argument)` uses in a module with these functions, and that a plain meter counts the same. */
function fuelOf(functions: string, argument: number): number {
  const module =
    wat(`(module (memory 1) (table funcref (elem $double)) (type $unary (func (param i32) (result i32)))
    (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))) ${functions})`);
  const guest = startGuest(rewrite(module, { keepExports: ["f"] }).wasm);
  const result = guest.exports.f(argument);
  const plain = new WebAssembly.Instance(new WebAssembly.Module(meterPlainly(module) as BufferSource))
    .exports;
  assert.equal((plain.f as (n: number) => number)(argument), result);
  assert.equal(guest.used(), -(plain.fuel as WebAssembly.Global).value);
  return guest.used();
}

test("a straight function costs its instructions", () => {
  // local.get, i32.const, i32.add
  assert.equal(
    fuelOf(`(func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))`, 1),
    3,
  );
});

test("blocks, loops, ends and nops are free", () => {
  // local.get
  assert.equal(fuelOf(`(func (export "f") (param i32) (result i32) nop (block) (loop) (local.get 0))`, 1), 1);
});

test("each arm of an if costs what it holds", () => {
  const f = `(func (export "f") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))`;
  assert.equal(fuelOf(f, 1), 3); // local.get, if, i32.const
  assert.equal(fuelOf(f, 0), 5); // local.get, if, two i32.const, i32.add
});

test("an if without else costs nothing more when it is not entered", () => {
  const f = `(func (export "f") (param i32) (result i32)
    (if (local.get 0) (then (local.set 0 (i32.const 9)))) (local.get 0))`;
  assert.equal(fuelOf(f, 1), 5); // local.get, if, i32.const, local.set, local.get
  assert.equal(fuelOf(f, 0), 3); // local.get, if, local.get
});

test("a loop costs each of its rounds", () => {
  const f = `(func (export "f") (param i32) (result i32)
    (loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))) (local.get 0))`;
  // Each round: local.get, i32.const, i32.sub, local.set, local.get, br_if; then local.get.
  assert.equal(fuelOf(f, 1), 7);
  assert.equal(fuelOf(f, 1000), 6001);
});

test("calls cost one and what is called", () => {
  const f = `(func (export "f") (param i32) (result i32) (call $double (local.get 0)))`;
  assert.equal(fuelOf(f, 4), 5); // local.get, call; local.get, i32.const, i32.mul
  const indirect = `(func (export "f") (param i32) (result i32)
    (call_indirect (type $unary) (local.get 0) (i32.const 0)))`;
  assert.equal(fuelOf(indirect, 4), 6); // local.get, i32.const, call_indirect; local.get, i32.const, i32.mul
  const tail = `(func (export "f") (param i32) (result i32) (return_call $double (local.get 0)))`;
  assert.equal(fuelOf(tail, 4), 5);
});

test("a table of branches costs one and the code of its target", () => {
  const f = `(func (export "f") (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $c (local.get 0)))
      (return (i32.const 1)))
      (local.set 0 (i32.add (i32.const 1) (i32.const 1))))
    (local.get 0))`;
  assert.equal(fuelOf(f, 0), 4); // local.get, br_table; i32.const, return
  assert.equal(fuelOf(f, 1), 7); // local.get, br_table; two i32.const, i32.add, local.set; local.get
  assert.equal(fuelOf(f, 2), 3); // local.get, br_table; local.get
  assert.equal(fuelOf(f, -1), 3);
});

test("memory operations cost one more for every 16 bytes, growing memory 4,096 a page", () => {
  const fill = `(func (export "f") (param i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (i32.const 0))`;
  assert.equal(fuelOf(fill, 0), 5); // two i32.const, local.get, memory.fill; i32.const
  assert.equal(fuelOf(fill, 15), 5);
  assert.equal(fuelOf(fill, 16), 6);
  assert.equal(fuelOf(fill, 65536), 5 + 4096);
  const grow = `(func (export "f") (param i32) (result i32) (memory.grow (local.get 0)))`;
  assert.equal(fuelOf(grow, 0), 2); // local.get, memory.grow
  assert.equal(fuelOf(grow, 3), 2 + 3 * 4096);
});

test("a dispatch loop costs its instructions, whichever way handlers follow each other", () => {
  const labels = Array.from({ length: 20 }, (_, i) => `$b${i}`);
  const blocks = labels.map((label) => `(block ${label}`).join(" ");
  // Some handlers go on to the next round, others fall into the next handler.
  const handlers = labels.map((_, i) =>
    i % 3 ? `) ${"nop (i32.const 1) drop ".repeat(i)} (br $l)` : ") (i32.const 1) drop",
  );
  const dispatch = `(func (export "f") (param i32) (result i32) (local i32)
    (block $exit (loop $l ${blocks}
      (local.set 0 (i32.sub (local.get 0) (i32.const 7)))
      (br_table ${labels.join(" ")} $exit (i32.and (local.get 0) (i32.const 31))) ${handlers.join(" ")}))
    (local.get 1))`;
  for (const start of [0, 3, 100, 777]) fuelOf(dispatch, start);
});

test("an exception out of a dispatch's handler does not give back what its header cost", () => {
  const labels = Array.from({ length: 20 }, (_, i) => `$b${i}`);
  const blocks = labels.map((label) => `(block ${label}`).join(" ");
  const header = "(local.set 1 (i32.add (local.get 1) (i32.const 1)))".repeat(12);
  const module = wat(`(module (tag $e) (func $thrower (if (i32.const 1) (then (throw $e))))
    (func (export "f") (param i32) (result i32) (local i32)
      (loop $again
        (try (do (loop $l ${blocks} ${header} (br_table ${labels.join(" ")} (i32.const 5))
          ${") (call $thrower)".repeat(20)} (br_if $l (i32.const 0)) (br_if $l (i32.const 0)) (br $l)))
          (catch_all))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1)))`);
  const guest = startGuest(rewrite(module, { keepExports: ["f"] }).wasm);
  assert.equal(guest.exports.f(1000), 12_000);
  const plain = new WebAssembly.Instance(new WebAssembly.Module(meterPlainly(module) as BufferSource))
    .exports;
  (plain.f as (n: number) => number)(1000);
  const units = -(plain.fuel as WebAssembly.Global).value;
  assert.ok(guest.used() >= units, `${guest.used()} units for ${units}`);
});

test("the fuel that the host sees during a call does not depend on slices", () => {
  const module = wat(`(module (import "host" "look" (func $look (param i32))) (table funcref (elem $g))
    (func $g (param i32) (if (i32.gt_s (local.get 0) (i32.const 0))
      (then (call $look (local.get 0)) (call_indirect (param i32) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
    (func (export "f") (param i32) (result i32)
      (loop $l (call $g (local.get 0)) (call $look (i32.const 0))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0)))`);
  const { wasm } = rewrite(module, { keepExports: ["f"] });
  const looks = [7, 100, 12_345, 1 << 30].map((slice) => {
    const seen: number[] = [];
    const imports = { host: { look: () => seen.push(guest.used()) } };
    const guest = startGuest(wasm, { slice, imports });
    guest.exports.f(30);
    return seen;
  });
  assert.equal(looks[0]?.length, 495);
  for (const seen of looks) assert.deepEqual(seen, looks[0]);
});

test("a path is not paid too far in advance, however many calls are on it", () => {
  const steps = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(200);
  const module = wat(`(module (import "host" "look" (func $look))
    (func $recursive (if (i32.const 0) (then (call $recursive))))
    (func $h (param i32) (call $recursive) ${steps})
    (func (export "f") (call $look) ${"(call $h (i32.const 0))".repeat(2000)}))`);
  let seen = 0;
  const imports = { host: { look: () => (seen = guest.used()) } };
  const guest = startGuest(rewrite(module, { keepExports: ["f"] }).wasm, { imports });
  guest.exports.f();
  assert.equal(guest.used(), 1 + 2000 * (2 + 3 + 800));
  assert.ok(seen > 1 && seen <= 101_000, `${seen} units in advance`);
});

function startQuickJS(options: Partial<RewriteOptions>, slice?: number) {
  const { wasm } = rewrite(quickjsModule(), { keepExports: QUICKJS_EXPORTS, ...options });
  const imports = quickjsImports(() => guest.exports.memory);
  const guest = startGuest(wasm, slice === undefined ? { imports } : { imports, slice });
  const engine = new QuickJS(guest.exports);
  const run = (code: string) => {
    const before = guest.used();
    const result = engine.run(code);
    return { result, fuel: guest.used() - before };
  };
  const image = () => createHash("sha256").update(new Uint8Array(guest.exports.memory.buffer)).digest("hex");
  return { run, image, slices: guest.slices };
}

test("QuickJS gives the results of the module as it was, and the fuel of a plain meter", () => {
  const metered = startQuickJS({ stackPointer: "__stack_pointer" });
  const module = new WebAssembly.Module(meterPlainly(quickjsModule()) as BufferSource);
  const imports = quickjsImports(() => exports.memory);
  const exports = new WebAssembly.Instance(module, imports).exports as never as QuickJS["exports"];
  const plain = new QuickJS(exports);
  const fuel = exports.fuel as WebAssembly.Global<"i32">;
  for (const [name, code] of Object.entries(KERNELS)) {
    // Without padding V8's own stack overflows first.
    if (name.endsWith("verflow")) continue;
    fuel.value = 0;
    const result = plain.run(code);
    assert.deepEqual(metered.run(code), { result, fuel: -fuel.value }, name);
  }
});

test("result, fuel and memory are the same for every slice, profile and limit of straight paths", () => {
  const sites = instrument(quickjsModule(), { keepExports: QUICKJS_EXPORTS }).sites;
  const counters = Uint32Array.from({ length: sites.length * 2 }, (_, i) => (i % 2 ? (i >> 1) % 3 : 2));
  const profile = profileFrom(quickjsModule(), sites, [{ counters, fuel: 1 }]);
  const variants = [
    startQuickJS({ stackPointer: "__stack_pointer" }, 100_000),
    startQuickJS({ stackPointer: "__stack_pointer" }, 20_000_000),
    startQuickJS({ stackPointer: "__stack_pointer", profile }, 7_777_777),
    startQuickJS({ stackPointer: "__stack_pointer", straightLimit: 4096 }, 1_000_000),
  ];
  for (const [name, code] of Object.entries(KERNELS)) {
    const runs = variants.map(({ run, image }) => ({ ...run(code), image: image() }));
    for (const other of runs.slice(1)) assert.deepEqual(other, runs[0], name);
  }
  assert.ok((variants[0]?.slices() ?? 0) > 1000);
});
