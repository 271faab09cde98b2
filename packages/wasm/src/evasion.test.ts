import assert from "node:assert/strict";
import { test } from "node:test";
import { i32 } from "./assemble.ts";
import { rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

/** Ways to run for ever. `f` is the function under test, `$thr` throws, slot 0 of the table is `f` itself. */
const ENDLESS: Readonly<Record<string, string>> = {
  loop: "(loop $l (br $l))",
  "loop by br_if": "(loop $l (br_if $l (i32.const 1)))",
  "loop with many back edges": `(loop $l (br_if $l (i32.const 0)) (br_if $l (i32.const 0))
    (br_if $l (i32.const 0)) (br $l))`,
  "loop by br_table": "(loop $l (br_table $l $l (i32.const 0)))",
  "loop by the default of a br_table": "(loop $l (block $b (br_table $b $l (i32.const 9))))",
  "loop with a parameter": "(i32.const 1) (loop $l (param i32) (br $l))",
  "loop with a parameter, by br_if":
    "(i32.const 1) (loop $l (param i32) (result i32) (br_if $l (i32.const 1))) drop",
  "loop out of nested blocks": "(loop $l (block (block (if (i32.const 1) (then (br $l))))))",
  "loop in the else arm": "(loop $l (if (i32.const 0) (then) (else (br $l))))",
  "loop through an import": "(loop $l (call $import) (br $l))",
  "loop behind a dispatch": dispatchLoop(20),
  recursion: "(call $f)",
  "recursion in two steps": "(call $g)",
  "indirect recursion": "(call_indirect (type $v) (i32.const 0))",
  "tail call": "(return_call $f)",
  "tail call in two steps": "(return_call $tail)",
  "indirect tail call": "(return_call_indirect (type $v) (i32.const 0))",
  "throw and catch": "(loop $l (try (do (throw $e)) (catch $e (br $l))))",
  "throw through a frame": "(loop $l (try (do (call $thr)) (catch $e)) (br $l))",
  "throw, then a tail call": "(try (do (call $thr)) (catch $e)) (return_call $f)",
  rethrow: `(loop $l
    (try (do (try (do (throw $e)) (catch $e (rethrow 0)))) (catch_all (br $l))))`,
  delegate: "(loop $l (try (do (try (do (call $thr)) (delegate 0))) (catch_all)) (br $l))",
  "bulk fill and tail call": `(memory.fill (i32.const 0) (i32.const 0) (i32.const 60000)) (return_call $f)`,
  "bulk copy in a loop": `(loop $l (memory.copy (i32.const 0) (i32.const 9) (i32.const 60000)) (br $l))`,
  "table fill in a loop": `(loop $l (table.fill 1 (i32.const 0) (ref.null func) (i32.const 1000)) (br $l))`,
  "memory.grow in a loop": "(loop $l (drop (memory.grow (i32.const 0))) (br $l))",
};

function dispatchLoop(targets: number): string {
  const labels = Array.from({ length: targets }, (_, i) => `$b${i}`);
  const open = labels.map((label) => `(block ${label}`).join(" ");
  const close = labels.map(() => ") (br $l)").join(" ");
  return `(loop $l ${open} (br_table ${labels.join(" ")} (i32.const 3)) ${close})`;
}

/** Ends with "divide by zero" after so many rounds what would otherwise hang the tests. */
const ROUNDS = 20_000;

const TICK = `(global.set $left (i32.sub (global.get $left) (i32.const 1)))
  (drop (i32.div_u (i32.const 1) (global.get $left)))`;

function moduleWith(body: string): Uint8Array {
  const loop = /\(loop \$l( \(param i32\))?( \(result i32\))?/;
  const ticking = loop.test(body) ? body.replace(loop, `$& ${TICK}`) : `${TICK} ${body}`;
  return wat(`(module
    (type $v (func))
    (import "host" "import" (func $import))
    (global $left (mut i32) (i32.const ${ROUNDS}))
    (tag $e)
    (memory 1)
    (table 2 funcref)
    (table 1000 funcref)
    (elem (table 0) (i32.const 0) func $f)
    (func $thr (throw $e))
    (func $g (call $f))
    (func $tail (return_call $f))
    (func $f (export "f") ${ticking}))`);
}

const imports = { host: { import() {} } };

/** The instructions of TICK, for global 0. */
const TICK_BYTES = [0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x41, 1, 0x23, 0, 0x6e, 0x1a];

/** try_table is not in the text format of the assembler at hand: these are the instructions themselves. */
const TRY_TABLE: Readonly<Record<string, readonly number[]>> = {
  // (loop (try_table (catch_all 0) (throw $e)))
  "try_table into a loop": [0x03, 0x40, ...TICK_BYTES, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b],
  // (loop (block (try_table (catch 0 0) (throw $e))) (br 0))
  "try_table into a block": [
    ...[0x03, 0x40, ...TICK_BYTES, 0x02, 0x40, 0x1f, 0x40, 1, 0, 0, 0, 0x08, 0, 0x0b, 0x0b, 0x0c, 0, 0x0b],
  ],
  // (loop (block (result exnref) (try_table (catch_all_ref 0) (throw $e)) (unreachable)) (drop) (br 0))
  "try_table with a reference": [
    ...[
      0x03,
      0x40,
      ...TICK_BYTES,
      0x02,
      0x69,
      0x1f,
      0x40,
      1,
      3,
      0,
      0x08,
      0,
      0x0b,
      0x00,
      0x0b,
      0x1a,
      0x0c,
      0,
      0x0b,
    ],
  ],
  // (try_table (catch_all 0) (throw $e)) with the function's own label, then a caller that loops
  "try_table out of a function": [0x03, 0x40, ...TICK_BYTES, 0x10, 2, 0x0c, 0, 0x0b],
};

/** A module whose function 1 is `code`, 0 throws, and 2 catches out of itself. */
function tryTableModule(code: readonly number[]): Uint8Array {
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const body = (...instructions: number[]) => [instructions.length + 2, 0, ...instructions, 0x0b];
  const bodies = [body(0x08, 0), body(...code), body(0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 3, 0, 0, 0),
    ...section(13, 1, 0, 0),
    ...section(6, 1, 0x7f, 1, ...i32(ROUNDS), 0x0b),
    ...section(7, 1, 1, 0x66, 0, 1),
    ...section(10, 3, ...bodies.flat()),
  ]);
}

const MODULES: readonly (readonly [string, () => Uint8Array])[] = [
  ...Object.entries(ENDLESS).map(([name, body]) => [name, () => moduleWith(body)] as const),
  ...Object.entries(TRY_TABLE).map(([name, code]) => [name, () => tryTableModule(code)] as const),
];

for (const [name, make] of MODULES) {
  test(`cannot run for ever by ${name}`, () => {
    const { wasm } = rewrite(make(), { keepExports: ["f"] });
    for (const slice of [10, 77]) {
      const guest = startGuest(wasm, { slice, limit: 100, imports });
      assert.throws(() => guest.exports.f(), { name: "RuntimeError", message: "unreachable" });
      assert.equal(guest.slices(), 100);
      const overshoot = guest.used() - 101 * slice;
      assert.ok(overshoot > 0 && overshoot <= 100_000, `stopped ${overshoot} units after its fuel`);
    }
  });
}

test("a guest cannot reach the gate's table, nor the globals and functions that are added", () => {
  const plain = wat(`(module (type (func)) (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0))
    (func (export "f") (call_indirect (type 0) (i32.const 0)) (global.set 0 (i32.const 7)) (call 0)
      (drop (table.size 0)) (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0)) (drop (ref.func 0)))
    (elem declare func 0))`);
  rewrite(plain, { keepExports: ["f"] });
  const find = (...bytes: number[]) => Buffer.from(plain).indexOf(Uint8Array.from(bytes));
  const changes = [
    { at: find(0x11, 0, 0) + 2, to: 1, message: /no table 1/ },
    { at: find(0x24, 0) + 1, to: 1, message: /no global 1/ },
    { at: find(0x10, 0) + 1, to: 1, message: /no function 1/ },
    { at: find(0xfc, 0x10, 0) + 2, to: 1, message: /no table 1/ },
    { at: find(0xfc, 0x0e, 0, 0) + 2, to: 1, message: /no table 1/ },
    { at: find(0xfc, 0x0e, 0, 0) + 3, to: 1, message: /no table 1/ },
    { at: find(0xd2, 0) + 1, to: 1, message: /no function 1/ },
  ];
  for (const { at, to, message } of changes) {
    const evil = plain.slice();
    evil[at] = to;
    assert.throws(() => rewrite(evil, { keepExports: ["f"] }), { name: "WasmError", offset: at, message });
  }
});
