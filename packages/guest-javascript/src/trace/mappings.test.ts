import assert from "node:assert/strict";
import { SourceMap } from "node:module";
import { test } from "node:test";
import { transform } from "esbuild";
import { mappingsOf } from "./mappings.ts";

interface Entry {
  readonly generatedLine?: number;
  readonly originalSource?: string;
  readonly originalLine?: number;
  readonly originalColumn?: number;
}

test("every place of a bundle comes from where Node's own reader says", async () => {
  const source = Array.from(
    { length: 50 },
    (_, i) =>
      `export const f${i} = (a: number, b?: string): string => { // ${i}\n  return \`\${a * ${i}}\${b}\`;\n};`,
  ).join("\n\n");
  for (const minify of [false, true]) {
    const { code, map } = await transform(source, { loader: "ts", sourcemap: "external", minify });
    const payload = JSON.parse(map) as { mappings: string };
    const theirs = new SourceMap(payload as never);
    const ours = mappingsOf(payload.mappings);
    for (const [line, text] of code.split("\n").entries())
      for (let column = 0; column <= text.length; column++) {
        const { generatedLine, originalSource, originalLine, originalColumn } = theirs.findEntry(
          line,
          column,
        ) as Entry;
        const expected =
          originalSource === undefined || generatedLine !== line
            ? null
            : { source: 0, line: originalLine, column: originalColumn };
        assert.deepEqual(ours.find(line, column), expected, `${line}:${column}`);
      }
  }
});

test("segments of no source, empty lines and what is beyond the end have no origin", () => {
  const mappings = mappingsOf(";AAAA,C,CAAC;;");
  assert.equal(mappings.find(0, 0), null);
  assert.deepEqual(mappings.find(1, 0), { source: 0, line: 0, column: 0 });
  assert.equal(mappings.find(1, 1), null);
  assert.deepEqual(mappings.find(1, 9), { source: 0, line: 0, column: 1 });
  assert.equal(mappings.find(2, 0), null);
  assert.equal(mappings.find(99, 0), null);
});

test("what is no such text is refused", () => {
  for (const text of ["!", "A!", "AA", "é", "AAA", "gggggggggggg"])
    assert.throws(() => mappingsOf(text), RangeError, text);
});
