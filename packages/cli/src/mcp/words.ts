import { COMPUTE } from "@capsule-run/protocol";
import { bytes, duration, thousands } from "../format.ts";
import type { McpSettings } from "./settings.ts";

/** What the tools' descriptions say of the server's settings, for a model to read. */

const computeName = (fuel: number): string => {
  const name = Object.entries(COMPUTE).find(([, amount]) => amount === fuel)?.[0];
  return `${thousands(fuel)} instructions${name ? ` (${name})` : ""}`;
};

/** `at most 60.00 s, 2.0 GB of memory and … instructions`. */
export const limitWords = ({ timeoutMs, ram, compute }: McpSettings): string =>
  `at most ${duration(timeoutMs)}, ${bytes(ram)} of memory and ${computeName(compute)}`;

export const networkWords = ({ hosts }: McpSettings): string =>
  hosts.length === 0
    ? "It has no network and sees none of the user's files."
    : `It can send HTTP requests to ${hosts.join(", ")} and to nothing else, and sees none of the user's files.`;

const PYTHON =
  "CPython with its standard library, numpy, pandas, scipy and matplotlib; other packages can't be installed. Open figures and the last expression's value are returned, with images as images.";

const JAVASCRIPT =
  "A JavaScript engine with the web's usual functions (fetch, URL, TextEncoder, timers, console) and top-level await, not Node: no require of packages, no DOM, no TypeScript.";

export const languageWords = { python: PYTHON, javascript: JAVASCRIPT } as const;

/** Of `initialize`: how the tools go together. */
export const instructions = (settings: McpSettings): string =>
  [
    "Runs Python and JavaScript code in sandboxes on the user's machine that can reach nothing but what is said here.",
    "execute_python and execute_javascript begin from nothing each time. For work in steps, create_session gives a",
    "sandbox whose variables and files stay until close_session: run_in_session runs code in it, write_file puts data",
    "into its folder workspace/, read_file takes results out.",
    `Each call has ${limitWords(settings)}. ${networkWords(settings)}`,
  ].join(" ");
