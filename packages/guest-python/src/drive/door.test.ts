import assert from "node:assert/strict";
import { test } from "node:test";
import type { GuestEvent } from "@capsule-run/protocol";
import { answer, type DoorHost } from "./door.ts";

interface Told extends DoorHost {
  readonly told: unknown[];
}

function host(event: GuestEvent | null = null): Told {
  const told: unknown[] = [];
  return {
    told,
    call: (mode, task, args) => told.push([mode, task, Buffer.from(args).toString()]),
    effect: (mode, name, request) => told.push([mode, name, Buffer.from(request).toString()]),
    wait: async (id) => Buffer.from(`{"id":${id}}`),
    rest: async (wake, pending) => {
      told.push([wake, pending]);
      return event;
    },
    revoke: (id) => void told.push(id),
    hear: (word) => void told.push(word),
  };
}

async function ask(door: DoorHost, request: string): Promise<string | null> {
  const given = await answer(door, Buffer.from(request));
  return given === null ? null : Buffer.from(given).toString();
}

test("calls of tasks", async () => {
  const door = host();
  assert.equal(await ask(door, "cadd\0[1,2]"), "1");
  assert.equal(await ask(door, "wgröße\0[]"), '{"id":2}');
  assert.deepEqual(door.told, [
    ["async", "add", "[1,2]"],
    ["sync", "größe", "[]"],
  ]);
});

test("effects", async () => {
  const door = host();
  assert.equal(await ask(door, "hfile.stat\0x"), '{"id":1}');
  assert.equal(await ask(door, "ihttp.read\0"), "2");
  assert.equal(await ask(door, "pfile.close\0y"), "");
  assert.deepEqual(door.told, [
    ["sync", "file.stat", "x"],
    ["async", "http.read", ""],
    ["post", "file.close", "y"],
  ]);
});

test("no task is called where the host says no", async () => {
  const door = { ...host(), call: () => null, effect: () => null };
  for (const request of ["cadd\0[]", "wadd\0[]", "hfile.stat\0", "ifile.stat\0", "pfile.close\0"])
    assert.equal(await ask(door, request), null);
});

test("resting: until a time, a completion, or the end", async () => {
  assert.equal(await ask(host({ type: "wake", now: 5 }), "r1700000000000.5,0"), "W");
  const envelope = Buffer.from("{}");
  const complete = host({ type: "complete", call: 7, envelope, now: 5 });
  assert.equal(await ask(complete, "r,3"), "C7\0{}");
  assert.deepEqual(complete.told, [[null, 3]]);
  assert.equal(await ask(host(), "r,0"), null);
});

test("giving up a call, and words of the prelude", async () => {
  const door = host();
  assert.equal(await ask(door, "x12"), "");
  const words = ["program", "packages", "library", "random", "environment", "files"];
  for (const word of words) assert.equal(await ask(door, `?${word}`), "");
  assert.deepEqual(door.told, [12, ...words]);
});

test("whatever else a guest sends is refused and reaches nobody", async () => {
  const door = host();
  const hostile = [
    ...["", "q", "constructor", "__proto__", "c", "cadd", "c\0[]", "w", `c${"x".repeat(900)}\0[]`],
    ...["rx,0", "r-1,0", "r9e99,0", "r1,-1", "r1,0.5", "r1,x", "x", "x0", "x-1", "x1.5", "xNaN"],
    ...[
      // Words are kept as reasons: a program could fill the host's memory with its own.
      "?",
      "?Random",
      "?constructor",
      "?files\0",
      `?${"x".repeat(201)}`,
      "h",
      "hfile.stat",
      "hfile\0x",
      "hfile.close\0x",
      "pfile.stat\0x",
      "iconstructor\0x",
    ],
  ];
  for (const request of hostile) assert.equal(await ask(door, request), null, request);
  assert.deepEqual(door.told, []);
});
