import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEffect, EffectError, encodeEffect, LIMITS } from "@capsule-run/protocol";
import { type AttemptParts, openAttempt, openShared } from "./attempt.ts";
import type { Capability, NetworkCapability, Performed } from "./capability.ts";

const NEVER = new AbortController().signal;

function capability(perform: Capability["perform"]): NetworkCapability & { closed: number } {
  return {
    requests: [],
    perform,
    closed: 0,
    async close() {
      this.closed++;
    },
  };
}

const parts = (made: NetworkCapability, more: Partial<AttemptParts> = {}): AttemptParts => ({
  files: async () => made,
  network: async () => made,
  tools: made,
  scrub: (text) => text.replaceAll("secret", "******"),
  ...more,
});

async function ask(
  attempt: ReturnType<typeof openAttempt>,
  request: Uint8Array,
  name: "file.stat" | "http.read" = "file.stat",
): Promise<Record<string, unknown>> {
  const answer = decodeEffect(await attempt.perform(name, request, NEVER, 7));
  assert.ok(answer);
  return { ...answer.head, payload: Buffer.from(answer.payload).toString() };
}

test("an effect goes to its capability, and what it gave comes back", async () => {
  const seen: unknown[] = [];
  const made = capability(async (name, head, payload) => {
    seen.push([name, head, Buffer.from(payload).toString()]);
    return { head: { size: 3 }, payload: Buffer.from("abc") };
  });
  const attempt = openAttempt(parts(made));
  const request = encodeEffect({ path: "/app/x" }, Buffer.from("body"));
  assert.deepEqual(await ask(attempt, request), { ok: true, size: 3, payload: "abc" });
  assert.deepEqual(await ask(attempt, request, "http.read"), { ok: true, size: 3, payload: "abc" });
  assert.deepEqual(seen, [
    ["stat", { path: "/app/x" }, "body"],
    ["read", { path: "/app/x" }, "body"],
  ]);
});

test("failures: the capability's own words, and none of what nobody foresaw", async () => {
  const errors = [new EffectError("ENOENT", "no secret file"), new Error("/home/me broke"), "text"];
  const made = capability(async () => {
    throw errors.shift();
  });
  const attempt = openAttempt(parts(made));
  const request = encodeEffect({});
  assert.deepEqual(await ask(attempt, request), {
    ...{ ok: false, code: "ENOENT", message: "no ****** file", payload: "" },
  });
  for (let i = 0; i < 2; i++) assert.equal((await ask(attempt, request)).code, "EIO");
});

test("a capability that can't be opened fails what asks for it", async () => {
  const files = async (): Promise<Capability> => {
    throw new EffectError("EACCES", "no files");
  };
  const attempt = openAttempt(
    parts(
      capability(async () => ({ head: {} })),
      { files },
    ),
  );
  assert.equal((await ask(attempt, encodeEffect({}))).code, "EACCES");
  assert.equal((await ask(attempt, encodeEffect({}), "http.read")).ok, true);
  await attempt.close();
});

test("requests that nobody can understand reach no capability", async () => {
  const made = capability(async () => assert.fail("reached"));
  const attempt = openAttempt(parts(made));
  const huge = Buffer.alloc(LIMITS.effectHeadBytes + 8, 0x20);
  huge.writeUInt32LE(LIMITS.effectHeadBytes + 1);
  const hostile = [
    ...["", "abc", "\u0005\0\0\0{}", "\u0002\0\0\0[]", "\u0004\0\0\0null", "\u0003\0\0\0\u00ff{}"],
    "\u0002\0\0\0{",
  ].map((text) => Buffer.from(text, "latin1"));
  for (const request of [...hostile, huge]) assert.equal((await ask(attempt, request)).code, "EINVAL");
});

test("an answer that is too large is an error", async () => {
  const payload = new Uint8Array(LIMITS.effectBytes + 1);
  const attempt = openAttempt(parts(capability(async (): Promise<Performed> => ({ head: {}, payload }))));
  assert.equal((await ask(attempt, encodeEffect({}))).code, "EFBIG");
});

test("closing closes what was opened, and nothing works afterwards", async () => {
  const made = capability(async () => ({ head: {} }));
  const attempt = openAttempt(parts(made));
  await attempt.close();
  assert.equal(made.closed, 0);
  const second = openAttempt(parts(made));
  await ask(second, encodeEffect({}));
  await second.close();
  assert.equal(made.closed, 1);
  assert.equal((await ask(second, encodeEffect({}))).code, "EABORTED");
});

test("attempts of a session share what is open; what one opened is given back if it is undone", async () => {
  const heard: string[] = [];
  const made: NetworkCapability = {
    ...capability(async () => ({ head: {} })),
    requests: [],
    mark: () => void heard.push("mark"),
    undo: async () => void heard.push("undo"),
    close: async () => void heard.push("close"),
  };
  const { tools, ...shared } = parts(made);
  const held = openShared(shared);
  const first = held.attempt(tools);
  const signal = new AbortController().signal;
  const request = encodeEffect({});
  await first.perform("file.stat", request, signal, 1);
  await first.end(false);
  assert.match(Buffer.from(await first.perform("file.stat", request, signal, 2)).toString(), /EABORTED/);
  const second = held.attempt(tools);
  await second.perform("file.stat", request, signal, 1);
  await second.end(true);
  assert.deepEqual(heard, ["mark", "undo"], "the same capability, marked before each attempt that finds it");
  await held.close();
  assert.deepEqual(heard, ["mark", "undo", "close"]);
});
