/** Paths as guests write them: POSIX, whatever the host is. */
import { refuse } from "./failure.ts";
import { FILE_LIMITS } from "./limits.ts";

export interface ParsedPath {
  /** Without empty ones; `.` and `..` are left in, since what they mean depends on symlinks. */
  readonly names: readonly string[];
  /** Whether it ends with `/`, so that only a folder will do. */
  readonly slash: boolean;
}

/** @throws Refused ENOENT for an empty path, EINVAL for what can be no path, ENAMETOOLONG */
export function parsePath(path: string): ParsedPath {
  if (path === "") refuse("ENOENT");
  if (!path.startsWith("/")) refuse("EINVAL", "the path has to be absolute");
  return parseNames(path);
}

/** The target of a symlink. @throws Refused EACCES for an absolute one */
export function parseTarget(target: string): ParsedPath {
  if (target === "") refuse("ENOENT");
  if (target.startsWith("/")) refuse("EACCES", "a symlink with an absolute target is not followed");
  return parseNames(target);
}

function parseNames(path: string): ParsedPath {
  if (path.includes("\0")) refuse("EINVAL", "the path holds a NUL");
  if (!path.isWellFormed()) refuse("EINVAL", "the path holds half of a surrogate pair");
  if (isLonger(path, FILE_LIMITS.pathBytes)) refuse("ENAMETOOLONG");
  const names = path.split("/").filter((name) => name !== "");
  if (names.some((name) => isLonger(name, FILE_LIMITS.nameBytes))) refuse("ENAMETOOLONG");
  return { names, slash: path.endsWith("/") };
}

/** Whether a text has more bytes in UTF-8. A UTF-16 unit makes one to three. */
const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes);
