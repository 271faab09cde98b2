import { isAbsolute, relative, sep } from "node:path";

/** A file as a user would write it: from the working directory, if it lies there. */
export function shownFrom(
  cwd: string,
  { path, given }: { readonly path: string; readonly given: string },
): string {
  const inside = relative(cwd, path);
  return isAbsolute(inside) || inside.split(sep)[0] === ".." ? given : inside;
}
