import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeAnswer, LIMITS, type Loaded, NO_SURROUNDINGS } from "@capsule-run/protocol";
import { AMPLE, ENGINE_FOLDER, resultOf, success, TestGuest } from "./testing/guest.ts";

/** An engine in which `structuredClone` is what parts of the library get. */
const guestWithKit = (): TestGuest =>
  new TestGuest({
    library: (name) =>
      name === "clone"
        ? Buffer.from("(kit) => ({ structuredClone: Object.assign(() => 0, { kit }) })")
        : readFileSync(join(ENGINE_FOLDER, "library", `${name}.js`)),
  });

const KIT = "const { kit } = structuredClone;\n";
const answer = (head: object, payload = "") =>
  ({ ok: true, head, payload: new Uint8Array(Buffer.from(payload)) }) as const;

test("an effect crosses with its bytes, and so does its answer", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    task({ name: "main" }, async () => {
      const text = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
      const view = new Uint8Array([9, 0, 255, 128, 9]).subarray(1, 4);
      const sync = kit.effectSync("file.write", { handle: 1, at: null }, view);
      const both = await Promise.all([kit.effect("file.stat", { path: "/app/é\\u0000" }), kit.effect("file.read", { handle: 2, at: 0, length: 1 }, view.subarray(1))]);
      kit.post("file.close", { handle: 3 });
      return [sync, ...both].map(({ head, payload }) => [head, text(payload), payload.constructor === Uint8Array]);
    });`);
  guest.reset(image);
  guest.onEffect = (name, head, payload) =>
    answer({ name, ...head }, `\x00é${Buffer.from(payload).toString("hex")}`);
  const hex = (text: string) => Buffer.from(`\x00é${text}`).toString("hex");
  assert.deepEqual(resultOf(await guest.run("main")), [
    [{ ok: true, name: "file.write", handle: 1, at: null }, hex("00ff80"), true],
    [{ ok: true, name: "file.stat", path: "/app/é\u0000" }, hex(""), true],
    [{ ok: true, name: "file.read", handle: 2, at: 0, length: 1 }, hex("ff80"), true],
  ]);
  assert.deepEqual(
    guest.effects.map(({ mode, name }) => `${mode} ${name}`),
    ["sync file.write", "async file.stat", "async file.read", "post file.close"],
  );
});

test("a failure is an error with a code; a pending effect keeps its task from a deadlock", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    const seen = (e) => [e instanceof Error, e.code, e.message];
    task({ name: "main" }, async () => {
      const all = [];
      try { kit.effectSync("file.mkdir", { path: "/app" }); } catch (e) { all.push(seen(e)); }
      await kit.effect("file.mkdir", { path: "/app" }).catch((e) => all.push(seen(e)));
      return all;
    });`);
  guest.reset(image);
  guest.onEffect = () => ({ ok: false, code: "EEXIST", message: "there is one" });
  const end = await guest.start("main");
  assert.deepEqual(end, { state: "idle", wake: null, pending: 1 });
  guest.reset(image);
  const failure = [true, "EEXIST", "there is one"];
  assert.deepEqual(resultOf(await guest.run("main")), [failure, failure]);
});

test("what is too large, has no name, or is no array never gets to the host", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    const tell = (run) => { try { run(); return "passed"; } catch (e) { return e.code ?? e.name; } };
    task({ name: "main" }, () => {
      const lost = new Uint8Array(8); lost.buffer.transfer();
      const shrunk = new ArrayBuffer(8, { maxByteLength: 16 }); const tail = new Uint8Array(shrunk, 4, 4); shrunk.resize(2);
      const read = { handle: 1, at: 0, length: 1 };
      const fake = Object.create(Uint8Array.prototype, { length: { value: 1e9 } });
      return [
        tell(() => kit.effectSync("file.stat", { path: "x".repeat(${LIMITS.effectHeadBytes}) })),
        tell(() => kit.effectSync("file.write", read, new Uint8Array(${LIMITS.effectBytes + 1}))),
        ...["", "file", "file.close", "file.chmod", "__proto__", "toString", {}, null].map((name) => tell(() => kit.effectSync(name, read))),
        ...["file.open", "http.read", "constructor"].map((name) => tell(() => kit.post(name, read))),
        ...[lost, fake, [1], {}, "text", null, new Proxy(new Uint8Array(4), {})].map((payload) => tell(() => kit.effectSync("file.write", read, payload))),
        tell(() => kit.effectSync("file.write", read, tail)),
      ];
    });`);
  guest.reset(image);
  const told = resultOf(await guest.run("main")) as string[];
  assert.deepEqual(told.slice(0, 2), ["ELIMIT", "ELIMIT"]);
  assert.deepEqual([...new Set(told.slice(2, -1))], ["TypeError"]);
  // What a resized buffer has lost is no bytes, as in Node.
  assert.equal(told.at(-1), "ENOSYS");
  assert.deepEqual(
    guest.effects.map(({ payload }) => payload.length),
    [0],
  );
});

test("what a program changes of the language changes nothing of what crosses", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    task({ name: "main" }, async () => {
      const typed = Object.getPrototypeOf(Uint8Array.prototype);
      for (const key of ["length", "byteLength", "byteOffset", "buffer"]) Object.defineProperty(typed, key, { get: () => 1e9 });
      const own = new Uint8Array([1, 2, 3]);
      Object.defineProperty(own, "byteLength", { get() { globalThis.asked = true; return 1e9; } });
      JSON.parse = JSON.stringify = Array.prototype.includes = () => { throw new Error("mine"); };
      Object.prototype.code = "mine";
      globalThis.Uint8Array = globalThis.Promise = globalThis.Error = null;
      kit.effectSync("file.write", { handle: 1, at: 0 }, own);
      return String(globalThis.asked);
    });`);
  guest.reset(image);
  guest.onEffect = () => answer({});
  assert.equal(resultOf(await guest.run("main")), "undefined");
  assert.deepEqual([...(guest.effects[0]?.payload ?? [])], [1, 2, 3]);
});

test("a guest that changes its bytes after it asked has asked with what they were", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    task({ name: "main" }, async () => {
      const bytes = new Uint8Array([1, 2, 3]);
      const asked = kit.effect("file.write", { handle: 1, at: 0 }, bytes);
      bytes.fill(9); bytes.buffer.transfer(0);
      await asked;
    });`);
  guest.reset(image);
  guest.onEffect = () => answer({});
  await guest.run("main");
  assert.deepEqual([...(guest.effects[0]?.payload ?? [])], [1, 2, 3]);
});

test("an id that nobody waits for is ignored, and an answer settles its effect only", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    const other = task({ name: "other" }, async () => 1);
    task({ name: "main" }, async () => {
      const effect = kit.effect("file.sync", { handle: 1 });
      const call = other();
      return [(await effect).head.mine, (await call).result];
    });`);
  guest.reset(image);
  await guest.start("main");
  const { instance } = guest;
  const nobody = encodeAnswer(answer({}));
  assert.deepEqual(await instance.complete(99, nobody, 0), { state: "idle", wake: null, pending: 2 });
  const call = await instance.complete(2, Buffer.from('{"success":true,"result":5}'), 0);
  assert.deepEqual(call, { state: "idle", wake: null, pending: 1 });
  const end = await instance.complete(1, encodeAnswer(answer({ mine: 7 })), 0);
  assert.deepEqual(resultOf(end), [7, 5]);
});

test("an effect that was given up may be answered or not; a call of a task is not given up by its number", async () => {
  const guest = guestWithKit();
  const image = await guest.load(`${KIT}
    const other = task({ name: "other" }, async () => 1);
    task({ name: "main" }, async () => {
      const asked = [1, 2].map((handle) => kit.ask("file.sync", { handle }));
      const call = other();
      for (const each of [...asked, { id: 3 }, { id: 0 }]) kit.revoke(each);
      const failures = await Promise.allSettled(asked.map(({ answer }) => answer));
      return [failures.map(({ reason }) => reason.code), (await call).result];
    });`);
  guest.reset(image);
  const revoked: number[] = [];
  guest.onRevoke = (id) => revoked.push(id);
  const idle = { state: "idle", wake: null, pending: 1 };
  assert.deepEqual(await guest.start("main"), idle);
  assert.deepEqual(revoked, [1, 2]);
  const { instance } = guest;
  assert.deepEqual(await instance.complete(2, encodeAnswer(answer({ late: true })), 0), idle);
  assert.deepEqual(resultOf(await instance.complete(3, success(5), 0)), [["EABORTED", "EABORTED"], 5]);
});

test("nothing of an attempt is left to the next: variables, folder, files, what it asked for", async () => {
  const program = `${KIT}
    const fs = globalThis[Symbol.for("capsule.module")]("fs");
    const other = task({ name: "other" }, async () => 1);
    task({ name: "use" }, async () => {
      other();
      process.env.MINE = process.env.GIVEN;
      process.chdir("/elsewhere");
      fs.writeFileSync("/tmp/left", "x");
      const open = fs.openSync("/tmp/left");
      fs.openSync("x");
      kit.ask("http.request", { url: "http://x" });
      Promise.reject(new Error("of the former"));
      kit.effectSync("file.read", { handle: 7, at: 0, length: 1 });
      return open;
    });
    task({ name: "look" }, async () => {
      const tell = (run) => { try { return run(); } catch (e) { return e.code; } };
      const left = [{ ...process.env }, process.cwd(), fs.readdirSync("/tmp"), tell(() => fs.fstatSync(20)), tell(() => fs.fstatSync(21))];
      const { id, answer } = kit.ask("file.sync", { handle: 1 });
      return [left, id, (await answer).head.mine];
    });`;
  const used = guestWithKit();
  const image = await used.load(program);
  used.reset(image);
  used.onEffect = (name) =>
    name === "file.open" ? answer({ handle: 7, stat: {}, whole: true }, "content") : answer({ mine: name });
  const surroundings = { ...NO_SURROUNDINGS, environment: { GIVEN: "a value" } };
  await used.instance.start("use", Buffer.from("[]"), surroundings);
  const ends = [];
  for (const guest of [used, guestWithKit()]) {
    guest.reset(image);
    Object.assign(guest, { calls: [], effects: [], output: "" });
    guest.onEffect = (name) => answer({ mine: name });
    ends.push([resultOf(await guest.run("look")), guest.instance.fuelUsed, guest.output]);
  }
  assert.deepEqual(ends[0]?.[0], [[{}, "/app", [], "EBADF", "EBADF"], 1, "file.sync"]);
  assert.deepEqual(ends[0], ends[1]);
});

test("while a program is loaded effects are refused, and the snapshot comes before it", async () => {
  const guest = guestWithKit();
  const reasons = async (top: string): Promise<readonly string[]> => {
    guest.instance.reset(null, AMPLE, 0);
    const loaded = await guest.instance.load(
      Buffer.from(
        `const task = globalThis[Symbol.for("capsule.task")];${KIT}${top};task({ name: "main" }, () => 1);`,
      ),
    );
    if ("state" in loaded) throw new Error(JSON.stringify(loaded));
    return [(loaded as Loaded).snapshot, ...(loaded as Loaded).reasons];
  };
  const caught = (code: string) => `.catch((e) => { if (e.code !== "${code}") throw e; })`;
  assert.deepEqual(await reasons(`await kit.effect("file.stat", { path: "/app" })${caught("EACCES")}`), [
    "before",
    "files",
  ]);
  assert.deepEqual(
    await reasons(
      `await kit.effect("http.request", { url: "http://x" })${caught("EFORBIDDEN")}; try { kit.effectSync("file.stat", { path: "/" }) } catch {}`,
    ),
    ["before", "the network", "files"],
  );
  assert.equal(guest.effects.length, 0);
});
