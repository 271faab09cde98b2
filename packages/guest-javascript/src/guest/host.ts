/** The only way out of the sandbox: the host functions, taken off the global object before any program runs. */
import { DOOR_NAMES, type Door } from "../door.ts";
import { create } from "./primordials.ts";

function take(): Door {
  const taken: Record<string, unknown> = create(null);
  const globals = globalThis as Record<string, unknown>;
  for (const name of DOOR_NAMES) {
    taken[name] = globals[`__door_${name}`];
    delete globals[`__door_${name}`];
  }
  return taken as unknown as Door;
}

export const door: Door = take();
