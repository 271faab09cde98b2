import { FuelTank, GATE, mutableGlobals, SLICE, WASM_PAGE } from "@capsule-run/wasm/host";
import { DOOR_NAMES, PRELUDE_FILE } from "../door.ts";
import { EVAL_GLOBAL, type QuickJs, STACK_BYTES } from "./exports.ts";
import type { Handles } from "./handles.ts";
import { doorImports } from "./imports.ts";
import { Values } from "./values.ts";

/** What booting an engine gives: the image all sandboxes start from. */
export interface Booted {
  readonly memory: Uint8Array;
  readonly globals: readonly number[];
  readonly handles: Handles;
}

const WORDS = [
  ...[
    "environment",
    "preload",
    "loading",
    "start",
    "again",
    "complete",
    "answer",
    "poll",
    "reject",
    "report",
  ],
  ...["", "manifest"],
];

/**
 * Starts QuickJS, runs the prelude in it and takes its image. Done once, when an engine is built.
 * @param wasm the rewritten engine with its data segments
 */
export function bootEngine(wasm: Uint8Array, prelude: string): Booted {
  const unused = (): never => {
    throw new Error("the prelude asked the host while it was booted");
  };
  const module = new WebAssembly.Module(wasm as BufferSource);
  const imports = doorImports({
    js: () => js,
    values: () => values,
    clock: () => 0n,
    asked: () => {},
    output: unused,
    // Seeds what the engine itself hashes with; the guest's randomness never comes from here.
    random: (length) => new Uint8Array(length),
    library: unused,
    call: unused,
    wait: unused,
    effect: unused,
    effectSync: unused,
    payload: unused,
    revoke: unused,
    rejection: unused,
    doom: unused,
  });
  // Plain calls can't suspend, and booting has no need to.
  (imports.env as WebAssembly.ModuleImports).host_call = unused;
  const { exports } = new WebAssembly.Instance(module, imports);
  const js = exports as unknown as QuickJs;
  const fuel = new FuelTank(js.capsule_fuel, SLICE);
  const values = new Values(js, fuel);
  const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: { yield: () => Number(!fuel.grant()) },
  });
  js.capsule_gate.set(0, gate.exports.gate);
  fuel.fill(Number.MAX_SAFE_INTEGER);

  js._initialize();
  if (js.qjs_init() !== 0) throw new Error("QuickJS does not start");
  js.qjs_set_max_stack_size(STACK_BYTES);
  js.qjs_set_promise_rejection_handler(1);
  const global = js.qjs_get_global();
  for (const name of DOOR_NAMES) {
    const bytes = Buffer.from(name);
    const fn = js.qjs_new_host_function(values.bytes(bytes), bytes.length, 2);
    js.qjs_set_prop_string(global, values.bytes(Buffer.from(`__door_${name}`)), fn);
  }
  const source = Buffer.from(prelude);
  const entry = js.qjs_eval(
    values.bytes(source),
    source.length,
    values.bytes(Buffer.from(PRELUDE_FILE)),
    EVAL_GLOBAL,
  );
  if (js.qjs_is_exception(entry)) throw new Error(`the prelude does not start: ${lastException(js)}`);
  const words = Object.fromEntries(WORDS.map((word) => [word, values.string(Buffer.from(word))]));
  const handles = { entry, undefined: js.qjs_get_undefined(), words };
  js.qjs_run_gc();
  const globals = mutableGlobals(exports).map((global) => global.value);
  const memory = new Uint8Array(js.memory.buffer, 0, js.capsule_pages.value * WASM_PAGE).slice();
  return { memory, globals, handles };
}

/** The pending exception as text. Converting it runs guest code, which is ours here. */
function lastException(js: QuickJs): string {
  const length = js.wasm_malloc(4);
  const at = js.qjs_get_string_len(js.qjs_get_exception(), length);
  const size = new DataView(js.memory.buffer).getUint32(length, true);
  return Buffer.from(js.memory.buffer, at, size).toString();
}
