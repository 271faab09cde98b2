/** Errors of files, in the guest's words. */
import { getSystemErrorMap } from "node:util";
import { cutText, EffectError } from "@capsule-run/protocol";

/** Why an operation is refused, before anybody knows how the guest calls the file. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: string;
  /** For the guest; null: the code says it all. */
  readonly reason: string | null;
  constructor(code: string, reason: string | null = null) {
    super(code);
    this.code = code;
    this.reason = reason;
  }
}

export function refuse(code: string, reason: string | null = null): never {
  throw new Refused(code, reason);
}

/** What an operation is called in messages: the system call and the guest's paths, if it has any. */
export interface Asked {
  readonly call: string;
  readonly path?: string | undefined;
  readonly to?: string | undefined;
}

const TEXTS: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values());
const SHOWN = 4_096;

const quoted = (path: string): string => `'${cutText(path, SHOWN)}'`;

/** The errno of an error of Node's; undefined for all that is none. */
export const codeOf = (error: unknown): string | undefined => {
  if (error instanceof Refused) return error.code;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && TEXTS.has(code) ? code : undefined;
};

/**
 * Any error as the guest may see it: `ENOENT: no such file or directory, open '/app/data/x'`. Only the errno of the host's
 * error is kept, since its message and its fields hold the host's paths; what is no errno is EIO.
 */
export function forGuest(error: unknown, { call, path, to }: Asked): EffectError {
  if (error instanceof EffectError) return error;
  const code = codeOf(error) ?? "EIO";
  const reason = error instanceof Refused && error.reason !== null ? ` (${error.reason})` : "";
  const names = path === undefined ? "" : ` ${quoted(path)}${to === undefined ? "" : ` -> ${quoted(to)}`}`;
  return new EffectError(code, `${code}: ${TEXTS.get(code) ?? "i/o error"}${reason}, ${call}${names}`);
}
