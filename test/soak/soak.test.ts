/** The soak itself: its programs end as they have to, and its judgement sees what grows. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { growthOf, judge, type Sample } from "./flat.ts";
import { LANGUAGES } from "./programs.ts";
import { wrongRecord } from "./record.ts";
import { soak } from "./run.ts";

for (const language of LANGUAGES)
  test(`every kind of run ends as it has to in one runtime: ${language}`, async () => {
    // A hundred runs have each kind once at least.
    const { wrong, examples, samples } = await soak({
      language,
      runs: 100,
      atOnce: 4,
      times: 2,
      quietMs: 200,
      say: () => {},
    });
    assert.deepEqual([wrong, examples], [0, []]);
    const [first, last] = samples;
    assert.equal(last?.runs, 100);
    assert.equal(last?.listeners, first?.listeners);
  });

const MB = 1024 ** 2;
const sample = (n: number, more: Partial<Sample> = {}): Sample => ({
  ...{ runs: n, p50: 10, p99: 50, heap: 30 * MB, host: 150 * MB, cells: 300 * MB },
  ...{ pids: [7, 8], resources: { PipeWrap: 6 }, files: 30, listeners: 3, ...more },
});
const samples = (of: (n: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 20 }, (_, n) => sample(n, of(n)));
const notFlat = (of: (n: number) => Partial<Sample>): string[] =>
  judge(samples(of))
    .filter(({ ok }) => !ok)
    .map(({ what }) => what);

describe("a soak is judged by what it does when it is warm", () => {
  test("what warms up or varies is flat", () => {
    assert.deepEqual(
      notFlat((n) => ({ heap: (n < 5 ? 10 : 30 + (n % 3)) * MB, p50: n < 5 ? 90 : 10 + (n % 4) })),
      [],
    );
    assert.deepEqual(
      notFlat((n) => (n < 5 ? { pids: [7], files: 20, listeners: 2, resources: {} } : {})),
      [],
    );
  });

  test("so is what warms up for long, and slower and slower, and what goes up and down", () => {
    assert.deepEqual(
      notFlat((n) => ({ cells: (450 - 250 * 0.7 ** n) * MB })),
      [],
    );
    // As cells do that are looked at while they keep instances: full, and let go of after a pause.
    for (const phase of [0, 3, 7])
      assert.deepEqual(
        notFlat((n) => ({
          cells: ([440, 540, 610, 650, 650, 650, 650, 650][(n + phase) % 8] as number) * MB,
        })),
        [],
      );
  });

  test("what grows is not", () => {
    assert.deepEqual(
      notFlat((n) => ({ cells: (300 + 8 * n + (n % 2) * 40) * MB })),
      ["cells resident"],
    );
    assert.deepEqual(
      notFlat((n) => ({ heap: (30 + 3 * n) * MB })),
      ["host heap"],
    );
    assert.deepEqual(
      notFlat((n) => ({ host: (150 + 4 * n) * MB, cells: (300 + 8 * n) * MB })),
      ["host resident", "cells resident"],
    );
    assert.deepEqual(
      notFlat((n) => ({ p50: 10 + n })),
      ["median latency"],
    );
    assert.deepEqual(
      notFlat((n) => ({ listeners: 3 + n, files: n === 15 ? 31 : 30 })),
      ["open files", "listeners"],
    );
    assert.deepEqual(
      notFlat((n) => ({ pids: [7, n < 12 ? 8 : 9], resources: { PipeWrap: 6, Timeout: n === 19 ? 1 : 0 } })),
      ["children", "handles"],
    );
  });
});

test("growth is that of most of the samples", () => {
  assert.equal(growthOf([]), 0);
  assert.equal(growthOf([5]), 0);
  assert.equal(growthOf([1, 2, 3, 4]), 3);
  assert.equal(growthOf([4, 3, 2, 1]), -3);
  assert.equal(growthOf([7, 7, 90, 7, 7, 7]), 0);
});

test("a record that lost runs, or keeps more than it may, is wrong", () => {
  const bytes = 1;
  assert.equal(wrongRecord({ runs: 120, bytes }, 120), null);
  assert.equal(wrongRecord({ runs: 10_000, bytes }, 100_020), null);
  assert.match(wrongRecord({ runs: 119, bytes }, 120) ?? "", /119 finished runs after 120/);
  assert.match(wrongRecord({ runs: 10_001, bytes }, 100_020) ?? "", /10001 finished runs/);
});
