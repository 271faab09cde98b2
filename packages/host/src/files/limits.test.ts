/** What is bounded, what is large, what comes in order, and what all of it costs the host. */
import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EffectError, LIMITS } from "@capsule-run/protocol";
import { openFiles } from "./index.ts";
import { FILE_LIMITS, PROCESS_HELD } from "./limits.ts";
import { code, descriptors, folder, GROUNDS, Guest, namesOf, SHARED_MEMORY } from "./testing.ts";

const [, ground] = GROUNDS[0] as (typeof GROUNDS)[number];

function inFolder(parent?: string): { guest: Guest; host: string } {
  const host = folder(parent);
  return { guest: new Guest(ground, { "/app/data": `rw:${host}` }), host };
}

const codeOf = (error: unknown): string => (error instanceof EffectError ? error.code : String(error));

test("10,000 opens: those beyond the limit fail, and all that were given come back", async () => {
  const before = descriptors();
  const { guest, host } = inFolder();
  writeFileSync(join(host, "f"), "x");
  const open = async (): Promise<number | string> => (await guest.open("/app/data/f", "r")).handle;
  const opened = await Promise.all(Array.from({ length: 10_000 }, () => open().catch(codeOf)));
  const handles = opened.filter((each) => typeof each === "number");
  assert.equal(handles.length, FILE_LIMITS.openFiles);
  assert.deepEqual([...new Set(opened.filter((each) => typeof each === "string"))], ["EMFILE"]);
  await assert.rejects(guest.open("/app/data/f", "r"), {
    message: "EMFILE: too many open files, open '/app/data/f'",
  });
  // Closing is not waited for, and opening again works all the same.
  for (const handle of handles) void guest.close(handle);
  const again = await Promise.all(Array.from({ length: FILE_LIMITS.openFiles }, open));
  assert.equal(new Set([...handles, ...again]).size, 2 * FILE_LIMITS.openFiles, "a number was used twice");
  await guest.files.close();
  assert.equal(descriptors(), before);
});

test("100,000 names are listed in one answer", async () => {
  const host = folder(SHARED_MEMORY);
  for (let i = 0; i < 100_000; i++) closeSync(openSync(`${host}/file-${i}`, "w"));
  const guest = new Guest(ground, { "/app/data": `ro:${host}` });
  const start = performance.now();
  const answer = await guest.ask("list", { path: "/app/data" });
  const took = performance.now() - start;
  assert.equal(answer.count, 100_000);
  assert.equal(new Set(namesOf(answer)).size, 100_000);
  assert.ok(took < 10_000, `${took} ms`);
  await guest.files.close();
});

test("a folder whose list would be too long is refused", { skip: process.platform === "win32" }, async () => {
  const { guest, host } = inFolder(SHARED_MEMORY);
  // Each of these characters takes six in JSON.
  const name = "\u0001".repeat(248);
  for (let i = 0; i < 23_000; i++) closeSync(openSync(`${host}/${name}${i}`, "w"));
  await assert.rejects(guest.list("/app/data"), {
    code: "EOVERFLOW",
    message: `EOVERFLOW: value too large for defined data type (the folder's list has more than ${LIMITS.effectBytes} bytes), scandir '/app/data'`,
  });
  await guest.files.close();
});

test("3 GB in a file are not 3 GB in memory", async () => {
  const { guest, host } = inFolder();
  const size = 3 * 1024 ** 3;
  const { handle } = await guest.open("/app/data/big", "w+");
  const before = process.memoryUsage.rss();
  await guest.ask("truncate", { handle, size: size - 3 });
  await guest.write(handle, size - 3, "end");
  assert.equal((await guest.stat("/app/data/big")).size, size);
  assert.equal(statSync(join(host, "big")).size, size);
  assert.equal(await guest.read(handle, size - 5, 100), "\0\0end");
  const opened = await guest.open("/app/data/big", "r");
  assert.deepEqual([opened.whole, opened.bytes.length], [false, 0]);
  for (let at = 0; at < size - LIMITS.effectBytes; at += 512 * 1024 ** 2) {
    const { bytes } = await guest.ask("read", { handle, at, length: LIMITS.effectBytes });
    assert.equal((bytes as Buffer).length, LIMITS.effectBytes);
  }
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 400 * 1024 ** 2, `${grown} bytes`);
  await guest.files.close();
});

test("small files come with their opening, up to the limit", async () => {
  const { guest, host } = inFolder();
  for (const [size, whole] of [
    [0, true],
    [1, true],
    [LIMITS.filePrefetchBytes, true],
    [LIMITS.filePrefetchBytes + 1, false],
  ] as const) {
    const bytes = Buffer.alloc(size, "x");
    writeFileSync(join(host, "f"), bytes);
    const opened = await guest.open("/app/data/f", "r");
    assert.equal(opened.whole, whole);
    assert.deepEqual(opened.bytes, whole ? bytes : Buffer.alloc(0));
    assert.equal((await guest.read(opened.handle, 0, size + 10)).length, size);
  }
  assert.equal((await guest.open("/app/data/f", "r+")).whole, false);
  await guest.files.close();
});

test("what is asked of one handle happens in that order, closing too", async () => {
  const { guest } = inFolder();
  const { handle } = await guest.open("/app/data/f", "w+");
  const pieces = Array.from({ length: 200 }, (_, i) => `${i};`);
  const all: Promise<unknown>[] = pieces.map((piece) => guest.write(handle, null, piece));
  const middle = guest.read(handle, 0, 100_000);
  all.push(guest.ask("truncate", { handle, size: 4 }));
  const end = guest.read(handle, 0, 100_000);
  all.push(guest.close(handle));
  const late = code(guest.read(handle, 0, 1));
  await Promise.all(all);
  assert.equal(await middle, pieces.join(""));
  assert.equal(await end, "0;1;");
  assert.equal(await late, "EBADF");
  await guest.files.close();
});

test("a flood of operations leaves the event loop to others", async () => {
  const { guest, host } = inFolder();
  for (const path of ["a", "b"]) mkdirSync(join(host, path));
  symlinkSync("a", join(host, "link"));
  const path = `/app/data/${"a/../link/../b/../".repeat(200)}a`;
  const start = performance.now();
  let last = start;
  let worst = 0;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 1);
  await Promise.all(Array.from({ length: 150 }, () => guest.stat(path).catch(codeOf)));
  clearInterval(timer);
  const all = performance.now() - start;
  assert.ok(worst < all / 4, `${worst} ms of ${all} ms`);
  await guest.files.close();
});

test("what is cancelled does not start", async () => {
  const { guest } = inFolder();
  const abort = AbortSignal.abort();
  const head = { path: "/app/data/x" };
  await assert.rejects(guest.files.perform("mkdir", head, new Uint8Array(0), abort, 1), {
    code: "ECANCELED",
  });
  assert.deepEqual(await guest.list("/app/data"), []);
  await guest.files.close();
});

test("names that are not UTF-8 are left out, and mean nothing", {
  skip: process.platform !== "linux",
}, async () => {
  const { guest, host } = inFolder();
  writeFileSync(Buffer.concat([Buffer.from(`${host}/a`), Buffer.from([0xff])]), "hidden");
  writeFileSync(join(host, "a\ufffd"), "shown");
  writeFileSync(join(host, "b"), "");
  symlinkSync(Buffer.from([0xff, 0x2f]), join(host, "link"));
  assert.deepEqual(await guest.list("/app/data"), ["a\ufffd", "b", "link"]);
  assert.equal(await guest.text("/app/data/a\ufffd"), "shown");
  assert.equal(await code(guest.stat("/app/data/link")), "EACCES");
  assert.equal(await code(guest.ask("readlink", { path: "/app/data/link" })), "EACCES");
  await guest.files.close();
});

test("the documents say the limits", () => {
  const text = readFileSync(new URL("../../../../docs/limits.md", import.meta.url), "utf8");
  const [, section = ""] = text.split("\n## Files\n");
  for (const [name, value] of Object.entries(FILE_LIMITS)) {
    const line = section.split("\n").find((each) => each.includes(`(\`${name}\`)`) && each.includes("|"));
    const forms = [value.toLocaleString("en-US"), `${value / 1000} s`];
    assert.ok(
      forms.some((form) => line?.includes(`| ${form} `)),
      `${name}: ${line}`,
    );
  }
});

test("mounts at the same path, or at none, are a mistake of the caller's", () => {
  const at = (...guests: string[]) =>
    openFiles(guests.map((guest) => ({ host: "/", guest, writable: false })));
  assert.throws(() => at("/app", "/app"), /there are two mounts at \/app/);
  for (const guest of ["app", "/app/", "/app//x", "/app/../x", "/."]) assert.throws(() => at(guest), /plain/);
});

test("paths of a thousand folders, many at once, leave the host most of its descriptors", {
  skip: process.platform !== "linux",
}, async () => {
  const host = folder();
  const names = Array.from({ length: 1000 }, () => "d");
  mkdirSync(join(host, ...names), { recursive: true });
  const before = descriptors();
  const guests = Array.from({ length: 40 }, () => new Guest(ground, { "/app": `ro:${host}` }));
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, descriptors());
  }, 2);
  const path = `/app/${names.join("/")}`;
  const asked = guests.flatMap((guest) => Array.from({ length: 8 }, () => code(guest.stat(path))));
  const said = new Set(await Promise.all(asked));
  clearInterval(looking);
  for (const each of said) assert.ok(["it works", "ENFILE"].includes(each), each);
  assert.ok(most - before <= PROCESS_HELD, `${most} descriptors`);
  assert.equal(await code((guests[0] as Guest).stat(path)), "it works");
  for (const { files } of guests) await files.close();
  assert.equal(descriptors(), before);
});
