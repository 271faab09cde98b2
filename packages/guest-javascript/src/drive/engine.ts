import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GuestEngine, GuestHost } from "@capsule-run/protocol";
import { applied } from "@capsule-run/wasm/host";
import type { Handles } from "./handles.ts";
import { type EngineParts, type PreparedProgram, QuickJsInstance } from "./instance.ts";

/** `engine.json`: what an engine folder holds beside `engine.wasm`, `image.bin` and `library/`. */
export interface EngineInfo {
  readonly format: 1;
  readonly language: "javascript";
  /** SHA-256 of everything an artifact depends on: rewritten code, image, libraries. */
  readonly hash: string;
  /** Versions of what is inside, for people. */
  readonly versions: Readonly<Record<string, string>>;
  readonly globals: readonly number[];
  readonly handles: Handles;
  /** Bytes of memory a sandbox takes before a program runs in it: the least a task's `ram` can be. */
  readonly floor: number;
}

/** As many as may be active at once; each takes about 2 MB. */
const KEPT = 16;

/** The hash of an engine folder: its rewritten code, the image, and the sources of its libraries by name. */
export function engineHash(
  wasm: Uint8Array,
  image: Uint8Array,
  libraries: Readonly<Record<string, string>>,
): string {
  // Loaded here because it is slow to load, and only who makes or verifies an engine needs it.
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of [wasm, image, JSON.stringify(libraries)]) hash.update(part);
  return hash.digest("hex");
}

/** Reads `engine.json`. */
export const readEngineInfo = (folder: string): EngineInfo =>
  JSON.parse(readFileSync(join(folder, "engine.json"), "utf8"));

/**
 * Opens an engine folder, made by `buildEngine`. Compiles the module lazily: functions are validated and compiled when
 * first called.
 * @param options tests choose the size of slices, to show that it makes no difference, and parts of the library
 */
export function openEngine(
  folder: string,
  options: Partial<Pick<EngineParts, "slice" | "library">> = {},
): GuestEngine<PreparedProgram> {
  const info = readEngineInfo(folder);
  const module = new WebAssembly.Module(readFileSync(join(folder, "engine.wasm")));
  const memory = readFileSync(join(folder, "image.bin"));
  const base: PreparedProgram = { memory, globals: info.globals, source: null };
  const parts: EngineParts = {
    module,
    base,
    handles: info.handles,
    library: (name) => readFileSync(join(folder, "library", `${name}.js`)),
    ...options,
  };
  return {
    hash: info.hash,
    kept: KEPT,
    create: (host: GuestHost) => new QuickJsInstance(parts, host),
    prepare: ({ pages, globals, snapshot, bundle }) => ({
      memory: applied(pages, memory),
      globals,
      source: snapshot === "before" ? bundle : null,
    }),
  };
}
