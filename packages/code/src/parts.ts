import { fileURLToPath } from "node:url";

/** The folder of programs: beside this file when it is bundled itself, else the command line's. */
const folder = new URL(
  import.meta.url.endsWith("/src/parts.ts") ? "../../cli/dist/code/" : "./code/",
  import.meta.url,
);

/** The programs that run code, by what they run. `science` is Python with the scientific packages. */
const PROGRAMS = { python: "python.py", science: "python_full.py", javascript: "javascript.js" } as const;

export type ProgramName = keyof typeof PROGRAMS;

/** Absolute. */
export const programFile = (name: ProgramName): string => fileURLToPath(new URL(PROGRAMS[name], folder));
