/** wasmtime as a second opinion on what modules do, from PyPI, in a virtual environment of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { GATE, rewrite } from "../../src/index.ts";
import { ValueType } from "../../src/opcodes.ts";
import { decodeModule, ExternKind } from "../../src/sections.ts";
import { startGuest } from "../../src/testing/guest.ts";
import { CACHE } from "./cache.ts";
import { exposed } from "./edit.ts";
import { anyValue } from "./execute.ts";
import { randomFrom } from "./random.ts";
import { type Import, importsOf } from "./types.ts";

const VERSION = "50.0.1";
const SCRIPT = fileURLToPath(new URL("opinion.py", import.meta.url));
const SLICE = 1_000_000;
const LIMIT = 4_000_000;
const PAGES = 40;
const TIME_LIMIT_MS = 60_000;

/** Finds a Python that has wasmtime, installing it if `install`; says why there is none. */
export function findWasmtime(install: boolean): { readonly python: string } | { readonly missing: string } {
  const folder = join(CACHE, `wasmtime-${VERSION}`);
  const python = join(folder, "bin/python");
  const works = () => existsSync(python) && spawnSync(python, ["-c", "import wasmtime"]).status === 0;
  if (works()) return { python };
  if (!install) return { missing: "it is not installed" };
  const made = spawnSync("python3", ["-m", "venv", folder], { encoding: "utf8" });
  if (made.status !== 0) return { missing: "python3 can't make a virtual environment" };
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `wasmtime==${VERSION}`];
  const { status, stderr } = spawnSync(python, args, { encoding: "utf8" });
  if (status === 0 && works()) return { python };
  return { missing: stderr?.trim().split("\n").at(-1) || "pip can't install it" };
}

type Reply =
  | { readonly calls: readonly string[]; readonly memory: string; readonly fuel: number }
  | { readonly failed: string };

interface PlannedCall {
  readonly name: string;
  readonly args: readonly (readonly [kind: string, bits: string])[];
  readonly values: readonly unknown[];
  readonly results: readonly string[];
}

/** A Python process with wasmtime in it. */
export class SecondOpinion {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(python: string) {
    this.#child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout as NonNullable<ChildProcess["stdout"]> });
  }

  /**
   * What wasmtime sees otherwise than V8. Not asked about modules that import more than functions and numbers, or
   * have no functions of numbers.
   */
  async differenceFor(wasm: Uint8Array, seed: number): Promise<{ asked: boolean; detail?: string }> {
    const shown = exposed(wasm, PAGES);
    const calls = shown && plannedCalls(shown.wasm, seed);
    if (shown === undefined || calls === undefined || calls.length === 0) return { asked: false };
    const keepExports = decodeModule(shown.wasm).exports.map(({ name }) => name);
    const output = rewrite(shown.wasm, { keepExports }).wasm;
    const mine = inV8(output, shown.wasm, calls);
    if (mine === undefined) return { asked: false };
    const original = await this.#ask({ wasm: shown.wasm, rewritten: false, calls });
    // What it does not support, or gives other bounds, it can't tell about.
    if ("failed" in original) return { asked: false };
    const rewritten = await this.#ask({ wasm: output, rewritten: true, calls });
    if ("failed" in rewritten) return { asked: true, detail: `rewritten: ${rewritten.failed}` };
    const detail =
      differenceOf("original", mine, { ...original, fuel: mine.fuel }) ??
      differenceOf("rewritten", mine, rewritten);
    return { asked: true, ...(detail === undefined ? {} : { detail }) };
  }

  #ask({
    wasm,
    rewritten,
    calls,
  }: {
    wasm: Uint8Array;
    rewritten: boolean;
    calls: readonly PlannedCall[];
  }): Promise<Reply> {
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    const job = {
      ...{ wasm: base64(wasm), gate: base64(GATE), rewritten, slice: SLICE, limit: LIMIT, pages: PAGES },
      calls: calls.map(({ name, args, results }) => ({ name, args, results })),
    };
    return new Promise((resolve) => {
      const answer = (reply: Reply) => {
        clearTimeout(timer);
        this.#lines.removeAllListeners("line");
        this.#child.removeAllListeners("exit");
        resolve(reply);
      };
      // Late answers would be taken for others.
      const timer = setTimeout(() => this.#child.kill(), TIME_LIMIT_MS);
      this.#lines.once("line", (line) => answer(JSON.parse(line) as Reply));
      this.#child.once("exit", () => answer({ failed: "wasmtime is gone" }));
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        answer({ failed: "wasmtime is gone" });
      this.#child.stdin?.write(`${JSON.stringify(job)}\n`);
    });
  }

  close(): void {
    this.#child.kill();
  }
}

const KINDS: Readonly<Record<number, string>> = {
  [ValueType.i32]: "i32",
  [ValueType.i64]: "i64",
  [ValueType.f32]: "f32",
  [ValueType.f64]: "f64",
};

function plannedCalls(wasm: Uint8Array, seed: number): PlannedCall[] | undefined {
  const module = decodeModule(wasm);
  if (!importsOf(module).every(isSimple)) return undefined;
  const random = randomFrom(seed ^ 0x3a5);
  const calls: PlannedCall[] = [];
  for (const { name, kind, index } of module.exports) {
    if (kind !== ExternKind.function) continue;
    const type = module.types[module.functions[index] as number];
    if (type === undefined || ![...type.params, ...type.results].every((each) => each in KINDS)) continue;
    const values = type.params.map((each) => anyValue(each, random));
    const args = type.params.map(
      (each, i) => [KINDS[each] as string, bitsOf(KINDS[each] as string, values[i])] as const,
    );
    calls.push({ name, args, values, results: type.results.map((each) => KINDS[each] as string) });
  }
  return calls;
}

/** Functions and globals of what JavaScript has values for: in both engines they do and hold nothing. */
function isSimple(item: Import): boolean {
  const simple = (type: number) => type !== ValueType.v128 && type !== ValueType.exnref;
  if (item.kind === "function") return [...item.params, ...item.results].every(simple);
  return item.kind === "global" && item.type in KINDS;
}

const nothing = (type: number): unknown => (type === ValueType.i64 ? 0n : type in KINDS ? 0 : null);

function nothingGlobal({ type, mutable }: Import & { kind: "global" }): WebAssembly.Global {
  return new WebAssembly.Global({ value: KINDS[type] as "i32", mutable }, nothing(type) as number);
}

function bitsOf(kind: string, value: unknown): string {
  if (kind === "i32") return (Number(value) >>> 0).toString(16);
  if (kind === "i64") return BigInt.asUintN(64, BigInt(value as bigint)).toString(16);
  const float = kind === "f32" ? Math.fround(Number(value)) : Number(value);
  if (Number.isNaN(float)) return "nan";
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(float);
  return bytes.toString("hex");
}

interface Seen {
  readonly calls: readonly string[];
  readonly memory: string;
  readonly fuel: number;
}

/** `undefined` if it does not run to its end: overflows and shortages come elsewhere in other engines. */
function inV8(output: Uint8Array, wasm: Uint8Array, calls: readonly PlannedCall[]): Seen | undefined {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const item of importsOf(decodeModule(wasm))) {
    imports[item.module] ??= {};
    const given = imports[item.module] as Record<string, WebAssembly.ImportValue>;
    if (item.kind === "global") given[item.name] = nothingGlobal(item);
    if (item.kind !== "function") continue;
    const values = item.results.map(nothing);
    given[item.name] = () => (values.length > 1 ? values : values[0]);
  }
  let guest: ReturnType<typeof startGuest>;
  try {
    guest = startGuest(output, { slice: SLICE, limit: LIMIT / SLICE - 1, imports });
  } catch {
    return undefined;
  }
  guest.exports.capsule_memory_limit.value = PAGES;
  const seen: string[] = [];
  for (const { name, values, results } of calls) {
    try {
      const result: unknown = guest.exports[name](...values);
      const list = results.length > 1 ? (result as unknown[]) : results.length === 1 ? [result] : [];
      seen.push(list.map((value, i) => bitsOf(results[i] as string, value)).join());
    } catch (error) {
      if (error instanceof RangeError || guest.slices() >= LIMIT / SLICE - 1) return undefined;
      seen.push(trapOf(error));
    }
  }
  const memory = guest.exports["fuzz:2-0"] as WebAssembly.Memory | undefined;
  const image = memory ? createHash("sha1").update(new Uint8Array(memory.buffer)).digest("hex") : "";
  return { calls: seen, memory: image, fuel: guest.used() };
}

/** V8's messages in the words of wasmtime. */
const TRAPS: readonly (readonly [RegExp, RegExp])[] = [
  [/unreachable/, /UNREACHABLE/],
  [/memory access out of bounds/, /MEMORY_OUT_OF_BOUNDS/],
  [/table index is out of bounds|table access|element segment/, /TABLE_OUT_OF_BOUNDS/],
  [/null function|signature mismatch/, /INDIRECT_CALL_TO_NULL|BAD_SIGNATURE/],
  [/by zero/, /INTEGER_DIVISION_BY_ZERO/],
  [/divide result unrepresentable/, /INTEGER_OVERFLOW/],
  [/float unrepresentable/, /BAD_CONVERSION_TO_INTEGER|INTEGER_OVERFLOW/],
  [/exception/, /exception/i],
  [/null/, /NULL/i],
];

function trapOf(error: unknown): string {
  return error instanceof WebAssembly.Exception ? "trap: exception" : `trap: ${(error as Error).message}`;
}

function differenceOf(what: string, mine: Seen, theirs: Seen): string | undefined {
  for (const [i, expected] of mine.calls.entries()) {
    const actual = theirs.calls[i] ?? "nothing";
    if (actual.includes("STACK_OVERFLOW") || actual.includes("OUT_OF_FUEL")) return undefined;
    const sameTrap =
      expected.startsWith("trap: ") &&
      TRAPS.some(([v8, wasmtime]) => v8.test(expected) && wasmtime.test(actual));
    if (actual !== expected && !sameTrap) return `${what}: call ${i} gave ${actual}, in V8 ${expected}`;
  }
  if (mine.memory !== theirs.memory) return `${what}: another memory`;
  return mine.fuel === theirs.fuel ? undefined : `${what}: fuel ${theirs.fuel}, in V8 ${mine.fuel}`;
}
