/**
 * Measures which way the branches of CPython usually go and writes profile.json beside this folder:
 * `node packages/engine-python/scripts/profile.ts path/to/python.wasm path/to/python-stdlib.zip`, with
 * `--stack-size=3936`. To be run when the engine or the training set changes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BranchRun, instrument, profileFrom } from "@capsule-run/wasm";
import { GATE } from "@capsule-run/wasm/host";
import { rewriteOptions } from "../src/rewrite.ts";
import { TRAINING } from "./training.ts";
import { createImports } from "./wasi.ts";

const SLICE = 20_000_000;

/** Bytes of the shadow stack that programs may use, as in cells. */
const STACK = 3072 * 1024;

/** Branches that training reaches less often than once in so many units are left out: they cost more than they gain. */
const WORTH = 1 / 20_000;

// biome-ignore lint/suspicious/noExplicitAny: the exports of the engine
type Exports = Record<string, any>;

const [, , enginePath = "python.wasm", libraryPath = "python-stdlib.zip"] = process.argv;
const wasm = readFileSync(enginePath);
const { profile: _profile, ...options } = rewriteOptions("core");
const instrumented = instrument(wasm, options);
let printed = "";
const engine = startEngine(instrumented.wasm);
const counters = new Uint32Array(engine.exports.capsule_counters.buffer, 0, instrumented.sites.length * 2);

const runs: BranchRun[] = [];
for (const [name, program] of Object.entries(TRAINING)) {
  run(program);
  counters.fill(0);
  const before = engine.used();
  run(program);
  runs.push({ counters: counters.slice(), fuel: engine.used() - before });
  console.log(name.padEnd(15), `${Math.round((engine.used() - before) / 1e6)} M units`);
}

const target = fileURLToPath(new URL("../profile.json", import.meta.url));
const text = `${JSON.stringify(profileFrom(wasm, instrumented.sites, runs, WORTH))}\n`;
writeFileSync(target, text);
console.log(`${target}: ${text.length} bytes`);

/** Runs a program's text in a function of its own, as programs do most of their work in functions. */
function run(code: string): void {
  const body = code.replaceAll(/^/gm, "    ");
  const source = new TextEncoder().encode(`def _run():\n${body}\n_run()\n`);
  const at = engine.exports.host_alloc(source.length);
  new Uint8Array(engine.exports.memory.buffer).set(source, at);
  printed = "";
  if (engine.exports.turn(at, source.length) !== 0) throw new Error(`${printed}\n${code}`);
}

/** An engine whose gate always lets it go on. */
function startEngine(bytes: Uint8Array): { exports: Exports; used: () => number } {
  const module = new WebAssembly.Module(bytes as BufferSource);
  const imports = createImports(module, {
    file: { path: "/usr/local/lib/python315.zip", bytes: readFileSync(libraryPath) },
    memory: () => exports.memory,
    print: (text) => {
      printed += text;
    },
  });
  const exports: Exports = new WebAssembly.Instance(module, imports).exports;
  let granted = SLICE;
  const refill = () => {
    granted += SLICE;
    exports.capsule_fuel.value += SLICE;
    return 0;
  };
  const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: { yield: refill },
  });
  exports.capsule_gate.set(0, gate.exports.gate);
  exports.capsule_fuel.value = SLICE;
  const top: number = exports.capsule_global_0.value;
  exports._initialize();
  exports["wizer.initialize"]();
  exports.PyUnstable_ThreadState_SetStackProtection(exports.PyThreadState_Get(), top - STACK, STACK);
  return { exports, used: () => granted - exports.capsule_fuel.value };
}
