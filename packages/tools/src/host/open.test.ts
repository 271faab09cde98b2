import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ToolAnswer } from "@capsule-run/protocol";
import { optional, pipe, object as record, string, transform } from "valibot";
import * as z from "zod";
import { type Gate, type GateCall, ToolError, type Tools, tool } from "../declare/index.ts";
import { openRemoteTools, openTools } from "./index.ts";

const never = new AbortController().signal;

/** What a call of a tool is answered: the result, or `TYPE: message`. */
async function call(
  tools: Tools,
  name: string,
  args: string,
  {
    kwargs = null,
    stop = never,
    ...more
  }: { kwargs?: string | null; stop?: AbortSignal; gate?: Gate; report?: (text: string) => void } = {},
): Promise<unknown> {
  const host = await openTools({ tools, ...more });
  return told(await host.call({ run: "r", task: "main", path: "0.1", name, args, kwargs }, stop));
}
const told = (answer: ToolAnswer): unknown =>
  answer.ok ? JSON.parse(answer.json) : `${answer.type}: ${answer.message}`;

const item = {
  type: "object",
  properties: { item: { type: "string" }, n: { type: "integer" } },
  required: ["item"],
  additionalProperties: false,
};

test("functions get their arguments by position, or by their parameters' names", async () => {
  const tools: Tools = {
    add: (a: number, b = 10) => a + b,
    async all(...items: unknown[]) {
      return items;
    },
    nothing: () => undefined,
  };
  assert.equal(await call(tools, "add", "[1,2]"), 3);
  assert.equal(await call(tools, "add", "[1]"), 11);
  assert.equal(await call(tools, "add", "[]", { kwargs: '{"b":2,"a":1}' }), 3);
  assert.equal(await call(tools, "add", "[5]", { kwargs: '{"b":2}' }), 7);
  assert.equal(await call(tools, "add", "[1]", { kwargs: '{"a":2}' }), 'InvalidInput: add got "a" twice');
  assert.equal(
    await call(tools, "add", "[]", { kwargs: '{"c":2}' }),
    'InvalidInput: add has no parameter "c"; there are "a", "b"',
  );
  assert.equal(
    await call(tools, "all", "[]", { kwargs: '{"items":2}' }),
    "InvalidInput: all takes its arguments by position, not by name",
  );
  assert.equal(
    await call(tools, "nothing", "[]", { kwargs: '{"x":2}' }),
    "InvalidInput: nothing takes no arguments",
  );
  assert.deepEqual(await call(tools, "all", '[1,{"a":[]}]'), [1, { a: [] }]);
  assert.equal(await call(tools, "nothing", "[]"), null);
  assert.equal(await call(tools, "al", "[]"), "UnknownTool: there is no tool al");
});

test("a method has its object", async () => {
  const tools = {
    double: (n: number) => n * 2,
    quadruple(n: number): number {
      return this.double(this.double(n));
    },
  };
  assert.equal(await call(tools, "quadruple", "[4]"), 16);
});

test("a tool takes one object, by position or by name; named parameters also by position", async () => {
  const tools: Tools = {
    price: tool({ input: item, handler: (input: { item: string }) => input }),
    search: tool({
      parameters: ["q", "limit"],
      input: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
      handler: (input) => input,
    }),
    bare: tool({ parameters: ["q"], handler: (input) => input }),
    any: tool({ handler: (input) => [input] }),
  };
  assert.deepEqual(await call(tools, "price", '[{"item":"a"}]'), { item: "a" });
  assert.deepEqual(await call(tools, "price", "[]", { kwargs: '{"item":"a"}' }), { item: "a" });
  assert.equal(
    await call(tools, "price", '[{"item":"a"}]', { kwargs: '{"n":1}' }),
    "InvalidInput: price takes one object, or arguments by name; not both",
  );
  assert.equal(
    await call(tools, "price", '["a",1]'),
    "InvalidInput: price takes one object; 2 arguments were given",
  );
  assert.deepEqual(await call(tools, "search", '["a"]', { kwargs: '{"limit":3}' }), { q: "a", limit: 3 });
  assert.equal(
    await call(tools, "search", '["a"]', { kwargs: '{"q":3}' }),
    'InvalidInput: search got "q" twice',
  );
  assert.match(
    String(await call(tools, "search", "[1,2,3]")),
    /^InvalidInput: search takes at most 2 arguments by position, "q", "limit"; 3 were given$/,
  );
  assert.equal(await call(tools, "search", "[]"), 'InvalidInput: search: input needs "q"');
  assert.equal(
    await call(tools, "bare", "[]", { kwargs: '{"p":1}' }),
    'InvalidInput: bare has no parameter "p"; there are "q"',
  );
  assert.deepEqual(await call(tools, "any", "[]"), [{}]);
  assert.deepEqual(await call(tools, "any", "[7]"), [7]);
});

test("JSON Schemas: the place and what is allowed there", async () => {
  const says = async (input: object, value: unknown): Promise<string> =>
    String(await call({ t: tool({ input, handler: () => "fine" }) }, "t", JSON.stringify([value])));
  const cases: readonly (readonly [schema: object, value: unknown, said: string | RegExp])[] = [
    [item, { item: "a", n: 1 }, "fine"],
    [item, { item: 1 }, "InvalidInput: t: input.item must be a string"],
    [item, {}, 'InvalidInput: t: input needs "item"'],
    [item, { item: "a", m: 1 }, 'InvalidInput: t: input must not have "m"; did you mean "n"?'],
    [item, [1], "InvalidInput: t: input must be an object"],
    [{ items: { enum: ["a", 1] } }, ["a", "b"], 'InvalidInput: t: input[1] must be one of "a", 1'],
    [{ properties: { a: { const: 1 } } }, { a: 2 }, "InvalidInput: t: input.a must be 1"],
    [
      { anyOf: [{ type: "string" }, { properties: { a: { type: "null" } }, type: "object" }] },
      { a: 1 },
      "InvalidInput: t: input must be a string, or a must be null",
    ],
    [{ type: ["string", "null"] }, 1, "InvalidInput: t: input must be a string or null"],
    [{ minLength: 2 }, "a", "InvalidInput: t: input must not have fewer than 2 characters"],
    [
      { properties: { "a b/c": { maximum: 1 } } },
      { "a b/c": 2 },
      'InvalidInput: t: input["a b/c"] must be <= 1',
    ],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], /must not have more than 1 items/],
    [
      { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }] },
      [1],
      "InvalidInput: t: input[0] must be a string",
    ],
    [
      {
        $defs: { n: { type: "object", properties: { next: { $ref: "#/$defs/n" } }, required: ["v"] } },
        $ref: "#/$defs/n",
      },
      { v: 1, next: {} },
      'InvalidInput: t: input.next needs "v"',
    ],
    [{ required: ["toString", "constructor"] }, {}, 'InvalidInput: t: input needs "toString"'],
    [{ format: "email" }, "no address", "fine"],
    [{ $id: "same", type: "string" }, "a", "fine"],
    [{ $id: "same", type: "number" }, 1, "fine"],
  ];
  for (const [schema, value, said] of cases) {
    const answer = await says(schema, value);
    if (typeof said === "string") assert.equal(answer, said);
    else assert.match(answer, said);
  }
});

test("what is no JSON Schema is wrong use", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.properties = cycle;
  for (const input of [
    { type: "strin" },
    { $ref: "https://example.com/x" },
    { $schema: "http://json-schema.org/draft-04/schema#" },
    { $async: true },
    { pattern: "(" },
    cycle,
  ])
    await assert.rejects(
      openTools({ tools: { t: tool({ input, handler: () => 1 }) } }),
      (error: { slug: string; message: string }) => {
        assert.equal(error.slug, "tool");
        assert.match(error.message, /^the input of the tool "t" is no JSON Schema: /);
        return true;
      },
    );
  const misspelt = tool({ input: { properties: { n: { type: "strin" } } }, handler: () => 1 });
  await assert.rejects(
    openTools({ tools: { t: misspelt } }),
    /no JSON Schema: it\.properties\.n\.type must be one of .*"string"/,
  );
});

test("schemas of zod and valibot: what they transform reaches the handler", async () => {
  const tools: Tools = {
    zod: tool({
      input: z.object({ n: z.coerce.number(), by: z.number().default(2) }),
      output: z.object({ sum: z.number().transform(String) }),
      handler: ({ n, by }) => ({ sum: n + by }),
    }),
    valibot: tool({
      input: record({
        a: pipe(
          string(),
          transform((text) => text.length),
        ),
        b: optional(string(), "none"),
      }),
      handler: async ({ a, b }) => [a, b],
    }),
    async: tool({ input: z.string().refine(async (text) => text === "yes"), handler: (text) => text }),
  };
  assert.deepEqual(await call(tools, "zod", '[{"n":"3"}]'), { sum: "5" });
  assert.match(
    String(await call(tools, "zod", '[{"n":1,"by":"x"}]')),
    /^InvalidInput: zod: input\.by is wrong: Invalid input: expected number/,
  );
  assert.deepEqual(await call(tools, "valibot", '[{"a":"four"}]'), [4, "none"]);
  assert.match(
    String(await call(tools, "valibot", '[{"a":4}]')),
    /^InvalidInput: valibot: input\.a is wrong: /,
  );
  assert.equal(await call(tools, "async", '["yes"]'), "yes");
  assert.match(String(await call(tools, "async", '["no"]')), /^InvalidInput/);
});

test("results are JSON, and what the output says; their values stay here", async () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const secret = "the secret";
  const tools: Tools = {
    nan: () => ({ a: [Number.NaN] }),
    big: () => 1n,
    cycle: () => cycle,
    date: () => new Date(0),
    json: tool({
      output: { type: "object", properties: { a: { type: "string" } } },
      handler: () => ({ a: 1 }),
    }),
    none: tool({ output: { type: "null" }, handler: () => undefined }),
    zod: tool({ output: z.object({ a: z.number() }), handler: () => ({ a: secret as never }) }),
    valibot: tool({ output: record({ a: string() }), handler: () => ({ a: 4711 as never }) }),
  };
  assert.match(String(await call(tools, "nan", "[]")), /^InvalidOutput: nan gave NaN at \$\.a\[0\]; /);
  assert.match(String(await call(tools, "big", "[]")), /^InvalidOutput: big gave a BigInt at \$; /);
  assert.match(String(await call(tools, "cycle", "[]")), /^InvalidOutput: cycle gave a cycle at \$\[0\]/);
  assert.equal(await call(tools, "date", "[]"), "1970-01-01T00:00:00.000Z");
  assert.equal(await call(tools, "json", "[]"), "InvalidOutput: json: result.a must be a string");
  assert.equal(await call(tools, "none", "[]"), null);
  assert.equal(
    await call(tools, "zod", "[]"),
    "InvalidOutput: zod: result.a is not what its output schema allows",
  );
  assert.equal(
    await call(tools, "valibot", "[]"),
    "InvalidOutput: valibot: result.a is not what its output schema allows",
  );
});

test("of an exception the class is told, the message only if it was meant to be", async () => {
  class Missing extends ToolError {}
  class Hidden extends Error {}
  const thrown = (error: unknown): Tools => ({ t: () => Promise.reject(error) });
  assert.equal(await call(thrown(new Hidden("password")), "t", "[]"), "Hidden: the tool t failed");
  assert.equal(
    await call(thrown(new ToolError("no such item", { type: "NotFound" })), "t", "[]"),
    "NotFound: no such item",
  );
  assert.equal(await call(thrown(new ToolError("odd", { type: "a\nb" })), "t", "[]"), "ToolError: odd");
  assert.equal(await call(thrown(new Missing("gone")), "t", "[]"), "ToolError: gone");
  for (const odd of [null, "password", { message: "password" }])
    assert.equal(await call(thrown(odd), "t", "[]"), "Error: the tool t failed");
  const trap = new Proxy(new Error("x"), { get: () => assert.fail() });
  assert.equal(await call(thrown(trap), "t", "[]"), "Error: the tool t failed");
  const encodes = { toJSON: () => assert.fail("password") };
  assert.equal(await call({ t: () => encodes }, "t", "[]"), "AssertionError: the tool t failed");
});

test("hostile arguments change no prototype and no handler's idea of one", async () => {
  let called = 0;
  const tools: Tools = {
    t: (value: unknown) => [++called, value],
    u: tool({ parameters: ["a"], handler: (input) => input }),
  };
  for (const args of [
    '[{"__proto__":{"polluted":1}}]',
    '[[{"a":{"__proto__":1}}]]',
    '[{"\\u005f_proto__":{}}]',
    '[{"constructor":{"prototype":{"polluted":1}}}]',
  ])
    assert.match(
      String(await call(tools, "t", args)),
      /^InvalidInput: \$[^ ]* must not have "(__proto__|constructor)"/,
    );
  assert.match(
    String(await call(tools, "u", "[]", { kwargs: '{"__proto__":{"polluted":1}}' })),
    /^InvalidInput/,
  );
  assert.equal(called, 0);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  assert.deepEqual(await call(tools, "t", '[{"constructor":"firm","proto":1}]'), [
    1,
    { constructor: "firm", proto: 1 },
  ]);
  for (const args of ["no json", "{}", "1"])
    assert.match(String(await call(tools, "t", args)), /^InvalidInput: the arguments are /);
  const deep = `${"[".repeat(999)}"__proto__"${"]".repeat(999)}`;
  assert.equal(((await call(tools, "t", deep)) as unknown[])[0], 2);
});

test("a handler's time, and the end of whoever waits for it", async () => {
  const seen: unknown[] = [];
  const waits = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
    await delay(60_000, null, { signal, ref: false }).finally(() => seen.push(signal.aborted));
    throw new Error("not reached");
  };
  const tools: Tools = {
    slow: tool({ timeout: 10, handler: waits }),
    endless: tool({ handler: waits }),
    deaf: () => new Promise(() => {}),
  };
  assert.equal(await call(tools, "slow", "[]"), "Timeout: the tool slow took longer than 10 ms");
  const stop = new AbortController();
  const both = ["endless", "deaf"].map((name) => call(tools, name, "[]", { stop: stop.signal }));
  setTimeout(() => stop.abort(), 5);
  assert.deepEqual(await Promise.all(both), Array(2).fill("Cancelled: the call was cancelled"));
  assert.equal(
    await call(tools, "endless", "[]", { stop: stop.signal }),
    "Cancelled: the call was cancelled",
  );
  await delay(5);
  assert.deepEqual(seen, [true, true]);
});

test("handlers know whose call it is", async () => {
  const tools: Tools = { t: tool({ handler: (_, { signal, ...rest }) => [rest, signal.aborted] }) };
  assert.deepEqual(await call(tools, "t", "[]"), [{ run: "r", task: "main", path: "0.1" }, false]);
});

test("a gate allows, changes and denies, and is asked about valid calls only", async () => {
  const tools: Tools = {
    add: (a: number, b: number) => a + b,
    price: tool({ input: z.object({ item: z.string().toUpperCase() }), handler: ({ item }) => item }),
  };
  const reports: string[] = [];
  const asked: Omit<GateCall, "signal">[] = [];
  const by = (decide: (call: GateCall) => unknown) => ({
    gate: (async ({ signal, ...rest }: GateCall) => {
      asked.push(rest);
      return decide({ signal, ...rest });
    }) as Gate,
    report: (text: string) => reports.push(text),
  });
  const allow = { decision: "allow" };
  assert.equal(
    await call(
      tools,
      "add",
      "[1,2]",
      by(() => allow),
    ),
    3,
  );
  assert.equal(
    await call(
      tools,
      "add",
      "[1,2]",
      by(() => ({ ...allow, args: [5, 6] })),
    ),
    11,
  );
  assert.equal(
    await call(
      tools,
      "price",
      '[{"item":"a"}]',
      by(({ input }) => Object.assign(input as object, { item: "changed" }) && allow),
    ),
    "A",
  );
  assert.equal(
    await call(
      tools,
      "price",
      '[{"item":"a"}]',
      by(() => ({ ...allow, input: { item: "b" } })),
    ),
    "B",
  );
  assert.match(
    String(
      await call(
        tools,
        "price",
        '[{"item":"a"}]',
        by(() => ({ ...allow, input: { item: 1 } })),
      ),
    ),
    /^InvalidInput: price: input\.item is wrong/,
  );
  const before = asked.length;
  assert.match(
    String(
      await call(
        tools,
        "price",
        '[{"item":1}]',
        by(() => allow),
      ),
    ),
    /^InvalidInput/,
  );
  assert.equal(asked.length, before);
  assert.deepEqual(asked[0], {
    run: "r",
    task: "main",
    path: "0.1",
    tool: "add",
    args: [1, 2],
    input: undefined,
  });
  assert.deepEqual(asked.at(-1)?.args, [{ item: "a" }]);
  assert.equal(
    await call(
      tools,
      "add",
      "[1,2]",
      by(() => ({ decision: "deny" })),
    ),
    "Denied: the tool add was denied",
  );
  assert.equal(
    await call(
      tools,
      "add",
      "[1,2]",
      by(() => ({ decision: "deny", reason: "not today" })),
    ),
    "Denied: the tool add was denied: not today",
  );
  assert.equal(reports.length, 0);
  const broken = (): never => {
    throw new Error("oops");
  };
  for (const decide of [
    broken,
    () => undefined,
    () => true,
    () => ({ decision: "yes" }),
    () => ({ ...allow, args: 1 }),
  ])
    assert.equal(await call(tools, "add", "[1,2]", by(decide)), "Denied: the tool add was denied");
  assert.equal(reports.length, 5);
  assert.match(
    reports[0] as string,
    /^the gate failed at a call of the tool add, which was denied: Error: oops$/,
  );
});

test("remote tools: text goes through as it came, after it was validated", async () => {
  const calls: string[] = [];
  const host = await openRemoteTools(
    [
      {
        name: "double",
        parameters: ["n"],
        input: { type: "object", properties: { n: { type: "integer" } } },
        output: { type: "integer" },
      },
    ],
    async ({ args, kwargs }) => {
      calls.push(`${args} ${kwargs}`);
      if (args === "[1]") return { ok: false, type: "NotFound", message: "gone" };
      return { ok: true, json: args === "[2]" ? '"two"' : "246913578024691357802469135780" };
    },
  );
  const ask = async (args: string, kwargs: string | null = null): Promise<ToolAnswer> =>
    host.call({ run: "r", task: "main", path: "0.1", name: "double", args, kwargs }, never);
  assert.deepEqual(await ask("[123456789012345678901234567890]"), {
    ok: true,
    json: "246913578024691357802469135780",
  });
  assert.equal(told(await ask("[1]")), "NotFound: gone");
  assert.equal(told(await ask("[2]")), "InvalidOutput: double: result must be an integer");
  assert.equal(told(await ask("[]", '{"n":"x"}')), "InvalidInput: double: input.n must be an integer");
  assert.deepEqual(calls, ["[123456789012345678901234567890] null", "[1] null", "[2] null"]);
});
