import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "./backoff.ts";

test("100 ms, doubling, 30 s at most", () => {
  const full = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
  for (const [i, ms] of full.entries()) {
    assert.equal(backoffMs(i + 1, 1), ms);
    assert.equal(backoffMs(i + 1, 0), ms / 2);
  }
});

test("chance moves it between half and all", () => {
  for (let random = 0; random < 1; random += 0.01) {
    const ms = backoffMs(3, random);
    assert.ok(ms >= 200 && ms <= 400);
  }
  assert.equal(backoffMs(1, 0.5), 75);
});

test("any number of retries keeps the limit", () => {
  for (const retry of [50, 2000, 1e9, Number.MAX_SAFE_INTEGER]) assert.equal(backoffMs(retry, 1), 30_000);
});
