import { posix } from "node:path";
import { LIMITS, UsageError } from "@capsule-run/protocol";
import { isProgramPath, PACKAGES_FOLDER, type ProgramFile } from "../../files.ts";
import { MOST_FILES } from "../pack.ts";
import { readZip, type ZipEntry, ZipError } from "./zip.ts";

/** Caches and native code, which no wheel needs to have in a sandbox. */
const LEFT_OUT = /(?:^|\/)__pycache__\/|\.(?:pyc|pyo|so|pyd|dylib|dll|exe)$/;

/**
 * The files of a wheel as they lie in `/site-packages`. What would be installed elsewhere (commands, headers) is left
 * out; data files are put where `pip install --target` puts them.
 * @throws UsageError `dependency-file` if it is broken, too large, or has files that lead elsewhere
 */
export function unpackWheel(file: string, bytes: Uint8Array): ProgramFile[] {
  try {
    const entries = readZip(bytes);
    const size = entries.reduce((sum, entry) => sum + entry.size, 0);
    if (entries.length > MOST_FILES || size > LIMITS.bundleBytes)
      throw new ZipError(
        `it is too large: ${size} bytes in ${entries.length} files, and all of a program may have ${LIMITS.bundleBytes} in ${MOST_FILES}`,
      );
    return entries.flatMap((entry) => {
      const path = placeOf(entry);
      return path === null ? [] : [{ path, bytes: entry.read() }];
    });
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    throw new UsageError("dependency-file", `The dependency ${file} can't be used: ${error.message}`, {
      cause: error,
    });
  }
}

function placeOf({ name, mode }: ZipEntry): string | null {
  if (LEFT_OUT.test(name)) return null;
  const spread = /^[^/]+\.data\/([^/]+)\/(.+)$/.exec(name);
  const inner = spread ? (spread[2] as string) : name;
  if (spread && !["purelib", "platlib", "data"].includes(spread[1] as string)) return null;
  const path = `${PACKAGES_FOLDER}/${inner}`;
  const link = (mode & 0o170000) === 0o120000;
  if (link || inner.includes("\\") || posix.normalize(path) !== path || !isProgramPath(path))
    throw new ZipError(`"${name}" in it leads elsewhere`);
  return path;
}
