import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameError } from "@capsule-run/protocol";
import { Turns } from "./turns.ts";

test("busy from its start until it is idle", () => {
  const turns = new Turns();
  assert.ok(turns.busy);
  turns.idle();
  assert.ok(!turns.busy);
  turns.completed(1);
  turns.woken();
  turns.idle();
  assert.ok(turns.busy, "one turn for each event");
  turns.idle();
  assert.ok(!turns.busy);
});

test("not busy while it is suspended, whatever waits for it", () => {
  const turns = new Turns();
  turns.called(1, "async");
  turns.called(2, "sync");
  assert.ok(!turns.busy);
  turns.completed(1);
  assert.ok(!turns.busy, "the completion of another call has to wait");
  turns.completed(2);
  assert.ok(turns.busy);
  turns.idle();
  assert.ok(turns.busy, "now for the other");
  turns.idle();
  assert.ok(!turns.busy);
});

test("what can't come is refused", () => {
  const idle = new Turns();
  idle.idle();
  const suspended = new Turns();
  suspended.called(1, "sync");
  const over = new Turns();
  over.ended();
  for (const turns of [idle, suspended, over]) {
    assert.throws(() => turns.idle(), FrameError);
    assert.throws(() => turns.spoke(), FrameError);
    assert.throws(() => turns.called(2, "async"), FrameError);
  }
});
