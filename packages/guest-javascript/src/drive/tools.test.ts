import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type EffectAnswer, LIMITS, type Loaded } from "@capsule-run/protocol";
import { build } from "esbuild";
import { AMPLE, resultOf, TestGuest } from "./testing/guest.ts";

const TOOLS = 'const { tools, ToolError } = globalThis[Symbol.for("capsule.tools")];\n';
const gave = (value: unknown): EffectAnswer => ({
  ok: true,
  head: { threw: null },
  payload: Buffer.from(JSON.stringify(value)),
});

async function guestWith(body: string, head = ""): Promise<TestGuest> {
  const guest = new TestGuest();
  const image = await guest.load(`${TOOLS}${head};task({ name: "main" }, async (...args) => { ${body} });`);
  guest.reset(image);
  return guest;
}

test("calls cross as JSON, go on together, and give what the host gave", async () => {
  const guest = await guestWith(`
    const all = [tools.search("é", 1, undefined), tools["odd-name"]({ a: [null] }), tools.none()];
    return [all.map((p) => p instanceof Promise), await Promise.all(all), tools.search.name];`);
  guest.onEffect = (_name, head, payload) => gave([head, Buffer.from(payload).toString()]);
  assert.deepEqual(resultOf(await guest.run("main")), [
    [true, true, true],
    [
      [{ name: "search", positional: 8 }, '["é",1]'],
      [{ name: "odd-name", positional: 14 }, '[{"a":[null]}]'],
      [{ name: "none", positional: 2 }, "[]"],
    ],
    "search",
  ]);
  assert.deepEqual(
    guest.effects.map(({ mode, name }) => `${mode} ${name}`),
    Array(3).fill("async tool.call"),
  );
});

test("what a tool fails with is a ToolError that says which, of what kind, and where it was called", async () => {
  const guest = await guestWith(`
    async function asking(name) { await tools[name](); }
    const seen = [];
    for (const name of ["a", "b", "c"])
      await asking(name).catch((e) => seen.push([e instanceof ToolError, e instanceof Error, e.name, e.tool, e.type, e.message, String(e), /asking/.test(e.stack)]));
    return seen;`);
  const answers: EffectAnswer[] = [
    { ok: true, head: { threw: { type: "NotFound", message: "no item" } }, payload: new Uint8Array(0) },
    { ok: false, code: "ENOENT", message: "there is none" },
    { ok: false, code: "constructor", message: "x" },
  ];
  guest.onEffect = () => answers.shift() as EffectAnswer;
  assert.deepEqual(resultOf(await guest.run("main")), [
    [true, true, "ToolError", "a", "NotFound", "no item", "ToolError: no item", true],
    [true, true, "ToolError", "b", "UnknownTool", "there is none", "ToolError: there is none", true],
    [true, true, "ToolError", "c", "ToolFailed", "x", "ToolError: x", true],
  ]);
});

test("arguments that JSON can't hold reject before anything is sent, naming the place", async () => {
  const guest = await guestWith(`
    const cycle = {}; cycle.self = cycle;
    let deep = []; for (let i = 0; i < 1001; i++) deep = [deep];
    const seen = [];
    for (const value of [{ a: [Number.NaN] }, 1n, cycle, deep, "x".repeat(${LIMITS.argumentBytes})])
      await tools.search(0, value).catch((e) => seen.push([e.name, e.message]));
    const own = new TypeError("my own");
    await tools.search({ toJSON() { throw own; } }).catch((e) => seen.push(e === own));
    return seen;`);
  const seen = resultOf(await guest.run("main")) as [string, string][];
  assert.deepEqual(seen.pop(), true as unknown);
  assert.ok(seen.every(([name, message]) => name === "TypeError" && message.startsWith('tool "search": ')));
  assert.match(seen[0]?.[1] ?? "", /argument 2 has NaN at \$\.a\[0\]/);
  assert.equal(seen.length, 5);
  assert.equal(guest.effects.length, 0);
});

test("the object of all tools is harmless: awaited, printed, as JSON, as a text, changed", async () => {
  const guest = await guestWith(`
    const tell = (run) => { try { return run(); } catch (e) { return e.name; } };
    const again = await tools;
    console.log(tools, String(tools), "" + tools);
    return [
      again === tools, JSON.stringify({ tools }), Object.keys(tools), "search" in tools, typeof tools,
      ...["then", "toJSON", "constructor", "__proto__", "__class__", Symbol.iterator, Symbol.toStringTag, Symbol("x")].map((name) => typeof tools[name]),
      tell(() => { "use strict"; tools.x = 1; }), tell(() => { "use strict"; delete tools.x; }), tell(() => Object.defineProperty(tools, "x", { value: 1 })),
      tell(() => Object.setPrototypeOf(tools, {})), Object.getPrototypeOf(tools), tell(() => tools()), tell(() => new tools.x()),
      tell(() => [...tools]), tools + "",
    ];`);
  const result = resultOf(await guest.run("main")) as unknown[];
  assert.deepEqual(result.slice(0, 5), [true, '{"tools":{}}', [], false, "object"]);
  assert.deepEqual(result.slice(5, 13), Array(8).fill("undefined"));
  assert.deepEqual(result.slice(13), [
    ...["TypeError", null, "TypeError", "TypeError", null, "TypeError", "TypeError", "TypeError", "[tools]"],
  ]);
  assert.equal(guest.effects.length, 0);
});

test("a huge name is refused in the sandbox", async () => {
  const guest = await guestWith(
    `return tools["x".repeat(${LIMITS.effectHeadBytes})]().catch((e) => [e.constructor === ToolError, e.type]);`,
  );
  assert.deepEqual(resultOf(await guest.run("main")), [true, "LimitExceeded"]);
  assert.equal(guest.effects.length, 0);
});

test("while a program is loaded tools can't be called, and that makes no snapshot `before`", async () => {
  const guest = new TestGuest();
  guest.instance.reset(null, AMPLE, 0);
  const loaded = await guest.instance.load(
    Buffer.from(
      `const task = globalThis[Symbol.for("capsule.task")];${TOOLS}
       const seen = await tools.search(1).catch((e) => e.message);
       task({ name: "main" }, () => seen);`,
    ),
  );
  const { snapshot, image } = loaded as Loaded;
  assert.equal(snapshot, "after");
  guest.reset(image);
  assert.match(String(resultOf(await guest.run("main"))), /"search" was called while the program is loading/);
  assert.equal(guest.effects.length, 0);
});

test("a program that uses no tools has nothing of them in it", async () => {
  const sdk = fileURLToPath(new URL("../guest/sdk.ts", import.meta.url));
  const bundled = async (names: string): Promise<string> => {
    const contents = `import { ${names} } from ${JSON.stringify(sdk)}; console.log(${names})`;
    const { outputFiles } = await build({
      ...{
        stdin: { contents, resolveDir: "/" },
        bundle: true,
        write: false,
        format: "esm",
        target: "es2024",
      },
    });
    return outputFiles[0]?.text ?? "";
  };
  assert.doesNotMatch(await bundled("task"), /tools/i);
  assert.match(await bundled("tools"), /capsule\.tools/);
});
