import { readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Loader, PluginBuild } from "esbuild";
import { PROGRAM_FOLDER } from "../door.ts";
import { packageOf } from "./impossible.ts";

const MENTIONED = /\b(?:__dirname|__filename|import\.meta)\b/;

const LOADERS: Readonly<Record<string, Loader>> = {
  ".js": "jsx",
  ".mjs": "jsx",
  ".cjs": "jsx",
  ".jsx": "jsx",
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
};

/**
 * Gives the user's own files their place in the sandbox: `__dirname`, `__filename` and those of `import.meta`. Packages
 * have that of the program: see the `define`s of the bundle.
 * @param base the project root, real
 */
export function addPlaces(build: PluginBuild, base: string): void {
  build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
    const name = relative(base, path);
    if (packageOf(path) !== null || name.startsWith("..")) return undefined;
    const text = readFileSync(path, "utf8");
    if (!MENTIONED.test(text)) return undefined;
    const file = join(PROGRAM_FOLDER, name).split(sep).join("/");
    const folder = file.slice(0, file.lastIndexOf("/"));
    try {
      const { code } = await build.esbuild.transform(text, {
        loader: LOADERS[extname(path)] ?? "js",
        jsx: "preserve",
        target: "esnext",
        define: definitions(file, folder),
        sourcemap: "inline",
        sourcefile: path,
        sourcesContent: true,
        logLevel: "silent",
      });
      return { contents: code, loader: "jsx" };
    } catch {
      // A file with errors is esbuild's own to tell of.
      return undefined;
    }
  });
}

function definitions(file: string, folder: string): Record<string, string> {
  const url = pathToFileURL(file, { windows: false }).href;
  return {
    __dirname: JSON.stringify(folder),
    __filename: JSON.stringify(file),
    "import.meta.url": JSON.stringify(url),
    "import.meta.dirname": JSON.stringify(folder),
    "import.meta.filename": JSON.stringify(file),
  };
}
