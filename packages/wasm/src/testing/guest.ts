import { GATE } from "../index.ts";

/** The exports of a rewritten module, beside its own. */
export interface CapsuleExports {
  readonly capsule_fuel: WebAssembly.Global<"i32">;
  readonly capsule_gate: WebAssembly.Table;
  readonly capsule_memory_limit: WebAssembly.Global<"i32">;
  readonly capsule_memory_granted: WebAssembly.Global<"i32">;
  readonly capsule_pages: WebAssembly.Global<"i32">;
  readonly memory: WebAssembly.Memory;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the module under test exports
  readonly [name: string]: any;
}

export interface Guest {
  readonly exports: CapsuleExports;
  /** Fuel used so far. */
  used(): number;
  /** Slices given after the first. */
  slices(): number;
}

/** Starts a rewritten module with a gate that gives a slice of fuel at a time, at most `limit` of them. */
export function startGuest(
  wasm: Uint8Array,
  { slice = 20_000_000, limit = Number.POSITIVE_INFINITY, imports = {} }: GuestOptions = {},
): Guest {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), imports) as {
    exports: unknown;
  } as { exports: CapsuleExports };
  let slices = 0;
  openGate(exports, () => {
    if (slices === limit) return 1;
    slices++;
    exports.capsule_fuel.value += slice;
    return 0;
  });
  exports.capsule_fuel.value = slice;
  return {
    exports,
    used: () => (slices + 1) * slice - exports.capsule_fuel.value,
    slices: () => slices,
  };
}

export interface GuestOptions {
  readonly slice?: number;
  readonly limit?: number;
  readonly imports?: WebAssembly.Imports;
}

export function openGate(exports: CapsuleExports, whenEmpty: WebAssembly.ImportValue): void {
  const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: { yield: whenEmpty },
  });
  exports.capsule_gate.set(0, gate.exports.gate);
}
