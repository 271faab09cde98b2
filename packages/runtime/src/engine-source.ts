import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readLicences } from "@capsule-run/engine-python/licences";
import type { ReadyEngine } from "@capsule-run/engine-python/ready";
import { type EngineInfo, readEngineInfo } from "@capsule-run/guest-javascript/drive";
import { UsageError, type Variant } from "@capsule-run/protocol";
import type { Progress } from "./api.ts";
import type { Engine, EngineParts, EngineSource } from "./engines.ts";
import { cellScript, javascriptEngine, preparationScript } from "./parts.ts";
import { findPython, pythonPlaces } from "./python.ts";
import { VERSION } from "./version.ts";

export interface SourceOptions {
  readonly progress: (step: Progress | null) => void;
  readonly warn: (message: string) => void;
  /** Gives up what is being made. */
  readonly signal: AbortSignal;
}

/** The engines that come with the command line, and those that it fetches and makes ready. */
export function installedEngines(options: SourceOptions): EngineSource {
  let info: EngineInfo | null = null;
  const javascript = (): Engine => {
    const folder = javascriptEngine();
    info ??= readInfo(folder);
    const { hash, floor } = info;
    const parts: EngineParts = {
      module: join(folder, "engine.wasm"),
      globals: info.globals.length,
      image: () => readFile(join(folder, "image.bin")),
      licences: () => readFileSync(join(folder, "LICENSES.txt"), "utf8"),
    };
    const script = cellScript("javascript");
    return { language: "javascript", variant: "full", hash, floor, script, folder, parts };
  };
  return {
    release: async (language) => (language === "javascript" ? javascript().hash : pythonPlaces().key),
    engine: async (language, variant) =>
      language === "javascript" ? javascript() : asEngine(await python(variant, options)),
  };
}

/** @throws UsageError for an installation that is damaged */
function readInfo(folder: string): EngineInfo {
  try {
    return readEngineInfo(folder);
  } catch (cause) {
    throw new UsageError("engine", `the engine in ${folder} can't be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * The Python engine, made ready if it is not.
 * @throws UsageError if it can't be had
 */
export async function python(
  variant: Variant,
  { progress, warn, signal }: SourceOptions,
): Promise<ReadyEngine> {
  const found = findPython(variant);
  if (found) return found;
  const { EngineError, makePython } = await import("@capsule-run/engine-python/make");
  try {
    return await makePython(pythonPlaces(), variant, {
      version: VERSION,
      script: preparationScript(),
      env: process.env,
      onProgress: progress,
      onWarning: warn,
      signal,
    });
  } catch (error) {
    if (error instanceof EngineError) {
      const missing = error.kind === "unavailable" || error.kind === "no-space";
      throw new UsageError(missing ? "engine-missing" : "engine", error.message, { cause: error });
    }
    throw error;
  } finally {
    progress(null);
  }
}

function asEngine(ready: ReadyEngine): Engine {
  const { variant, hash, info, folder } = ready;
  const parts: EngineParts = {
    module: ready.wasm,
    globals: (info.globals as readonly number[]).length,
    image: async () => (await import("@capsule-run/guest-python/image")).readImage(ready.image),
    licences: () => {
      const text = readLicences(ready, pythonPlaces());
      if (text !== null) return text;
      const message =
        "the licences of the Python engine, which belong into the artifact, are not on this machine: remove";
      throw new UsageError("engine", `${message} ${folder}; the engine is then made anew, with them`);
    },
  };
  const script = cellScript("python");
  return { language: "python", variant, hash, floor: Number(info.floor), script, folder, parts };
}
