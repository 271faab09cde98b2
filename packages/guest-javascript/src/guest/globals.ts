/** Globals that cost nothing until they are used. */
import { loadPart } from "./library.ts";
import { PARTS, type PartName } from "./parts.ts";
import { defineHidden, defineProperty } from "./primordials.ts";

/** Each becomes an ordinary property when it is read or written for the first time. */
function defineLazily(name: string, make: () => unknown): void {
  let making = false;
  defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    get(): unknown {
      // A part that looks for a native version of what it provides finds none.
      if (making) return undefined;
      making = true;
      try {
        const value = make();
        defineHidden(globalThis, name, value);
        return value;
      } finally {
        making = false;
      }
    },
    set(value: unknown): void {
      defineHidden(globalThis, name, value);
    },
  });
}

export function installGlobals(): void {
  for (const part in PARTS)
    for (const name of PARTS[part as PartName])
      defineLazily(name, () => (loadPart(part) as Record<string, unknown>)[name]);
  defineHidden(globalThis, "global", globalThis);
}
