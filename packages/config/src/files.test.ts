import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileGrant, FileMode } from "@capsule-run/protocol";
import { isWithin, meetFiles, modeAt } from "./files.ts";

const ro = (path: string): FileGrant => ({ path, mode: "read-only" });
const rw = (path: string): FileGrant => ({ path, mode: "read-write" });

test("what lies in a folder", () => {
  for (const [path, folder] of [
    ["a", "."],
    [".", "."],
    ["a", "a"],
    ["a/b", "a"],
  ] as const)
    assert.ok(isWithin(path, folder), `${path} in ${folder}`);
  for (const [path, folder] of [
    ["ab", "a"],
    ["a", "a/b"],
    [".", "a"],
  ] as const)
    assert.ok(!isWithin(path, folder), `${path} in ${folder}`);
});

test("the nearest grant counts, of two for one folder the weaker", () => {
  const grants = [rw("a/b"), ro("."), rw("a/b/c"), ro("a/b/c")];
  const cases: readonly (readonly [string, FileMode])[] = [
    [".", "read-only"],
    ["a", "read-only"],
    ["a/b", "read-write"],
    ["a/b/x", "read-write"],
    ["a/b/c", "read-only"],
    ["a/b/c/d", "read-only"],
  ];
  for (const [path, mode] of cases) assert.equal(modeAt(grants, path), mode, path);
  assert.equal(modeAt([rw("a")], "."), null);
  assert.equal(modeAt([rw("a")], "ab"), null);
});

test("folders that both grant, in the weaker mode", () => {
  assert.deepEqual(meetFiles([rw(".")], [rw("data")]), [rw("data")]);
  assert.deepEqual(meetFiles([rw("data/x")], [ro("data")]), [ro("data/x")]);
  assert.deepEqual(meetFiles([ro("data")], [rw("data/x")]), [ro("data/x")]);
  assert.deepEqual(meetFiles([rw("data")], [rw("database"), rw("other")]), []);
  assert.deepEqual(meetFiles([rw(".")], []), []);
  assert.deepEqual(meetFiles([rw(".")], [rw("."), ro("keep")]), [rw("."), ro("keep")]);
});

test("of any lists: a path is as both say, whichever way it is asked", () => {
  let state = 7;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const paths = [".", "a", "a/b", "a/b/c", "a/c", "b", "b/a", "ab"];
  const list = (): FileGrant[] =>
    Array.from({ length: random(5) }, () => {
      const path = paths[random(paths.length)] as string;
      return random(2) ? ro(path) : rw(path);
    });
  for (let i = 0; i < 3000; i++) {
    const [a, b] = [list(), list()];
    const met = meetFiles(a, b);
    assert.equal(new Set(met.map(({ path }) => path)).size, met.length);
    for (const path of [...paths, "a/b/c/d", "x"]) {
      const [one, other] = [modeAt(a, path), modeAt(b, path)];
      const expected =
        one === null || other === null ? null : one === other ? one : ("read-only" satisfies FileMode);
      assert.equal(modeAt(met, path), expected, JSON.stringify({ a, b, path }));
    }
  }
});
