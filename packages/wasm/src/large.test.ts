import assert from "node:assert/strict";
import { test } from "node:test";
import { functionBody, sized } from "./assemble.ts";
import { u32 } from "./binary.ts";
import { rewrite, WasmError } from "./index.ts";
import { oneFunction } from "./testing/one-function.ts";

/** A module of a memory and a function `f` of an i32, with more i32 locals. */
const moduleOf = (code: readonly number[], locals = 0): Uint8Array =>
  oneFunction(locals > 0 ? [1, ...u32(locals), 0x7f, ...code, 0x0b] : functionBody([], code));

const times = (n: number, ...code: readonly number[]): number[] =>
  Array.from({ length: n * code.length }, (_, i) => code[i % code.length] as number);

const get = (local: number): number[] => [0x20, local];
const store = (offset: number): number[] => [...get(0), ...get(0), 0x36, 2, offset];

/** What took quadratic time, or more arguments than a call can have. */
const LARGE: Readonly<Record<string, () => Uint8Array>> = {
  "stores by one address": () => moduleOf(times(200_000, ...store(8))),
  "an address that is moved on and on": () =>
    moduleOf(times(100_000, ...store(8), ...get(0), 0x41, 1, 0x6a, 0x21, 0)),
  "blocks, and locals that are never set": () =>
    moduleOf(times(20_000, 2, 0x40, ...get(0), 0x0d, 0, ...get(5), ...get(1), 0x36, 2, 8, 0x0b), 20),
  "branches out of nested blocks": () =>
    moduleOf([
      ...times(30_000, 2, 0x40),
      ...times(30_000, ...get(0), 0x0d, ...u32(29_999)),
      ...times(30_000, 0x0b),
    ]),
};

for (const [what, make] of Object.entries(LARGE))
  test(`many: ${what}`, () => {
    const { wasm } = rewrite(make(), { keepExports: ["f"], markPages: true });
    assert.ok(WebAssembly.validate(wasm as BufferSource));
  });

test("a block of more parameters than there may be is no reason to crash", () => {
  const count = 150_000;
  const section = (id: number, content: readonly number[]) => [id, ...u32(content.length), ...content];
  const body = functionBody(
    [],
    [...times(count, ...get(0)), ...get(0), 4, 1, ...times(count, 0x1a), 5, ...times(count, 0x1a), 0x0b],
  );
  const wasm = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 1, 0x7f, 0, 0x60, ...u32(count), ...times(count, 0x7f), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(10, [1, ...sized(body)]),
  ]);
  try {
    assert.ok(
      !WebAssembly.validate(rewrite(wasm, { keepExports: [], markPages: true }).wasm as BufferSource),
    );
  } catch (error) {
    assert.ok(error instanceof WasmError, String(error));
  }
});
