import { readFileSync } from "node:fs";
import {
  type EnginePlaces,
  findReadyEngine,
  type ReadyEngine,
  userCacheFolder,
} from "@capsule-run/engine-python/ready";
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
