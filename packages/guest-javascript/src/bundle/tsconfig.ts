import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";

/** The parts of a `tsconfig.json` that decide which file an import means. */
export interface Tsconfig {
  readonly folder: string;
  readonly baseUrl: string | undefined;
  /** Patterns such as `@/*` and the paths they stand for. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
}

const EXTENDED = 20;

/**
 * A `tsconfig.json` and all it extends. Broken ones count as empty: esbuild has said so already.
 * @param seen is told of every file that was looked for, whether it is there or not
 */
export function readTsconfig(file: string, seen: (path: string) => void): Tsconfig[] {
  const found: Tsconfig[] = [];
  const visit = (path: string, depth: number): boolean => {
    seen(path);
    const json = parse(path);
    if (json === undefined) return false;
    const options = record(json.compilerOptions);
    found.push({
      folder: dirname(path),
      baseUrl: typeof options.baseUrl === "string" ? options.baseUrl : undefined,
      paths: pathsOf(options.paths),
    });
    const bases = [json.extends].flat().filter((name) => typeof name === "string");
    for (const name of depth < EXTENDED ? bases : [])
      extendedFiles(name, dirname(path)).some((candidate) => visit(candidate, depth + 1));
    return true;
  };
  visit(file, 0);
  return found;
}

/** Where `extends` may point: a path with or without `.json`, or a file in a package. */
function extendedFiles(name: string, folder: string): string[] {
  const ends = ["", ".json", "/tsconfig.json"];
  if (name.startsWith(".") || isAbsolute(name)) return ends.map((end) => resolve(folder, name) + end);
  const files: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    files.push(...ends.map((end) => join(at, "node_modules", name) + end));
    if (dirname(at) === at) return files;
  }
}

/** The paths without extension that a bare import may mean under a `tsconfig.json`. */
export function candidatesOf(name: string, { folder, baseUrl, paths }: Tsconfig): string[] {
  const root = resolve(folder, baseUrl ?? ".");
  const found = baseUrl === undefined ? [] : [resolve(root, name)];
  for (const [pattern, targets] of Object.entries(paths)) {
    const [before = "", after] = pattern.split("*", 2);
    const matches =
      after === undefined
        ? name === pattern
        : name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after);
    if (!matches) continue;
    const middle = after === undefined ? "" : name.slice(before.length, name.length - after.length);
    found.push(
      ...targets.map((target) =>
        resolve(
          root,
          target.replace("*", () => middle),
        ),
      ),
    );
  }
  return found;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

function pathsOf(value: unknown): Record<string, string[]> {
  const entries = Object.entries(record(value)).filter(([, targets]) => Array.isArray(targets));
  return Object.fromEntries(
    entries.map(([pattern, targets]) => [
      pattern,
      (targets as unknown[]).filter((target) => typeof target === "string"),
    ]),
  );
}

/** JSON with comments and trailing commas. */
function parse(path: string): Record<string, unknown> | undefined {
  try {
    const text = readFileSync(path, "utf8").replace(/^\ufeff/, "");
    const plain = text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (token) =>
      token.startsWith('"') ? token : " ",
    );
    const strict = plain.replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (token) =>
      token.startsWith('"') ? token : "",
    );
    return record(JSON.parse(strict));
  } catch {
    return undefined;
  }
}
