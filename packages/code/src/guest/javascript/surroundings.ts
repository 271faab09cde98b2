/** What code finds beside the language and the globals of every sandbox. */
import process from "node:process";
import { display } from "./display.ts";
import { installImport } from "./modules.ts";

/** While the program is loaded. */
export function installGlobals(): void {
  installImport();
  Object.defineProperty(globalThis, "display", {
    ...{ value: display, writable: true, enumerable: false, configurable: true },
  });
}

/** At the first piece: what the load of the program could not know. */
export function settle(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) process.env[name] = value;
}
