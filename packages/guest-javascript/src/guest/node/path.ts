/** `node:path`: a sandbox has POSIX paths. */
import path from "path-browserify";

const posix = Object.assign(path, {
  toNamespacedPath: (given: unknown): unknown => given,
  matchesGlob(): never {
    throw new Error("path.matchesGlob is not available inside a sandbox");
  },
});
Object.assign(posix, { posix, win32: posix });

export default posix;
