/** Globals that cost nothing until they are used. */
import { isHidden, loadPart } from "./library.ts";
import { PARTS, type PartName } from "./parts.ts";
import { defineHidden, defineProperty } from "./primordials.ts";

/** Each becomes an ordinary property when it is read or written for the first time. */
function defineLazily(name: string, make: () => unknown): void {
  defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    get(): unknown {
      const value = make();
      // A part that looks for a native version of what it provides finds none, and must not settle the matter.
      if (value === undefined) return undefined;
      // The bundler may have renamed the class.
      if (typeof value === "function") defineProperty(value, "name", { value: name, configurable: true });
      defineHidden(globalThis, name, value);
      return value;
    },
    set(value: unknown): void {
      defineHidden(globalThis, name, value);
    },
  });
}

export function installGlobals(): void {
  for (const part in PARTS)
    for (const name of PARTS[part as PartName])
      defineLazily(name, () =>
        isHidden(part) ? undefined : (loadPart(part) as Record<string, unknown>)[name],
      );
  defineHidden(globalThis, "global", globalThis);
}
