import { readFileSync } from "node:fs";
import {
  type EnginePlaces,
  findReadyEngine,
  type ReadyEngine,
  userCacheFolder,
} from "@capsule-run/engine-python/ready";
import { FULL_MODULES } from "@capsule-run/guest-python/full";
import type { Variant } from "@capsule-run/protocol";
import { preparationScript, pythonKey } from "./parts.ts";

let places: EnginePlaces | null = null;

/** Where this release's Python engine may be. */
export function pythonPlaces(): EnginePlaces {
  places ??= {
    key: readFileSync(pythonKey(), "utf8").trim(),
    cache: userCacheFolder(),
    from: [preparationScript()],
  };
  return places;
}

/** The engine if it is ready to start: on the way of every run of a Python program, so nothing else is loaded here. */
export const findPython = (variant: Variant): ReadyEngine | null => findReadyEngine(pythonPlaces(), variant);

export { userCacheFolder };

const NAMES = new RegExp(
  `\\b(?:${[...FULL_MODULES].map((name) => name.replaceAll(".", "\\s*\\.\\s*")).join("|")})\\b`,
);

/** Whether code names a module that only the full variant of the engine has, be it in a comment. */
export const mentionsFull = (code: string): boolean => NAMES.test(code);
