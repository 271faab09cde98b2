/** What a soak runs: small programs of every kind of ending, in either language, and what has to come of each. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunResult } from "@capsule-run/sdk/runner";
import { FILE, GREETING, TEXT, type World } from "./world.ts";

export const LANGUAGES = ["typescript", "python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** One run: which program with what, and whether what came of it is right. */
export interface Piece {
  readonly program: string;
  readonly args: readonly unknown[];
  /** Cancelled as soon as it prints. */
  readonly cancel?: true;
  /** The result's JSON, or the error type, that it has to end with. */
  readonly ends: { readonly json: string } | { readonly error: string };
  /** Bytes it has to print. */
  readonly prints: number;
}

const EXTENSION = { typescript: "ts", python: "py" } as const;
/** More than a cell keeps artifacts of, so that they are given up and given anew. */
const VARIANTS = 20;
const LINES = 20;
const LINE = "x".repeat(59);

/** Stands in the programs for the server's host. */
const HOST = "HOST";

const PROGRAMS: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  typescript: {
    echo: `export const main = task({ name: "main" }, (value: unknown) => value);`,
    calls: `
      const twice = task({ name: "twice" }, (n: number): number => n * 2);
      const later = task({ name: "later" }, async (n: number): Promise<number> => n + 1);
      const bad = task({ name: "bad" }, () => { throw new Error("of the sub-task"); });
      export const main = task({ name: "main" }, async (how: string, n: number) => {
        if (how === "sync") return [twice(n).result, twice(n + 1).result];
        if (how === "async") return (await Promise.all([later(n), later(n + 1), later(n + 2)])).map((r) => r.result);
        if (how === "left") { later(n); return n; }
        return bad().error;
      });`,
    prints: `export const main = task({ name: "main" }, () => {
      for (let i = 0; i < ${LINES}; i++) console.log("${LINE}");
    });`,
    throws: `export const main = task({ name: "main" }, () => { throw new TypeError("on purpose"); });`,
    retries: `export const main = task({ name: "main", maxRetries: 2 }, () => { throw new Error("each time"); });`,
    nan: `export const main = task({ name: "main" }, () => ({ at: [1, Number.NaN] }));`,
    deep: `const f = (n: number): number => 1 + f(n);
      export const main = task({ name: "main" }, () => f(1));`,
    stuck: `export const main = task({ name: "main" }, async () => { await new Promise(() => {}); });`,
    fuel: `export const main = task({ name: "main", compute: 2_000_000 }, () => { for (;;); });`,
    time: `export const main = task({ name: "main", timeout: "40ms", compute: "HIGH" }, () => { for (;;); });`,
    memory: `export const main = task({ name: "main", ram: "8MB" }, () => {
      const all: string[] = [];
      for (let i = 0; ; i++) all.push("y".repeat(100_000) + i);
    });`,
    waits: `export const main = task({ name: "main" }, async () => {
      console.log("waiting");
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    });`,
    reaches: `
      import { openSync, readFileSync } from "node:fs";
      const reach = { allowedFiles: ["data"], allowedHosts: ["${HOST}"] };
      export const main = task({ name: "main", ...reach }, async (path: string) => {
        openSync("${FILE}", "r");
        const text = readFileSync("${FILE}", "utf8");
        if (path === "/silent") console.log("waiting");
        return [text, await (await fetch("http://${HOST}" + path)).text()];
      });`,
  },
  python: {
    echo: `@task(name="main")\ndef main(value):\n    return value\n`,
    calls: `
import asyncio

@task(name="twice")
def twice(n):
    return n * 2

@task(name="later")
async def later(n):
    return n + 1

@task(name="bad")
def bad():
    raise ValueError("of the sub-task")

@task(name="main")
async def main(how, n):
    if how == "sync":
        return [twice(n)["result"], twice(n + 1)["result"]]
    if how == "async":
        return [each["result"] for each in await asyncio.gather(later(n), later(n + 1), later(n + 2))]
    if how == "left":
        asyncio.ensure_future(later(n))
        await asyncio.sleep(0)
        return n
    return bad()["error"]
`,
    prints: `@task(name="main")\ndef main():\n    for _ in range(${LINES}):\n        print("${LINE}")\n`,
    throws: `@task(name="main")\ndef main():\n    raise TypeError("on purpose")\n`,
    retries: `@task(name="main", max_retries=2)\ndef main():\n    raise ValueError("each time")\n`,
    nan: `@task(name="main")\ndef main():\n    return {"at": [1, float("nan")]}\n`,
    deep: `def f(n):\n    return 1 + f(n)\n\n@task(name="main")\ndef main():\n    return f(1)\n`,
    stuck: `import asyncio\n\n@task(name="main")\nasync def main():\n    await asyncio.Event().wait()\n`,
    fuel: `@task(name="main", compute=20_000_000)\ndef main():\n    while True:\n        pass\n`,
    time: `@task(name="main", timeout="40ms", compute="HIGH")\ndef main():\n    while True:\n        pass\n`,
    memory: `@task(name="main", ram="64MB")\ndef main():\n    rows = []\n    while True:\n        rows.append(bytearray(1_000_000))\n`,
    waits: `
import asyncio

@task(name="main")
async def main():
    print("waiting")
    await asyncio.sleep(3600)
`,
    reaches: `
import os
from urllib.request import urlopen

@task(name="main", allowed_files=["data"], allowed_hosts=["${HOST}"])
def main(path):
    os.open("${FILE}", os.O_RDONLY)
    with open("${FILE}") as file:
        text = file.read()
    if path == "/silent":
        print("waiting")
    return [text, urlopen("http://${HOST}" + path).read().decode()]
`,
  },
};

const HEAD: Readonly<Record<Language, string>> = {
  typescript: `import { task } from "@capsule-run/sdk";\n`,
  python: `from capsule import task\n\n`,
};

/** Writes the programs of a language into a folder; the variants differ only in a name. */
export function writePrograms(folder: string, language: Language, { host }: World): void {
  const write = (name: string, source: string): void =>
    writeFileSync(
      join(folder, `${name}.${EXTENSION[language]}`),
      HEAD[language] + source.replaceAll(HOST, host),
    );
  for (const [name, source] of Object.entries(PROGRAMS[language])) write(name, source);
  for (let n = 0; n < VARIANTS; n++) write(`variant${n}`, variant(language, n));
}

/** A program that says who it is. `edition` changes its text, as an edit would. */
const variant = (language: Language, n: number, edition = 0): string =>
  language === "typescript"
    ? `export const main = task({ name: "main" }, () => "${n}.${edition}");`
    : `@task(name="main")\ndef main():\n    return "${n}.${edition}"\n`;

/** Changes a program between two runs, as somebody who develops it does. */
export function edit(folder: string, language: Language, edition: number): Piece {
  const program = `edited.${EXTENSION[language]}`;
  writeFileSync(join(folder, program), HEAD[language] + variant(language, 0, edition));
  return { program, args: [], ends: { json: `"0.${edition}"` }, prints: 0 };
}

type Kind = readonly [share: number, make: (i: number) => Omit<Piece, "program"> & { program: string }];

const error = (program: string, type: string): Kind[1] => {
  return () => ({ program, args: [], ends: { error: type }, prints: 0 });
};

/** Of a hundred runs, how many are of which kind. */
const MIX: readonly Kind[] = [
  [
    52,
    (i) => {
      const value = { i, text: `run ${i} ü`, list: [1, 2.5, null, true] };
      return { program: "echo", args: [value], ends: { json: JSON.stringify(value) }, prints: 0 };
    },
  ],
  [7, (i) => ({ program: "calls", args: ["sync", i], ends: { json: `[${i * 2},${i * 2 + 2}]` }, prints: 0 })],
  [
    7,
    (i) => ({
      program: "calls",
      args: ["async", i],
      ends: { json: `[${i + 1},${i + 2},${i + 3}]` },
      prints: 0,
    }),
  ],
  [2, (i) => ({ program: "calls", args: ["left", i], ends: { json: String(i) }, prints: 0 })],
  [10, () => ({ program: "prints", args: [], ends: { json: "null" }, prints: LINES * (LINE.length + 1) })],
  [6, error("throws", "task_error")],
  [1, error("retries", "task_error")],
  [1, error("nan", "invalid_result")],
  [1, error("deep", "stack_overflow")],
  [1, error("stuck", "deadlock")],
  [1, error("fuel", "out_of_fuel")],
  [1, error("time", "timeout")],
  [1, error("memory", "out_of_memory")],
  [1, () => ({ program: "echo", args: [1, 2], ends: { error: "invalid_arguments" }, prints: 0 })],
  [1, () => ({ program: "waits", args: [], cancel: true, ends: { error: "cancelled" }, prints: 8 })],
  [
    2,
    () => ({
      program: "reaches",
      args: ["/"],
      ends: { json: JSON.stringify([TEXT, GREETING]) },
      prints: 0,
    }),
  ],
  [
    1,
    () => ({ program: "reaches", args: ["/silent"], cancel: true, ends: { error: "cancelled" }, prints: 8 }),
  ],
  [
    4,
    (i) => ({
      program: `variant${i % VARIANTS}`,
      args: [],
      ends: { json: `"${i % VARIANTS}.0"` },
      prints: 0,
    }),
  ],
];

const SHARES = MIX.flatMap(([share, make]) => Array.from({ length: share }, () => make));

/** The run with a number: the kinds follow each other in an order that looks random and is always the same. */
export function pieceOf(i: number, language: Language): Piece {
  // 37 has no divisor in common with the hundred shares: each is met once in a hundred.
  const make = SHARES[(i * 37) % SHARES.length] as Kind[1];
  const piece = make(i);
  return { ...piece, program: `${piece.program}.${EXTENSION[language]}` };
}

/** What is wrong with how a run ended, or null. */
export function wrongEnd(piece: Piece, result: RunResult<unknown>, printed: number): string | null {
  const { program, ends, prints } = piece;
  const got = result.success ? (result.resultJson ?? "") : result.error.error_type;
  const wanted = "json" in ends ? ends.json : ends.error;
  const same =
    "json" in ends && result.success
      ? JSON.stringify(JSON.parse(got)) === JSON.stringify(JSON.parse(wanted))
      : got === wanted && "error" in ends && !result.success;
  const message = result.success ? "" : `: ${result.error.message.slice(0, 300)}`;
  if (!same) return `${program} ended with ${got.slice(0, 300)}${message}, not ${wanted}`;
  return printed === prints ? null : `${program} printed ${printed} bytes, not ${prints}`;
}
