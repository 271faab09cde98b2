import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { attemptSeed, randomBytes, randomId } from "./chance.ts";

test("a seed is the HMAC of an attempt's name, as Node computes it", () => {
  const secret = randomBytes(32);
  const name = (path: string, attempt: number) =>
    createHmac("sha256", secret).update(`${path}#${attempt}`).digest("hex");
  for (const [path, attempt] of [
    ["0", 0],
    ["0.17.3", 4],
    ["0.100000", 12],
  ] as const)
    assert.equal(attemptSeed(secret, path, attempt), name(path, attempt));
});

test("ids are UUIDs of version 4 and differ", () => {
  const ids = new Set(Array.from({ length: 1000 }, randomId));
  assert.equal(ids.size, 1000);
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("bytes that were handed out never come again", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 500; i++) seen.add(Buffer.from(randomBytes(24)).toString("hex"));
  assert.equal(seen.size, 500);
});
