import assert from "node:assert/strict";
import { test } from "node:test";
import { clearMarks, dirtyRuns, markRange, PAGE, SLOP } from "./index.ts";

const LENGTH = 100 * PAGE;
const MAP = 2 ** 20;
const FIRST = { start: 0, end: PAGE + SLOP };

const run = (first: number, end: number) => ({ start: first * PAGE - SLOP, end: end * PAGE + SLOP });

test("marked pages make runs, with what lies near; the first page always counts", () => {
  const map = new Uint8Array(MAP);
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST]);
  for (const page of [10, 11, 13, 40, 42]) map[page] = 1;
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST, run(10, 12), run(13, 14), run(40, 41), run(42, 43)]);
  map[1] = map[12] = 1;
  assert.deepEqual(dirtyRuns(map, LENGTH).slice(0, 2), [{ start: 0, end: 2 * PAGE + SLOP }, run(10, 14)]);
});

test("runs end with the memory", () => {
  const map = new Uint8Array(MAP);
  map[99] = map[101] = map[500] = 1;
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST, { start: 99 * PAGE - SLOP, end: LENGTH }]);
  map[99] = 0;
  map[100] = 1;
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST, { start: LENGTH - SLOP, end: LENGTH }]);
  assert.deepEqual(dirtyRuns(map, 0), []);
});

test("the last page of 4 GiB always counts", () => {
  const last = { start: 2 ** 32 - PAGE - SLOP, end: 2 ** 32 };
  assert.deepEqual(dirtyRuns(new Uint8Array(MAP), 2 ** 32), [FIRST, last]);
});

test("a host marks what it writes, and clears", () => {
  const map = new Uint8Array(MAP);
  markRange(map, 5 * PAGE - 1, 2);
  markRange(map, 20 * PAGE, PAGE);
  markRange(map, 30 * PAGE, 0);
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST, run(4, 6), run(20, 21)]);
  clearMarks(map, LENGTH);
  assert.deepEqual(dirtyRuns(map, LENGTH), [FIRST]);
});
