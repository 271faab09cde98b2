/** Functions of a host program that its runs call: what `run({ tools, gate })` promises. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  createRuntime,
  type GateCall,
  type Runtime,
  ToolError,
  type Tools,
  tool,
} from "@capsule-run/sdk/runner";
import * as z from "zod";
import { folder, program } from "./support/capsule.ts";

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

const cwd = folder({
  "capsule.toml": "",
  "calls.ts": program(`
import { tools } from "@capsule-run/sdk";
export const main = task({ name: "main" }, async (calls: [string, unknown[]][]) =>
  Promise.all(calls.map(([name, args]) =>
    (tools as any)[name](...args).catch((e: any) => e.type + ": " + e.message))));`),
  "calls.py": `
from capsule import task, tools, ToolError

@task(name="main")
def main(item):
    found = [tools.price(item=item), tools.price({"item": item}), tools.add(1, b=2)]
    try:
        tools.price(item=1)
    except ToolError as error:
        found.append([error.tool, error.type, str(error)])
    return found
`,
});

const warnings: string[] = [];
let runtime: Runtime;
before(async () => {
  runtime = await createRuntime({ cwd, onWarning: (text) => warnings.push(text) });
});
after(async () => {
  await runtime.close();
  assert.deepEqual(rejections, []);
});

class Hidden extends Error {}
const tools: Tools = {
  add: (a: number, b: number) => a + b,
  price: tool({
    input: z.object({ item: z.string().transform((item) => item.toUpperCase()) }),
    output: z.object({ of: z.string() }),
    handler: ({ item }, { task, path }) => ({ of: item, task, path }),
  }),
  check: tool({
    input: { type: "object", required: ["a"] },
    output: { type: "integer" },
    handler: () => "no integer",
  }),
  missing: () => Promise.reject(new ToolError("no such item", { type: "NotFound" })),
  broken: () => Promise.reject(new Hidden("a password")),
};
const calls = async (
  list: readonly (readonly [string, ...unknown[]])[],
  more: object = {},
): Promise<unknown> => {
  const args = [list.map(([name, ...given]) => [name, given])];
  const answer = await runtime.run({ file: "calls.ts", args, tools, ...more });
  assert.ok(answer.success, answer.error?.message ?? "");
  return answer.result;
};

test("a hundred concurrent calls, valid, invalid and failing, each with its own answer", async () => {
  const hundred = Array.from({ length: 100 }, (_, i) => ["add", i, 1] as const);
  assert.deepEqual(
    await calls(hundred),
    hundred.map(([, i]) => i + 1),
  );
  assert.deepEqual(
    await calls([
      ["price", { item: "tea" }],
      ["price", {}],
      ["check", {}],
      ["check", { a: 1 }],
      ["missing"],
      ["broken"],
      ["ad"],
    ]),
    [
      { of: "TEA" },
      "InvalidInput: price: input.item is wrong: Invalid input: expected string, received undefined",
      'InvalidInput: check: input needs "a"',
      "InvalidOutput: check: result must be an integer",
      "NotFound: no such item",
      "Hidden: the tool broken failed",
      'UnknownTool: there is no tool "ad"; did you mean "add"?',
    ],
  );
});

test("a gate allows, changes and denies; one that fails denies, and a warning tells of it", async () => {
  const asked: string[] = [];
  const gate = async ({ tool: name, args, path, task }: GateCall) => {
    asked.push(`${task} ${path} ${name} ${JSON.stringify(args)}`);
    if (name === "missing") throw new Error("oops");
    if (name === "check") return { decision: "deny", reason: "not today" } as const;
    return name === "add"
      ? ({ decision: "allow", args: [20, 1] } as const)
      : ({ decision: "allow" } as const);
  };
  assert.deepEqual(
    await calls([["add", 1, 1], ["price", { item: "tea" }], ["check", { a: 1 }], ["missing"]], { gate }),
    [
      21,
      { of: "TEA" },
      "Denied: the tool check was denied: not today",
      "Denied: the tool missing was denied",
    ],
  );
  assert.deepEqual(asked.sort()[0], "main 0.1 add [1,1]");
  assert.match(warnings.join(), /the gate failed at a call of the tool missing.*oops/);
});

test("a run that is cancelled aborts the handlers of its calls", { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  let aborted = 0;
  const waits = tool({
    handler: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error(`${++aborted}`)));
        stop.abort();
      }),
  });
  const args = [
    [
      ["waits", []],
      ["waits", []],
    ],
  ];
  const answer = await runtime.run({ file: "calls.ts", args, tools: { waits }, signal: stop.signal });
  assert.equal(answer.error?.error_type, "cancelled");
  assert.equal(aborted, 2);
});

test("from Python: arguments by name, or one dict; a failure is a ToolError", async () => {
  const answer = await runtime.run({ file: "calls.py", args: ["tea"], tools });
  assert.ok(answer.success, answer.error?.message ?? "");
  assert.deepEqual(answer.result, [
    { of: "TEA" },
    { of: "TEA" },
    3,
    ["price", "InvalidInput", "price: input.item is wrong: Invalid input: expected string, received number"],
  ]);
});

test("the example: a program of a model, tools and a gate", async () => {
  const example = fileURLToPath(new URL("../examples/tools/host.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [example]);
  const told = /\{\n[\s\S]*?\n\}/.exec(stdout)?.[0] as string;
  assert.match(told, /price\(input: \{ item: string \}\): Promise<number>;/);
  const declared = readFileSync(
    fileURLToPath(new URL("../examples/tools/tools.d.ts", import.meta.url)),
    "utf8",
  );
  assert.ok(declared.includes(`interface HostTools ${told}\n`), "tools.d.ts is what describeTools gives");
  assert.match(stdout, /buy: Denied: the tool buy was denied: at most 10 at once\n/);
  assert.match(stdout, /cheapest: \{ item: 'black tea', price: 3\.25 \},\s+order: 'ordered: 1 × black tea'/);
});

test("what is no tool is wrong use, before anything runs", async () => {
  const wrong = (given: unknown, text: RegExp): Promise<void> =>
    assert.rejects(
      runtime.run({ file: "calls.ts", tools: given as Tools }),
      (error: { slug: string; message: string }) => {
        assert.equal(error.slug, "tool");
        assert.match(error.message, text);
        return true;
      },
    );
  await wrong({ a: 5 }, /the tool "a": it is 5/);
  await wrong(
    { a: { handler: () => 1, input: { type: "strin" } } },
    /the input of the tool "a" is no JSON Schema/,
  );
});
