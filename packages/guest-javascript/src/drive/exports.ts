/** QuickJS's C API as far as we call it: the exports the rewriter keeps. Values are pointers to boxed `JSValue`s. */
export interface QuickJs {
  readonly memory: WebAssembly.Memory;
  readonly capsule_fuel: WebAssembly.Global<"i32">;
  readonly capsule_gate: WebAssembly.Table;
  readonly capsule_memory_limit: WebAssembly.Global<"i32">;
  readonly capsule_memory_granted: WebAssembly.Global<"i32">;
  readonly capsule_pages: WebAssembly.Global<"i32">;
  _initialize(): void;
  wasm_malloc(size: number): number;
  wasm_free(pointer: number): void;
  qjs_init(): number;
  qjs_eval(code: number, length: number, fileName: number, flags: number): number;
  qjs_call(fn: number, self: number, argc: number, argv: number): number;
  qjs_execute_pending_job(): number;
  qjs_is_job_pending(): number;
  qjs_new_string(text: number, length: number): number;
  qjs_new_number(value: number): number;
  qjs_new_host_function(name: number, length: number, argc: number): number;
  qjs_set_prop_string(object: number, name: number, value: number): number;
  qjs_new_uint8_array(bytes: number, length: number): number;
  /** The buffer of a typed array; writes its offset and lengths in bytes, of the array and of its elements. */
  qjs_get_typed_array_buffer(value: number, offset: number, length: number, element: number): number;
  qjs_get_array_buffer(value: number, length: number): number;
  qjs_get_global(): number;
  qjs_get_undefined(): number;
  qjs_get_exception(): number;
  qjs_get_string_len(value: number, length: number): number;
  qjs_get_float64(value: number): number;
  qjs_get_value_ptr(value: number): number;
  qjs_free_cstring(text: number): void;
  qjs_free_value(value: number): void;
  qjs_dup_value(value: number): number;
  qjs_is_exception(value: number): number;
  qjs_is_string(value: number): number;
  qjs_is_number(value: number): number;
  qjs_run_gc(): void;
  qjs_set_max_stack_size(bytes: number): void;
  qjs_set_memory_limit(bytes: number): void;
  qjs_set_promise_rejection_handler(on: number): void;
}

/** The function exports to keep; `memory` and the rewriter's own globals come with every rewritten module. */
export const KEPT_EXPORTS = [
  "memory",
  "_initialize",
  "wasm_malloc",
  "wasm_free",
  "qjs_init",
  "qjs_eval",
  "qjs_call",
  "qjs_execute_pending_job",
  "qjs_is_job_pending",
  "qjs_new_string",
  "qjs_new_number",
  "qjs_new_host_function",
  "qjs_set_prop_string",
  "qjs_new_uint8_array",
  "qjs_get_typed_array_buffer",
  "qjs_get_array_buffer",
  "qjs_get_global",
  "qjs_get_undefined",
  "qjs_get_exception",
  "qjs_get_string_len",
  "qjs_get_float64",
  "qjs_get_value_ptr",
  "qjs_free_cstring",
  "qjs_free_value",
  "qjs_dup_value",
  "qjs_is_exception",
  "qjs_is_string",
  "qjs_is_number",
  "qjs_run_gc",
  "qjs_set_max_stack_size",
  "qjs_set_memory_limit",
  "qjs_set_promise_rejection_handler",
] as const;

/** `JS_EVAL_TYPE_*` of quickjs.h. */
export const EVAL_GLOBAL = 0;
export const EVAL_MODULE = 1;

/**
 * Bytes of C stack the engine allows itself, of the 1 MiB it has. Beyond them the guest gets a RangeError, the same in
 * every tier of V8, because padding makes this check come before V8's own.
 */
export const STACK_BYTES = 600 * 1024;
