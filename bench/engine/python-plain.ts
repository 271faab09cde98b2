/**
 * CPython by the one export of its own that runs a text, on our own system: the same for the engine as its release has
 * it and for what the rewriter makes of it. Fuel is refilled without looking up, so what is measured is counting.
 */
import { FuelClock } from "@capsule-run/wasm/host";
import { createWasi, type Tree } from "../../packages/guest-python/src/drive/wasi/index.ts";
import { refill } from "./refill.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly capsule_fuel?: WebAssembly.Global<"i32">;
  readonly capsule_gate?: WebAssembly.Table;
  _initialize(): void;
  "wizer.initialize"(): void;
  host_alloc(size: number): number;
  turn(source: number, length: number): number;
}

export interface PlainPython {
  /** Executes a text in `__main__`, and gives what it printed. */
  execute(source: string): string;
}

/** @param library the engine's own files */
export function startPython(wasm: Uint8Array, library: Tree): PlainPython {
  let printed = "";
  const clock = new FuelClock();
  const wasi = createWasi({
    engine: library,
    host: {
      clock: () => clock.read(0),
      random: (length) => new Uint8Array(length),
      output: (_stream, bytes) => {
        printed += Buffer.from(bytes).toString();
      },
      sleep: async () => false,
      exit: (code) => {
        throw new Error(`Python ended itself with ${code}: ${printed}`);
      },
      charge: () => {},
      doom: (cause) => {
        throw cause;
      },
    },
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
    wasi_snapshot_preview1: wasi.imports(() => python.memory, "plain"),
    host: { call: () => -1 },
  });
  const python = exports as unknown as Exports;
  if (python.capsule_fuel && python.capsule_gate) refill(python.capsule_fuel, python.capsule_gate);
  python._initialize();
  python["wizer.initialize"]();
  return {
    execute(source) {
      printed = "";
      const bytes = Buffer.from(source);
      const at = python.host_alloc(bytes.length);
      new Uint8Array(python.memory.buffer).set(bytes, at);
      if (python.turn(at, bytes.length) !== 0) throw new Error(`Python failed: ${printed}`);
      return printed;
    },
  };
}
