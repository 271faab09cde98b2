/** The working directory, of which only the sandbox knows. */
import { PROGRAM_FOLDER } from "../../door.ts";

/** `cwd` and `chdir` of `process`. A folder need not exist: nothing in it is opened before it is used. */
export function workingDirectory(): { cwd(): string; chdir(folder: string): void } {
  let current: string = PROGRAM_FOLDER;
  return {
    cwd: () => current,
    chdir: (folder) => {
      current = absolute(`${folder}`, current);
    },
  };
}

/** A path from the root, without `.`, `..`, repeated slashes and one at its end. */
export function absolute(path: string, from: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${from}/${path}`).split("/"))
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  return `/${parts.join("/")}`;
}
