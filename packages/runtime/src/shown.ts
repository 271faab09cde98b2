import { isAbsolute, relative, sep } from "node:path";

/** A file as it is written from a folder: relative if it lies in there, else as given. */
export function shownFrom(
  folder: string,
  { path, given }: { readonly path: string; readonly given: string },
): string {
  const inside = relative(folder, path);
  return isAbsolute(inside) || inside.split(sep)[0] === ".." ? given : inside;
}
