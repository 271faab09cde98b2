import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import { object as record, string } from "valibot";
import * as z from "zod";
import { type JsonSchema, type Tools, tool } from "../declare/index.ts";
import { describeTools } from "./index.ts";

interface Vector {
  readonly name: string;
  readonly tools: readonly {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: readonly string[];
    readonly input?: JsonSchema;
    readonly output?: JsonSchema;
  }[];
  readonly typescript: string;
  readonly python: string;
  readonly "d.ts": string;
}

/** Shared with the Python package, which describes its tools itself. */
const vectors = JSON.parse(
  readFileSync(new URL("../../../../test/vectors/describe-tools.json", import.meta.url), "utf8"),
) as readonly Vector[];

for (const { name, tools, typescript, python, "d.ts": declaration } of vectors)
  test(`described in all forms: ${name}`, () => {
    const given: Tools = Object.fromEntries(
      tools.map(({ name: called, ...rest }) => [called, tool({ ...rest, handler: () => null })]),
    );
    assert.equal(describeTools(given, "typescript"), typescript);
    assert.equal(describeTools(given, "python"), python);
    assert.equal(describeTools(given, "d.ts"), declaration);
    // Nothing in a schema ends a comment: it is a declaration and nothing else.
    assert.equal(
      stripTypeScriptTypes(typescript)
        .replaceAll(/\/\/.*/g, "")
        .trim(),
      "",
    );
  });

test("functions by the parameters their sources show; schemas of libraries", () => {
  const tools: Tools = {
    plain: async (q: string, limit = 5) => [q, limit],
    early: (a = 1, b: number) => a + b,
    rest: (...all: string[]) => all,
    pattern: ({ a }: { a: string }) => a,
    named(one: string) {
      return one;
    },
    native: Math.max,
    zod: tool({
      input: z.object({ n: z.number().describe("A number."), by: z.int().default(2) }),
      output: z.object({ at: z.date() }),
      handler: () => ({ at: new Date(0) }),
    }),
    valibot: tool({ input: record({ a: string() }), handler: () => 1 }),
  };
  const text = describeTools(tools, "typescript");
  for (const line of [
    "plain(q: unknown, limit?: unknown): Promise<unknown>;",
    "early(a: unknown, b: unknown): Promise<unknown>;",
    "rest(...args: unknown[]): Promise<unknown>;",
    "pattern(...args: unknown[]): Promise<unknown>;",
    "named(one: unknown): Promise<unknown>;",
    "native(...args: unknown[]): Promise<unknown>;",
    "/** A number. */",
    "by?: number;",
    "}): Promise<{ at: unknown }>;",
    "valibot(input: unknown): Promise<unknown>;",
  ])
    assert.ok(text.includes(line), `${line}\n${text}`);
  assert.match(
    describeTools(tools, "python"),
    /def plain\(self, q: Any, limit: Any = \.\.\.\) -> Any: \.\.\./,
  );
  assert.match(describeTools(tools, "python"), /def rest\(self, \*args: Any\) -> Any: \.\.\./);
});

test("wrong use", () => {
  const wrong = (call: () => unknown, said: RegExp): void =>
    assert.throws(call, (error: { slug: string; message: string }) => {
      assert.equal(error.slug, "tool");
      assert.match(error.message, said);
      return true;
    });
  wrong(
    () => describeTools({}, "ruby" as never),
    /the form is "ruby"; allowed: "typescript", "python", "d.ts"/,
  );
  wrong(() => describeTools([] as never, "python"), /tools is a list/);
  for (const name of ["then", "a b", "__proto__x__", "", "1"])
    wrong(() => describeTools({ [name]: () => 1 }, "python"), /a tool can't be called/);
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, () => 1]));
  wrong(() => describeTools(many, "python"), /1001 tools; allowed: at most 1000/);
  wrong(() => describeTools({ a: 5 as never }, "python"), /the tool "a": it is 5/);
  wrong(() => tool({ handler: 5 as never }), /handler is 5; allowed: a function/);
  wrong(() => tool({} as never), /handler is undefined/);
  wrong(
    () => tool({ handler: () => 1, input: { "~standard": null } as never }),
    /input is an object; allowed/,
  );
  wrong(() => tool({ handler: () => 1, timeout: "soon" }), /timeout is "soon"/);
  wrong(() => tool({ handler: () => 1, parameters: ["a", "a"] }), /parameters is a list/);
  wrong(
    () => tool({ handler: () => 1, input: "text" as never }),
    /input is "text"; allowed: a Standard Schema/,
  );
  wrong(() => tool({ handler: () => 1, inputs: {} } as never), /no option "inputs"; did you mean "input"\?/);
});
