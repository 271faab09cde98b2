/** The working directory, of which only the sandbox knows. */

/** The project root in the guest. */
const ROOT = "/app";

/** `cwd` and `chdir` of `process`. A folder need not exist: nothing in it is opened before it is used. */
export function workingDirectory(): { cwd(): string; chdir(folder: string): void } {
  let current = ROOT;
  return {
    cwd: () => current,
    chdir: (folder) => {
      current = absolute(`${folder}`, current);
    },
  };
}

/** A path without `.`, `..` and repeated slashes, from the root. */
export function absolute(path: string, from: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${from}/${path}`).split("/"))
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  return `/${parts.join("/")}`;
}
