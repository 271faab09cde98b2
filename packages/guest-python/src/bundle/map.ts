import { PROGRAM_FOLDER, type ProgramFile } from "../files.ts";
import { decodeSource } from "./source.ts";

/** What is kept beside a program for its errors. */
export interface ProgramMap {
  /** The folder that is `/app`, relative to the project root, with `/`; "" is the root itself. */
  readonly base: string;
  /** The texts of the program's own Python files, by their paths in the guest. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The map of a program as JSON. */
export function writeMap(base: string, files: readonly ProgramFile[]): string {
  const own = files.filter(({ path }) => path.startsWith(`${PROGRAM_FOLDER}/`) && path.endsWith(".py"));
  const map: ProgramMap = {
    base,
    sources: Object.fromEntries(own.map(({ path, bytes }) => [path, decodeSource(bytes)])),
  };
  return JSON.stringify(map);
}

/** The reverse of `writeMap`. What is no such map knows nothing. */
export function readMap(json: string): ProgramMap {
  try {
    const { base, sources } = JSON.parse(json) as Partial<ProgramMap>;
    if (typeof base === "string" && typeof sources === "object" && sources !== null) return { base, sources };
  } catch {
    // Nothing, then.
  }
  return { base: "", sources: {} };
}
