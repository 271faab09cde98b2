import { realpathSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import { isKept } from "./kept.ts";

/**
 * The folder of the host that a mount means, with all symlinks resolved, ready for `Mount.host`.
 *
 * @param root the project root
 * @param path relative to it, as the user wrote it
 * @throws UsageError `outside-project` if it is outside of the root, a symlink leads out, or it is kept from sandboxes; `file-not-found` if there is no
 *   such folder
 */
export function checkMount(root: string, path: string): string {
  const refuse = (what: string): never => {
    throw new UsageError("outside-project", `the folder ${JSON.stringify(path)} ${what}`);
  };
  const outside = (how: string): never => refuse(`is outside of the project: ${how}`);
  const asked = resolve(root, path);
  if (isAbsolute(path)) outside("it has to be relative to the project root");
  if (!isWithin(root, asked)) outside("`..` leads above the project root");
  const refuseKept = (way: string): void => {
    const own = way.split(sep).find(isKept);
    if (own !== undefined) refuse(`can't be a task's: ${JSON.stringify(own)} is kept from sandboxes`);
  };
  refuseKept(relative(root, asked));
  let real: string;
  try {
    real = realpathSync.native(asked);
    if (!statSync(real).isDirectory()) throw new Error("not a folder");
  } catch (cause) {
    throw new UsageError("file-not-found", `there is no folder ${JSON.stringify(path)} in the project root`, {
      cause,
    });
  }
  const realRoot = realpathSync.native(root);
  if (!isWithin(realRoot, real)) outside("a symlink leads out of the project root");
  // A symlink of another name may lead to one.
  refuseKept(relative(realRoot, real));
  return real;
}

/** Whether a path is a folder or in it; both are absolute. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
