/**
 * QuickJS by its C API in an otherwise empty host: the same for the engine as its package ships it and for the metered
 * one. Fuel is refilled without looking up, so what is measured is counting.
 */
import { refill } from "./refill.ts";

/** The part of the C API that evaluating a text takes. Values are pointers to boxed `JSValue`s. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly capsule_fuel?: WebAssembly.Global<"i32">;
  readonly capsule_gate?: WebAssembly.Table;
  _initialize(): void;
  wasm_malloc(size: number): number;
  wasm_free(pointer: number): void;
  qjs_init(): number;
  qjs_eval(code: number, length: number, name: number, flags: number): number;
  qjs_is_exception(value: number): number;
  qjs_get_exception(): number;
  qjs_get_string_len(value: number, length: number): number;
  qjs_free_cstring(text: number): void;
  qjs_free_value(value: number): void;
  qjs_is_job_pending(): number;
  qjs_execute_pending_job(): number;
}

/** What `rewriteEngine` has to keep of the exports. */
export const EVALUATION_EXPORTS = [
  "memory",
  "_initialize",
  "wasm_malloc",
  "wasm_free",
  "qjs_init",
  "qjs_eval",
  "qjs_is_exception",
  "qjs_get_exception",
  "qjs_get_string_len",
  "qjs_free_cstring",
  "qjs_free_value",
  "qjs_is_job_pending",
  "qjs_execute_pending_job",
] as const;

const BADF = 8;
const EVAL_GLOBAL = 0;
const FIXED_TIME_NS = 1_700_000_000_000_000_000n;

export interface PlainEngine {
  /** The value of a script as text; what it leaves to do is done before it counts as evaluated. */
  evaluate(script: string): string;
}

export function startEngine(wasm: Uint8Array): PlainEngine {
  const nothing = (): number => 0;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
    env: {
      host_call: nothing,
      host_interrupt: nothing,
      host_promise_rejection: () => {},
      host_module_normalize: nothing,
      host_module_load: nothing,
      host_get_timezone_offset: nothing,
    },
    wasi_snapshot_preview1: {
      clock_time_get(_id: number, _precision: bigint, out: number) {
        new DataView(js.memory.buffer).setBigUint64(out, FIXED_TIME_NS, true);
        return 0;
      },
      random_get: nothing,
      fd_write: () => BADF,
      fd_close: () => BADF,
      fd_seek: () => BADF,
      fd_fdstat_get: () => BADF,
    },
  });
  const js = instance.exports as unknown as Exports;
  if (js.capsule_fuel && js.capsule_gate) refill(js.capsule_fuel, js.capsule_gate);
  js._initialize();
  if (js.qjs_init() !== 0) throw new Error("QuickJS does not start");

  const put = (text: string): { at: number; length: number } => {
    const bytes = Buffer.from(text);
    const at = js.wasm_malloc(bytes.length + 1);
    const memory = new Uint8Array(js.memory.buffer);
    memory.set(bytes, at);
    memory[at + bytes.length] = 0;
    return { at, length: bytes.length };
  };
  const read = (value: number): string => {
    const size = js.wasm_malloc(4);
    const at = js.qjs_get_string_len(value, size);
    const length = new DataView(js.memory.buffer).getUint32(size, true);
    const text = Buffer.from(js.memory.buffer, at, length).toString();
    js.qjs_free_cstring(at);
    js.wasm_free(size);
    return text;
  };
  const name = put("bench").at;
  return {
    evaluate(script) {
      const { at, length } = put(script);
      const value = js.qjs_eval(at, length, name, EVAL_GLOBAL);
      js.wasm_free(at);
      if (js.qjs_is_exception(value)) throw new Error(read(js.qjs_get_exception()));
      while (js.qjs_is_job_pending()) if (js.qjs_execute_pending_job() < 0) throw new Error("a job failed");
      const text = read(value);
      js.qjs_free_value(value);
      return text;
    },
  };
}
