/**
 * Random modules by binaryen's `wasm-opt --translate-to-fuzz`. Its npm package is 110 MB, so it is installed when it is
 * first wanted, in a folder of its own. The program is a script with the tool in it as WebAssembly, and here it runs
 * many times in one process, compiled once: it takes 50 ms for a module instead of 500.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { SectionId } from "../../src/sections.ts";
import { CACHE } from "./cache.ts";
import { sectionsOf } from "./mutate.ts";
import { type Random, randomFrom } from "./random.ts";

const VERSION = "132.0.0";

/** Makes a module from seeded random bytes; `undefined` if the tool failed at it. */
export type Binaryen = (seed: number) => Promise<Uint8Array | undefined>;

/** What the rewriter takes. */
const FEATURES = [
  ...["sign-ext", "mutable-globals", "nontrapping-float-to-int", "bulk-memory", "bulk-memory-opt"],
  ...["tail-call", "reference-types", "multivalue", "extended-const"],
].map((name) => `--enable-${name}`);

/** Finds binaryen, installing it if `install`; says why there is none. */
export function findBinaryen(install: boolean): { readonly file: string } | { readonly missing: string } {
  const folder = join(CACHE, `binaryen-${VERSION}`);
  const file = join(folder, "node_modules/binaryen/bin/wasm-opt");
  if (existsSync(file)) return { file };
  if (!install) return { missing: "it is not installed" };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", ["install", ...flags, `binaryen@${VERSION}`], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0 && existsSync(file)) return { file };
  return { missing: stderr?.trim().split("\n")[0] || "npm can't install it" };
}

/** @param file binaryen's `wasm-opt`. */
export function binaryen(file: string): Binaryen {
  const wasmOpt = loadWasmOpt(file);
  const folder = mkdtempSync(join(tmpdir(), "capsule-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [input, output] = [join(folder, "in"), join(folder, "out")];
  return async (seed) => {
    const random = randomFrom(seed);
    writeFileSync(input, random.bytes(200 + random.below(random.once(4) ? 12_000 : 3000)));
    rmSync(output, { force: true });
    await wasmOpt([...FEATURES, ...flagsFor(random), "-ttf", input, "-o", output]);
    return existsSync(output) ? withoutStart(readFileSync(output)) : undefined;
  };
}

/** The rewriter refuses start functions. */
function withoutStart(wasm: Uint8Array): Uint8Array {
  const sections = sectionsOf(wasm).filter(([id]) => id !== SectionId.start);
  return Buffer.concat([wasm.subarray(0, 8), ...sections]);
}

/**
 * V8 takes no module that throws in both ways, the old and the new, and the generator mixes them: a pass translates
 * the old ones. With `--denan` the original computes no NaN, so that what it gives can be compared bit by bit.
 */
function flagsFor(random: Random): string[] {
  return [
    ...(random.once(2)
      ? ["--enable-exception-handling", "--translate-to-exnref"]
      : ["--disable-exception-handling"]),
    random.once(2) ? "--enable-simd" : "--disable-simd",
    ...(random.once(2) ? ["--denan"] : []),
    ...(random.once(3) ? ["--no-fuzz-oob"] : []),
    ...(random.once(3) ? [random.pick(["-O1", "-O2", "-Os", "-O4", "--vacuum"])] : []),
  ];
}

type Tool = (args: readonly string[]) => Promise<void>;

function loadWasmOpt(file: string): Tool {
  const source = readFileSync(file, "utf8").replace(/^#!.*/, "");
  const parameters = "Module, WebAssembly, require, process, module, __filename, __dirname";
  const make = new Script(`(function (${parameters}) {${source}\n})`).runInThisContext() as (
    ...values: unknown[]
  ) => void;
  let compiled: Promise<WebAssembly.Module> | undefined;
  const instantiate = async (bytes: BufferSource, imports: WebAssembly.Imports) => {
    compiled ??= WebAssembly.compile(bytes);
    const module = await compiled;
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  const api = Object.create(WebAssembly, { instantiate: { value: instantiate } });
  const require = createRequire(file);
  return (args) =>
    new Promise((resolve) => {
      const own = Object.create(process, {
        argv: { value: [process.execPath, file, ...args] },
        exitCode: { value: 0, writable: true },
      });
      const settings = {
        print: () => {},
        printErr: () => {},
        onExit: resolve,
        postRun: resolve,
        onAbort: resolve,
      };
      make(settings, api, require, own, { exports: {} }, file, ".");
    });
}
