import assert from "node:assert/strict";
import { test } from "node:test";
import type { Loaded } from "@capsule-run/protocol";
import { AMPLE, resultOf, TestGuest } from "./testing/guest.ts";

const SOURCE = (top: string, body: string) =>
  `const task = globalThis[Symbol.for("capsule.task")];${top};task({ name: "main" }, () => { ${body} });`;

async function load(guest: TestGuest, source: string, variables: readonly string[] = []): Promise<Loaded> {
  guest.instance.reset(null, AMPLE, 0);
  const loaded = await guest.instance.load(Buffer.from(source), variables);
  if ("state" in loaded) throw new Error(JSON.stringify(loaded));
  return loaded;
}

async function run(top: string, body: string, environment: Readonly<Record<string, string>>) {
  const guest = new TestGuest();
  const source = SOURCE(top, body);
  const loaded = await load(guest, source, Object.keys(environment));
  const { snapshot, image } = loaded;
  guest.instance.reset(
    guest.engine.prepare({ ...image, snapshot, bundle: Buffer.from(source) }),
    AMPLE,
    1_700_000_000_000,
  );
  const end = await guest.instance.start("main", Buffer.from("[]"), { environment, mounts: [] });
  return { snapshot, reasons: loaded.reasons, result: resultOf(end) };
}

const LOOK =
  "return [process.env.KEY, { ...process.env }, Object.keys(process.env), 'KEY' in process.env, JSON.stringify(process.env)]";

test("process.env is exactly what an attempt was given, listing included", async () => {
  const environment = { KEY: "välue", __proto__x: "1", EMPTY: "" };
  const { snapshot, result } = await run("", LOOK, environment);
  assert.equal(snapshot, "after");
  assert.deepEqual(result, [
    "välue",
    environment,
    Object.keys(environment),
    true,
    JSON.stringify(environment),
  ]);
  const none = await run("", LOOK, {});
  assert.deepEqual(none.result, [null, {}, [], false, "{}"]);
});

test("it has the rules of Node's", async () => {
  const body = `
    const env = process.env;
    const tell = (run) => { try { return run() } catch (e) { return e.name } };
    env.A = 1; env.B = undefined; env.KEY = null; const gone = delete env.A; Object.assign(env, { C: true });
    Object.defineProperty(env, "D", { value: 5, writable: true, enumerable: true, configurable: true });
    return [gone, Object.entries(env), env.A, delete env.nope, env.toString === Object.prototype.toString, env.hasOwnProperty("KEY"),
      Object.getOwnPropertyDescriptor(env, "KEY"), tell(() => { env[Symbol("x")] = 1 }), tell(() => { env.x = Symbol("x") }),
      tell(() => Object.freeze(env)), tell(() => Object.defineProperty(env, "E", { get: () => 1 })),
      tell(() => Object.defineProperty(env, "E", { value: "1" })), typeof env, Array.isArray(env), Symbol("x") in env];`;
  const guest = await run("", body, { KEY: "value" });
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) delete process.env[name];
  process.env.KEY = "value";
  // biome-ignore lint/security/noGlobalEval: the test's own text, run by the other engine
  const node = globalThis.eval(`(() => { ${body} })()`) as unknown;
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, before);
  assert.deepEqual(guest.result, JSON.parse(JSON.stringify(node)));
});

test("whatever a program sees of it while loading, its attempts see the real one", async () => {
  const looks = [
    "const seen = process.env.KEY",
    "const { KEY: seen } = process.env",
    "const seen = { ...process.env }.KEY",
    "const seen = 'KEY' in process.env && Object.entries(process.env)[0][1]",
    "const seen = JSON.parse(JSON.stringify(process.env)).KEY",
    "const seen = Object.getOwnPropertyDescriptor(process.env, 'KEY').value",
    "process.env.MINE = 1; const seen = Reflect.get(process.env, 'KEY')",
  ];
  for (const top of looks) {
    const { snapshot, reasons, result } = await run(top, "return [seen, process.env.KEY]", { KEY: "real" });
    assert.deepEqual([snapshot, reasons, result], ["before", ["the environment"], ["real", "real"]], top);
  }
});

test("what loads without a look keeps its snapshot, and nothing of the stand-ins is left in it", async () => {
  const { snapshot, result } = await run(
    "const env = process.env; const mode = process.cwd()",
    "return [env.KEY, mode, Object.keys(env)]",
    {},
  );
  assert.deepEqual([snapshot, result], ["after", [null, "/app", []]]);
  const guest = new TestGuest();
  const source = SOURCE("const env = process.env", "return env.KEY ?? null");
  const loaded = await load(guest, source, ["KEY"]);
  guest.reset(loaded.image);
  assert.equal(resultOf(await guest.start("main")), null);
});

test("names and values that have a meaning elsewhere have none here", async () => {
  const environment = Object.fromEntries([
    ["__proto__", "p"],
    ["constructor", "c"],
    ["toString", '"}\\u0000,'],
  ]) as Record<string, string>;
  const body = "return [Object.entries(process.env), process.env.constructor, ({}).p]";
  const { result } = await run("", body, environment);
  assert.deepEqual(result, [
    [
      ["__proto__", "p"],
      ["constructor", "c"],
      ["toString", '"}\\u0000,'],
    ],
    "c",
    null,
  ]);
});
