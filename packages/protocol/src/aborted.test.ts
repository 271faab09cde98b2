import assert from "node:assert/strict";
import { test } from "node:test";
import { aborted, unlessAborted } from "./aborted.ts";

test("work is waited for no longer than its signal allows", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
  await assert.rejects(unlessAborted(Promise.reject(new Error("no")), signal), /no/);
  const waiting = [unlessAborted(new Promise(() => {}), signal), aborted(signal)];
  controller.abort();
  assert.deepEqual(await Promise.all(waiting), [null, undefined]);
  // What fails afterwards is for nobody.
  assert.equal(await unlessAborted(Promise.reject(new Error("late")), signal), null);
  await aborted(signal);
});
