import { fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { GuestEngine, GuestHost } from "@capsule-run/protocol";
import type { Variant } from "../files.ts";
import { BaseImage } from "./base.ts";
import { type EngineParts, PythonInstance } from "./instance.ts";
import { type PreparedProgram, prepareProgram } from "./prepared.ts";
import type { ZipSource } from "./wasi/index.ts";

/** `core.json`, `full.json`: what an engine folder holds beside the variant's `.wasm` and `.image`, and `stdlib.zip`. */
export interface EngineInfo {
  readonly format: 1;
  readonly language: "python";
  readonly variant: Variant;
  /** SHA-256 of everything an artifact depends on: rewritten code, image, standard library. */
  readonly hash: string;
  /** Versions of what is inside, for people. */
  readonly versions: Readonly<Record<string, string>>;
  readonly globals: readonly number[];
  /** The prelude's entry function, in the image. */
  readonly entry: number;
  /** Bytes of memory a sandbox takes before a program runs in it: the least a task's `ram` can be. */
  readonly floor: number;
  /** What was cut out: index of the first function of each part, and its name; null where code was kept. */
  readonly cuts: readonly (readonly [first: number, code: string | null])[];
}

/** Reads `core.json` or `full.json`. */
export const readEngineInfo = (folder: string, variant: Variant): EngineInfo =>
  JSON.parse(readFileSync(join(folder, `${variant}.json`), "utf8"));

/** The standard library's file, read by position: it is larger than all that is ever needed of it. */
export function openZip(path: string): ZipSource {
  const file = openSync(path, "r");
  return {
    size: fstatSync(file).size,
    read: (position, into) => readSync(file, into, 0, into.length, position),
  };
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
  const info = readEngineInfo(folder, variant);
  const module = new WebAssembly.Module(readFileSync(join(folder, `${variant}.wasm`)));
  const base = new BaseImage(join(folder, `${variant}.image`));
  const parts: EngineParts = {
    module,
    base,
    globals: info.globals,
    entry: info.entry,
    stdlib: openZip(join(folder, "stdlib.zip")),
    cutCode: (index) => info.cuts.findLast(([first]) => first <= index)?.[1] ?? "code that was cut out",
    ...options,
  };
  return {
    hash: info.hash,
    create: (host: GuestHost) => new PythonInstance(parts, host),
    prepare: (artifact) => prepareProgram(artifact, base.layout.length),
  };
}
