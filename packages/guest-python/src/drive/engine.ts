import { fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { GuestEngine, GuestHost, Variant } from "@capsule-run/protocol";
import { BaseImage } from "./base.ts";
import { type EngineParts, PythonInstance } from "./instance.ts";
import { type PreparedProgram, prepareProgram } from "./prepared.ts";
import { engineTree, type Tree } from "./wasi/index.ts";

/** What whoever starts a variant must know of it, beside its `.wasm` and `.image`, and `stdlib.zip`. */
export interface EngineInfo {
  readonly globals: readonly number[];
  /** The prelude's entry function, in the image. */
  readonly entry: number;
  /** Bytes of memory a sandbox takes before a program runs in it: the least a task's `ram` can be. */
  readonly floor: number;
  /** What was cut out: index of the first function of each part, and its name; null where code was kept. */
  readonly cuts: readonly (readonly [first: number, code: string | null])[];
}

/** Unused instances that a cell keeps: they take about 30 and 90 MB each, and making one takes 30 ms. */
const KEPT: Readonly<Record<Variant, number>> = { core: 8, full: 3 };

/** The package that a module belongs to: `numpy` for `numpy._core._multiarray_umath`. */
const packageOf = (module: string | null | undefined): string =>
  module?.split(".")[0] ?? "code that was cut out";

/** The part of an engine folder's `engine.json` that is about a variant. */
const readRecord = (folder: string, variant: Variant): { readonly hash: string; readonly info: EngineInfo } =>
  JSON.parse(readFileSync(join(folder, "engine.json"), "utf8")).variants[variant];

/** The engine's own files. Its library is read by position: it is larger than all that is ever needed of it. */
export function openLibrary(path: string): Tree {
  const file = openSync(path, "r");
  const archive = {
    size: fstatSync(file).size,
    read: (position: number, into: Uint8Array) => readSync(file, into, 0, into.length, position),
  };
  return engineTree(archive, (packed, size) => {
    // Loaded here because it takes a while to load, and only a few packages need it.
    const { inflateRawSync } = process.getBuiltinModule("node:zlib");
    return inflateRawSync(packed, { maxOutputLength: size });
  });
}

/**
 * Opens a variant in an engine folder. Compiles the module lazily: functions are validated and compiled when first
 * called.
 * @param options tests choose the size of slices, to show that it makes no difference
 */
export function openEngine(
  folder: string,
  variant: Variant,
  options: Pick<EngineParts, "slice"> = {},
): GuestEngine<PreparedProgram> {
  const { hash, info } = readRecord(folder, variant);
  const module = new WebAssembly.Module(readFileSync(join(folder, `${variant}.wasm`)));
  const base = new BaseImage(join(folder, `${variant}.image`));
  const parts: EngineParts = {
    module,
    base,
    globals: info.globals,
    entry: info.entry,
    files: openLibrary(join(folder, "stdlib.zip")),
    cutCode: (index) => packageOf(info.cuts.findLast(([first]) => first <= index)?.[1]),
    ...options,
  };
  return {
    hash,
    kept: KEPT[variant],
    create: (host: GuestHost) => new PythonInstance(parts, host),
    prepare: (artifact) => prepareProgram(artifact, base.layout.length),
  };
}
