/**
 * Measures which way the branches of QuickJS usually go and writes profile.json beside this folder:
 * `node packages/engine-javascript/scripts/profile.ts`. To be run when the engine or the training set changes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BranchRun, GATE, instrument, profileFrom } from "@capsule-run/wasm";
import { TRAINING } from "./training.ts";

/** What is needed to evaluate a program; the branches are the same with more exports. */
const EXPORTS = [
  ...["memory", "_initialize", "wasm_malloc", "wasm_free", "qjs_init", "qjs_eval", "qjs_get_string"],
  ...["qjs_free_cstring", "qjs_is_exception", "qjs_get_exception", "qjs_free_value"],
  ...["qjs_is_job_pending", "qjs_execute_pending_job"],
];

const SLICE = 20_000_000;

// biome-ignore lint/suspicious/noExplicitAny: exports as listed above
type Exports = Record<string, any>;

const wasm = readFileSync(fileURLToPath(import.meta.resolve("quickjs-wasi/quickjs.wasm")));
const instrumented = instrument(wasm, { keepExports: EXPORTS });
const engine = startEngine(instrumented.wasm);
const counters = new Uint32Array(engine.exports.capsule_counters.buffer, 0, instrumented.sites.length * 2);

const runs: BranchRun[] = [];
for (const [name, program] of Object.entries(TRAINING)) {
  counters.fill(0);
  const before = engine.used();
  const result = evaluate(engine.exports, `(() => eval(${JSON.stringify(program)}))()`);
  runs.push({ counters: counters.slice(), fuel: engine.used() - before });
  console.log(name.padEnd(15), `${Math.round((engine.used() - before) / 1e6)} M units`, result.slice(0, 60));
  if (result.startsWith("threw ")) throw new Error(`${name} ${result}`);
}

const target = fileURLToPath(new URL("../profile.json", import.meta.url));
const text = `${JSON.stringify(profileFrom(wasm, instrumented.sites, runs))}\n`;
writeFileSync(target, text);
console.log(`${target}: ${text.length} bytes`);

/** An engine whose gate always lets it go on. */
function startEngine(bytes: Uint8Array): { exports: Exports; used: () => number } {
  const module = new WebAssembly.Module(bytes as BufferSource);
  const imports = stubbedImports(module, () => exports.memory);
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
  exports._initialize();
  exports.qjs_init();
  return { exports, used: () => granted - exports.capsule_fuel.value };
}

/** Every import gives 0, except the clock, which stands still. */
function stubbedImports(module: WebAssembly.Module, memory: () => WebAssembly.Memory): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = () => 0;
  }
  imports.wasi_snapshot_preview1 = {
    ...imports.wasi_snapshot_preview1,
    clock_time_get(_id: number, _precision: bigint, result: number) {
      new DataView(memory().buffer).setBigUint64(result, 1_700_000_000_000_000_000n, true);
      return 0;
    },
  };
  return imports;
}

function evaluate(exports: Exports, code: string): string {
  const source = store(exports, code);
  const file = store(exports, "training");
  const value = exports.qjs_eval(source.start, source.length, file.start, 0);
  exports.wasm_free(source.start);
  exports.wasm_free(file.start);
  while (exports.qjs_is_job_pending()) exports.qjs_execute_pending_job();
  if (exports.qjs_is_exception(value)) return `threw ${load(exports, exports.qjs_get_exception())}`;
  return load(exports, value);
}

function store(exports: Exports, text: string): { start: number; length: number } {
  const bytes = new TextEncoder().encode(text);
  const start = exports.wasm_malloc(bytes.length + 1);
  const memory = new Uint8Array(exports.memory.buffer);
  memory.set(bytes, start);
  memory[start + bytes.length] = 0;
  return { start, length: bytes.length };
}

function load(exports: Exports, value: number): string {
  const start = exports.qjs_get_string(value);
  const memory = new Uint8Array(exports.memory.buffer);
  const text = new TextDecoder().decode(memory.subarray(start, memory.indexOf(0, start)));
  exports.qjs_free_cstring(start);
  exports.qjs_free_value(value);
  return text;
}
