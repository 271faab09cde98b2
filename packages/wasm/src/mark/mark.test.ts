import assert from "node:assert/strict";
import { test } from "node:test";
import { dirtyRuns } from "../host/index.ts";
import { type RewriteOptions, rewrite } from "../index.ts";
import { startGuest } from "../testing/guest.ts";
import { wat } from "../testing/wat.ts";

const PAGE = 4096;

/** An instance of a module of one function `f`, and the pages that calling it marks. */
function marking(text: string, options: Partial<RewriteOptions> = {}) {
  const { wasm, report } = rewrite(wat(text), { keepExports: ["memory", "f"], markPages: true, ...options });
  const { exports } = startGuest(wasm, { slice: 1 << 30 });
  const map = new Uint8Array((exports.capsule_dirty as WebAssembly.Memory).buffer);
  const pagesOf = (...operands: number[]) => {
    map.fill(0);
    exports.f(...operands);
    const pages: number[] = [];
    for (let page = map.indexOf(1); page >= 0; page = map.indexOf(1, page + 1)) pages.push(page);
    return pages;
  };
  return { exports, map, pagesOf, report };
}

const f = (params: string, body: string, memory = "100") =>
  `(module (memory (export "memory") ${memory}) (func (export "f") (param ${params}) ${body}))`;

test("a store marks the page it begins in, with its offset", () => {
  const { pagesOf } = marking(f("i32", "(i64.store offset=70000 (local.get 0) (i64.const 1))"));
  assert.deepEqual(pagesOf(0), [17]);
  assert.deepEqual(pagesOf(3 * PAGE), [20]);
});

test("one mark does for stores near each other, two for others", () => {
  const stores = (...offsets: number[]) =>
    offsets.map((n) => `(i32.store offset=${n} (local.get 0) (i32.const 1))`).join("");
  assert.equal(marking(f("i32", stores(0, 8, 400, 992))).report.marks, 1);
  assert.equal(marking(f("i32", stores(0, 8, 400, 993))).report.marks, 2);
  const moved = `${stores(0)} (local.set 0 (i32.add (local.get 0) (i32.const 16))) ${stores(0)}`;
  assert.equal(marking(f("i32", moved)).report.marks, 1);
});

test("a mark is made before a loop that stores by the same address", () => {
  const loop = `(loop (i32.store (local.get 0) (local.get 1))
    (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))`;
  const { pagesOf, exports } = marking(f("i32 i32", loop));
  assert.deepEqual(pagesOf(5 * PAGE, 10), [5]);
  assert.equal(new Uint32Array(exports.memory.buffer)[(5 * PAGE) / 4], 1);
});

test("a store that traps may be marked, one that is not reached is not", () => {
  const { exports, pagesOf, map } = marking(
    f("i32 i32", "(if (local.get 1) (then (i32.store (local.get 0) (i32.const 1))))"),
  );
  assert.deepEqual(pagesOf(9 * PAGE, 0), []);
  assert.throws(() => exports.f(-4 * PAGE, 1), /out of bounds/);
  assert.deepEqual(dirtyRuns(map, exports.memory.buffer.byteLength), [{ start: 0, end: PAGE + 512 }]);
});

test("what is written across the two ends of 4 GiB is found", () => {
  const { exports, pagesOf, map } = marking(
    f(
      "i32",
      `(i32.store (local.get 0) (i32.const 1)) (i32.store (i32.sub (local.get 0) (i32.const 200)) (i32.const 1))`,
      "65536",
    ),
  );
  for (const address of [0, 100, 150, 196, -300, -4]) {
    pagesOf(address);
    const runs = dirtyRuns(map, exports.memory.buffer.byteLength);
    for (const written of [address >>> 0, (address - 200) >>> 0])
      assert.ok(
        runs.some(({ start, end }) => start <= written && written + 4 <= end),
        `${written}`,
      );
  }
});

test("stores into memory that has just grown are marked", () => {
  const { exports, pagesOf, map } = marking(
    f("i32", "(drop (memory.grow (i32.const 2))) (i32.store (local.get 0) (i32.const 1))", "1"),
  );
  assert.deepEqual(pagesOf(65_536 + 8 * PAGE), [24]);
  assert.deepEqual(dirtyRuns(map, exports.memory.buffer.byteLength).at(-1), {
    start: 24 * PAGE - 512,
    end: 25 * PAGE + 512,
  });
});

test("bulk operations mark all that they write, up to the borders of pages", () => {
  const fill = marking(f("i32 i32", "(memory.fill (local.get 0) (i32.const 1) (local.get 1))"));
  const copy = marking(f("i32 i32", "(memory.copy (local.get 0) (i32.const 0) (local.get 1))"));
  for (const { pagesOf } of [fill, copy]) {
    assert.deepEqual(pagesOf(3 * PAGE, 513), [3]);
    assert.deepEqual(pagesOf(3 * PAGE, PAGE), [3]);
    assert.deepEqual(pagesOf(3 * PAGE, PAGE + 1), [3, 4]);
    assert.deepEqual(pagesOf(3 * PAGE - 1, PAGE + 2), [2, 3, 4]);
    assert.deepEqual(pagesOf(3 * PAGE - 1, 10 * PAGE), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    // The page before covers so few bytes of the next one.
    assert.deepEqual(pagesOf(4 * PAGE - 1, 512), [3]);
    assert.deepEqual(pagesOf(4 * PAGE - 1, 513), [3, 4]);
    assert.deepEqual(pagesOf(0, 3 << 20).length, 768);
  }
  for (const operands of [
    [-1, 2],
    [-512, 512],
    [-PAGE, 3 * PAGE],
    [100 * 65_536 - 1, 2],
    [0, -1],
  ])
    assert.throws(() => fill.exports.f(...operands), /out of bounds/, `${operands}`);
});

test("what a function always writes by a parameter is marked by its callers", () => {
  const text = `(module (memory (export "memory") 100)
    (func $init (param i32) (i32.store offset=8 (local.get 0) (i32.const 1)))
    (func (export "f") (param i32) (call $init (local.get 0)) (i32.store (local.get 0) (i32.const 2))))`;
  const { pagesOf, report } = marking(text);
  assert.equal(report.marks, 1);
  assert.deepEqual(pagesOf(7 * PAGE), [7]);
  // Whoever calls it through a table, or from outside, does not know.
  const exported = text.replace("(func $init", `(func $init (export "init")`);
  assert.equal(marking(exported, { keepExports: ["memory", "f", "init"] }).report.marks, 2);
  assert.equal(
    marking(text.replace("(func $init", "(table funcref (elem $init)) (func $init")).report.marks,
    2,
  );
});

test("a callee's range of addresses is marked for a constant, too", () => {
  const { pagesOf } = marking(`(module (memory (export "memory") 100)
    (func $init (param i32) (i32.store (local.get 0) (i32.const 1)) (i32.store offset=900 (local.get 0) (i32.const 1)))
    (func (export "f") (call $init (i32.const ${5 * PAGE - 100}))))`);
  const pages = pagesOf();
  assert.ok(pages.length === 1 && pages[0] === 5, `${pages}`);
});

test("without a memory there is nothing to mark", () => {
  const { wasm } = rewrite(wat(`(module (func (export "f")))`), { keepExports: ["f"], markPages: true });
  assert.equal(startGuest(wasm).exports.capsule_dirty, undefined);
});
