import type { Variant } from "@capsule-run/protocol";
import { FuelClock, FuelTank, GATE, mutableGlobals, SLICE, WASM_PAGE } from "@capsule-run/wasm/host";
import type { Python } from "./exports.ts";
import { encodeImage } from "./image.ts";
import { Values } from "./values.ts";
import { createWasi, type Tree } from "./wasi/index.ts";

export interface BootRequest {
  /** The rewritten engine with its data segments. */
  readonly wasm: Uint8Array;
  readonly variant: Variant;
  /** The engine's own files: the standard library. */
  readonly files: Tree;
  /** The prelude: run once in `__main__`. */
  readonly script: string;
}

/**
 * Bytes of C stack that Python may use before it raises a RecursionError, instead of the 128 kB that it takes for granted
 * on WebAssembly. Padding makes them at least as many as the native stack's that are used meanwhile, which has 3.9 MB in
 * a cell: so this check comes first in every tier of V8.
 */
const STACK_BYTES = 3072 * 1024;

/** An engine that has been started, with its prelude and the common part of the library loaded. */
export interface Booted {
  /** See `encodeImage`. */
  readonly image: Uint8Array;
  readonly globals: readonly number[];
  /** The prelude's entry function. */
  readonly entry: number;
  /** Bytes of memory. */
  readonly length: number;
}

/**
 * Starts CPython, runs the prelude in it, lets it import what programs usually need, and takes its image. Done once for
 * an engine on a machine: the same input gives the same image.
 * @throws Error with what the interpreter printed, if it does not start
 */
export function bootPython({ wasm, variant, files, script }: BootRequest): Booted {
  const module = new WebAssembly.Module(wasm as BufferSource);
  let printed = "";
  const clock = new FuelClock();
  const refuse = (): never => {
    throw new Error("the engine asked for what it can't have while it is started");
  };
  const wasi = createWasi({
    engine: files,
    host: {
      clock: () => clock.read(fuel.used),
      // What the interpreter itself hashes with; the guest's randomness never comes from here.
      random: (length) => new Uint8Array(length),
      output: (_stream, text) => {
        printed += Buffer.from(text).toString();
      },
      sleep: refuse,
      charge: (units) => fuel.charge(units),
      exit: (code) => {
        throw new Error(`the interpreter ended with code ${code} while it was started: ${printed}`);
      },
      doom: (cause) => {
        throw cause;
      },
    },
  });
  const { exports } = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasi.imports(() => python.memory, "plain"),
    host: { call: () => -1 },
  });
  const python = exports as unknown as Python;
  const fuel = new FuelTank(python.capsule_fuel, SLICE);
  const values = new Values(python, fuel, () => {});
  const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: { yield: () => Number(!fuel.grant()) },
  });
  python.capsule_gate.set(0, gate.exports.gate);
  fuel.fill(Number.MAX_SAFE_INTEGER);
  const check = (holds: boolean): void => {
    if (!holds) throw new Error(`Python does not start: ${printed}`);
  };

  const stackTop = (mutableGlobals(exports)[0] as WebAssembly.Global<"i32">).value;
  python._initialize();
  python["wizer.initialize"]();
  python.PyUnstable_ThreadState_SetStackProtection(
    python.PyThreadState_Get(),
    stackTop - STACK_BYTES,
    STACK_BYTES,
  );
  const source = Buffer.from(script);
  const placed = (bytes: Uint8Array): number => {
    const at = values.allocate(bytes.length);
    new Uint8Array(python.memory.buffer).set(bytes, at);
    return at;
  };
  check(python.turn(placed(source), source.length) === 0);
  const cString = (text: string): number => placed(Buffer.from(`${text}\0`));
  const main = python.PyModule_GetDict(python.PyImport_AddModule(cString("__main__")));
  const entry = python.PyDict_GetItemString(main, cString("__capsule_entry__"));
  check(entry !== 0);
  const request = values.bytes(Buffer.from(`B${variant}`));
  const answer = values.take(python.PyObject_CallOneArg(entry, request));
  python._Py_DecRef(request);
  if (answer?.[0] !== "I".charCodeAt(0)) printed += Buffer.from(answer ?? []).toString();
  check(answer?.[0] === "I".charCodeAt(0));
  const unkept = wasi.snapshotState();
  if (unkept.length > 0) throw new Error(`the prelude leaves behind: ${unkept.join(", ")}`);
  const memory = new Uint8Array(python.memory.buffer, 0, python.capsule_pages.value * WASM_PAGE);
  const globals = mutableGlobals(exports).map((global) => global.value);
  return { image: encodeImage(memory), globals, entry, length: memory.length };
}
