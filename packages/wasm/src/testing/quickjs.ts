import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CapsuleExports } from "./guest.ts";

/** The module of QuickJS as it is published, without any of ours. */
export function quickjsModule(): Uint8Array {
  return readFileSync(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm"));
}

/** The exports that `QuickJS` below drives. */
export const QUICKJS_EXPORTS = [
  "memory",
  "_initialize",
  "__stack_pointer",
  "qjs_init",
  "qjs_eval",
  "qjs_get_string",
  "qjs_free_cstring",
  "qjs_is_exception",
  "qjs_get_exception",
  "qjs_free_value",
  "qjs_set_max_stack_size",
  "qjs_is_job_pending",
  "qjs_execute_pending_job",
  "wasm_malloc",
  "wasm_free",
] as const;

/** What QuickJS imports: a stopped clock, nothing else. */
export function quickjsImports(memory: () => WebAssembly.Memory): WebAssembly.Imports {
  const zero = () => 0;
  return {
    env: {
      host_call: zero,
      host_interrupt: zero,
      host_promise_rejection: zero,
      host_module_normalize: zero,
      host_module_load: zero,
      host_get_timezone_offset: zero,
    },
    wasi_snapshot_preview1: {
      clock_time_get(_id: number, _precision: bigint, result: number) {
        new DataView(memory().buffer).setBigUint64(result, 1_700_000_000_000_000_000n, true);
        return 0;
      },
      random_get(start: number, length: number) {
        new Uint8Array(memory().buffer).fill(7, start, start + length);
        return 0;
      },
      fd_close: zero,
      fd_fdstat_get: zero,
      fd_seek: zero,
      fd_write: zero,
    },
  };
}

/** Bytes of the shadow stack, which is 1 MiB, that programs may use; frames of the native stack are smaller. */
const STACK_SIZE = 400_000;

/** A QuickJS to run programs in. */
export class QuickJS {
  readonly exports: CapsuleExports;

  constructor(exports: CapsuleExports) {
    this.exports = exports;
    exports._initialize();
    exports.qjs_init();
    exports.qjs_set_max_stack_size(STACK_SIZE);
  }

  /** What a program's last expression is as a string, or `threw …`. Runs pending jobs, too. */
  run(code: string): string {
    const { exports } = this;
    const source = this.write(code);
    const file = this.write("program");
    const value = exports.qjs_eval(source.start, source.length, file.start, 0);
    exports.wasm_free(source.start);
    exports.wasm_free(file.start);
    while (exports.qjs_is_job_pending()) exports.qjs_execute_pending_job();
    if (exports.qjs_is_exception(value)) return `threw ${this.read(exports.qjs_get_exception())}`;
    return this.read(value);
  }

  private write(text: string): { start: number; length: number } {
    const bytes = new TextEncoder().encode(text);
    const start = this.exports.wasm_malloc(bytes.length + 1) as number;
    const memory = new Uint8Array(this.exports.memory.buffer);
    memory.set(bytes, start);
    memory[start + bytes.length] = 0;
    return { start, length: bytes.length };
  }

  private read(value: number): string {
    const start = this.exports.qjs_get_string(value) as number;
    const memory = new Uint8Array(this.exports.memory.buffer);
    const text = new TextDecoder().decode(memory.subarray(start, memory.indexOf(0, start)));
    this.exports.qjs_free_cstring(start);
    this.exports.qjs_free_value(value);
    return text;
  }
}
