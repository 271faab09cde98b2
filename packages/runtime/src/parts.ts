import { fileURLToPath } from "node:url";
import type { Language } from "@capsule-run/protocol";

/** The folder that the build fills: beside this file when it is bundled itself, else the command line's. */
const dist = new URL(import.meta.url.endsWith("/src/parts.ts") ? "../../cli/dist/" : "./", import.meta.url);

const inDist = (name: string): string => fileURLToPath(new URL(name, dist));

/** The script of a cell for a language. */
export const cellScript = (language: Language): string => inDist(`cell-${language}.cjs`);

/** The JavaScript engine, which comes with the command line. */
export const javascriptEngine = (): string => inDist("engine-javascript");

/** The script of the thread that records runs. */
export const recordScript = (): string => inDist("record-runs.cjs");

/** The script of the process that makes the Python engine ready. */
export const preparationScript = (): string => inDist("prepare-python.cjs");

/** The file that names the Python engine of this release: what makes it decides its bytes, and so its name. */
export const pythonKey = (): string => inDist("python.key");

/** What `@capsule-run/sdk` means inside a sandbox. */
export const guestSdk = (): string => inDist("guest-sdk.js");

/** The text of Capsule's own licence. */
export const capsuleLicence = (): string => inDist("CAPSULE-LICENSE.txt");
