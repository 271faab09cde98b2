/** Why there is no engine, in words for the user. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /**
   * `unavailable`: it is nowhere and can't be fetched. `no-space`: the disk is full. `broken`: making it failed.
   * `interrupted`: the caller gave up.
   */
  readonly kind: "unavailable" | "no-space" | "broken" | "interrupted";

  constructor(kind: EngineError["kind"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** What an engine was to be made from is not what the pin says: other artifacts may be. */
export class WrongFile extends Error {
  override readonly name = "WrongFile";
  readonly path: string;

  constructor(path: string) {
    super(`${path} is not what it has to be`);
    this.path = path;
  }
}

/** The code of a system error, such as `ENOSPC`. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/** Whether an error says that a place can't be written to, by whatever right or medium. */
export const isReadOnly = (error: unknown): boolean =>
  ["EACCES", "EPERM", "EROFS", "ENOTDIR"].includes(codeOf(error) ?? "");

/** An error of the file system in the user's terms, if it is one that users can do something about. */
export function explained(error: unknown, folder: string): unknown {
  const code = codeOf(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  const message = `there is not enough room for the Python engine in ${folder}: it takes up to 500 MB; set CAPSULE_CACHE_DIR to a folder on another disk`;
  return new EngineError("no-space", message, error);
}
