/** What names a file: texts, bytes, `file:` URLs. */

import { kit } from "capsule:kit";
import { Buffer } from "node:buffer";
import { absolute } from "../../libraries/process-folder.ts";
import { wrongType, wrongValue } from "./errors.ts";

/** Taken when this is loaded, so that attempts find it loaded. */
const here = globalThis.process;

/** The folder that is in memory. */
export const MEMORY = "/tmp";

/** A path as the program gave it, and where that is. */
export interface Place {
  readonly given: string;
  /** Absolute. `.` and `..` are still in it, unless it leads into or out of the folder in memory. */
  readonly path: string;
  readonly inMemory: boolean;
}

/** @throws TypeError as Node does, for what is no path */
export function placeOf(given: unknown, name = "path"): Place {
  const text = textOf(given, name);
  if (text.includes("\0"))
    throw wrongValue(name, "must be a string, Uint8Array, or URL without null bytes", text);
  const path = text.startsWith("/") || text === "" ? text : `${here.cwd()}/${text}`;
  const plain = path.includes("/.") || path.includes("//") ? absolute(path, "/") : path;
  const inMemory = plain === MEMORY || plain.startsWith(`${MEMORY}/`);
  return { given: text, path: inMemory || path.startsWith(MEMORY) ? plain : path, inMemory };
}

function textOf(given: unknown, name: string): string {
  if (typeof given === "string") return given;
  if (given instanceof Uint8Array) return kit.decode(given, "utf8");
  if (
    given instanceof URL ||
    (typeof given === "object" && given !== null && "href" in given && "protocol" in given)
  )
    return (kit.loadPart("node-url") as typeof import("node:url")).fileURLToPath(given as URL);
  throw wrongType(name, "of type string or an instance of Buffer or URL", given);
}

/** A path below another. */
export const below = (folder: string, name: string): string =>
  folder.endsWith("/") ? folder + name : `${folder}/${name}`;

export interface Encoded {
  readonly encoding?: string | null | undefined;
}

/** A name in the encoding that was asked for. */
export const nameIn = (name: string, encoding: string | null | undefined): string | Buffer =>
  encoding === "buffer" ? Buffer.from(name) : name;
