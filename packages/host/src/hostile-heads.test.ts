/** Heads and payloads that a cell may send, at random: whatever comes, it is an answer or an EffectError. */
import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { decodeEffect, EFFECT_NAMES, EffectError, encodeEffect } from "@capsule-run/protocol";
import type { Capability } from "./capability.ts";
import { openFilesOn } from "./files/index.ts";
import { GROUNDS } from "./files/testing.ts";
import { network, serve } from "./network/testing.ts";

const ROUNDS = 800;
/** Calls that are under way at once. */
const AT_ONCE = 12;

type Random = () => number;

/** The same numbers for the same seed: mulberry32. */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = [
  "d",
  "r",
  "f",
  "big",
  "out",
  "up",
  "loop",
  "new",
  "..",
  ".",
  "",
  ".env",
  "\0",
  "\ud800",
  "ü",
  "a".repeat(300),
];
const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    2,
    3,
    0.5,
    2 ** 31,
    2 ** 53,
    1e308,
    -1e308,
    "",
    "1",
    "NaN",
    "__proto__",
    "constructor",
  ],
  ...[[], [[]], {}, { path: "/app/d/f" }, { toString: "x" }, "x".repeat(70_000), Array(300).fill(["a", "b"])],
];
const FIELDS = [
  ...[
    "path",
    "from",
    "to",
    "handle",
    "at",
    "length",
    "size",
    "follow",
    "accessed",
    "modified",
    "read",
    "write",
  ],
  ...[
    "append",
    "create",
    "exclusive",
    "truncate",
    "directory",
    "method",
    "url",
    "headers",
    "redirect",
    "body",
  ],
  ...["timeoutMs", "__proto__", "constructor", "toString", "then", "length"],
];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

const path = (random: Random): string =>
  `${pick(random, ["/app/d", "/app/r", "/app", "", "/etc", "/"])}${Array.from({ length: Math.floor(random() * 4) }, () => `/${pick(random, NAMES)}`).join("")}`;

/** What a field ought to be, most of the time. */
function fitting(random: Random, field: string, port: number): unknown {
  if (field === "path" || field === "from" || field === "to") return path(random);
  if (field === "handle") return Math.floor(random() * 40);
  if (field === "at" || field === "length" || field === "size") return Math.floor(random() * 5000);
  if (field === "accessed" || field === "modified")
    return pick(random, [null, "0", "-1", "9223372036854775807"]);
  if (field === "method") return pick(random, ["GET", "POST", "HEAD", "get", "CONNECT"]);
  if (field === "url")
    return pick(random, [
      `http://127.0.0.1:${port}/`,
      `http://u:p@127.0.0.1:${port}/#x`,
      "http://127.0.0.1:1/",
      "http://a.test/",
      "file:///etc/passwd",
    ]);
  if (field === "headers")
    return pick(random, [[], [["a", "b"]], [["content-length", "3"]], [["host", "a.test"]]]);
  if (field === "redirect") return pick(random, ["follow", "manual", "error"]);
  if (field === "body") return pick(random, ["none", "whole", "stream"]);
  if (field === "timeoutMs") return pick(random, [null, 0, 50]);
  return random() < 0.5;
}

const head = (random: Random, port: number): object => {
  const fields = FIELDS.filter(() => random() < 0.85).map((field): [string, unknown] => [
    field,
    random() < 0.08 ? pick(random, ODD) : fitting(random, field, port),
  ]);
  return Object.fromEntries(fields);
};

/** All that is in a folder. */
function contents(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      const inside = stat.isDirectory() ? contents(path) : stat.isFile() ? readFileSync(path, "utf8") : null;
      return [name, stat.mode, stat.mtimeMs, inside];
    });
}

/** Asks for things at random, some of them given up, and closes while some are under way. */
async function ask(capability: Capability, kind: string, random: Random, port: number): Promise<Set<string>> {
  const verbs = [
    ...EFFECT_NAMES.filter((name) => name.startsWith(`${kind}.`)),
    `${kind}.nothing`,
    `${kind}.__proto__`,
  ];
  const seen = new Set<string>();
  const under = new Set<Promise<void>>();
  for (let round = 0; round < ROUNDS; round++) {
    const stop = new AbortController();
    const [, verb = ""] = pick(random, verbs).split(".");
    const payload = Buffer.alloc(random() < 0.3 ? Math.floor(random() * 3000) : 0);
    // As it crosses: numbers that JSON has no words for do not.
    const asked = decodeEffect(encodeEffect(head(random, port), payload));
    if (!asked) continue;
    const call = capability.perform(verb, asked.head, asked.payload, stop.signal, 1).then(
      ({ head: answer }) => {
        assert.equal(typeof answer, "object");
        seen.add("fine");
      },
      (error: unknown) => {
        assert.ok(error instanceof EffectError, String((error as Error).stack));
        seen.add(error.code);
      },
    );
    const done: Promise<void> = call.finally(() => under.delete(done));
    under.add(done);
    if (random() < 0.1) setImmediate(() => stop.abort());
    if (under.size >= AT_ONCE) await Promise.race(under);
  }
  await capability.close();
  await Promise.all(under);
  await assert.rejects(
    capability.perform(verbs[0]?.split(".")[1] ?? "", {}, Buffer.alloc(0), new AbortController().signal, 1),
  );
  return seen;
}

function ground(): { readonly host: string; readonly kept: readonly string[]; readonly writable: string } {
  const host = mkdtempSync(join(tmpdir(), "capsule-heads-"));
  after(() => rmSync(host, { recursive: true, force: true }));
  for (const name of ["d/d", "r/d", "outside"]) mkdirSync(join(host, name), { recursive: true });
  for (const name of ["d/f", "d/d/f", "r/f", "r/d/f", "outside/f", ".env", "d/.env"])
    writeFileSync(join(host, name), name);
  writeFileSync(join(host, "d/big"), Buffer.alloc(200_000));
  for (const [link, target] of [
    ["out", "../outside"],
    ["up", ".."],
    ["loop", "loop"],
  ] as const)
    for (const at of ["d", "r"]) symlinkSync(target, join(host, at, link));
  return { host, kept: [join(host, "outside"), join(host, "r")], writable: join(host, "d") };
}

for (const [name, held] of GROUNDS)
  describe(`files, ${name}`, () => {
    for (const seed of [1, 2])
      test(`seed ${seed}`, async () => {
        const { host, kept, writable } = ground();
        const before = kept.map(contents);
        const around = readdirSync(host).sort();
        const files = openFilesOn(
          () => held,
          [
            { host: writable, guest: "/app/d", writable: true },
            { host: join(host, "r"), guest: "/app/r", writable: false },
            { host: join(host, "r"), guest: "/app/d/r", writable: false },
          ],
        );
        const seen = await ask(files, "file", seeded(seed), 1);
        for (const code of ["fine", "EINVAL", "EROFS", "ENOENT", "EBADF", "ENOSYS"])
          assert.ok(seen.has(code), code);
        assert.deepEqual(kept.map(contents), before);
        assert.deepEqual(readdirSync(host).sort(), around);
        assert.equal(readFileSync(join(host, ".env"), "utf8"), ".env");
        assert.equal(readFileSync(join(writable, ".env"), "utf8"), "d/.env");
      });
  });

describe("network", () => {
  for (const seed of [1, 2])
    test(`seed ${seed}`, async () => {
      let stray = 0;
      await using other = await serve((_, response) => {
        stray++;
        response.end();
      });
      await using server = await serve((request, response) => {
        request.resume();
        if (request.method === "POST") response.writeHead(302, { location: other.url });
        response.end("x".repeat(1000));
      });
      await using opened = network([server.host, "127.0.0.1:1"], {
        resolve: () => Promise.reject(new Error("nothing is to be resolved")),
        limits: { idleMs: 100, headMs: 200, quietMs: 1 },
      });
      const seen = await ask(opened, "http", seeded(seed), server.port);
      for (const code of ["fine", "EINVAL", "EFORBIDDEN", "EABORTED"]) assert.ok(seen.has(code), code);
      assert.equal(stray, 0);
      assert.ok(opened.requests.length <= 1000);
    });
});
