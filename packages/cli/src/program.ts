import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { nearest, UsageError } from "@capsule-run/protocol";

/** The source files a program can be. */
const EXTENSIONS: readonly string[] = [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".py"];

/** What `capsule build --export` writes. */
const ARTIFACT = ".wasm";

function nearFiles(file: string, path: string): string {
  const folder = dirname(path);
  let names: string[];
  try {
    names = readdirSync(folder).slice(0, 2000);
  } catch {
    return `; there is no folder ${folder} either`;
  }
  const programs = names.filter((name) => EXTENSIONS.includes(extname(name)));
  const wanted = basename(path);
  const near = programs.find((name) => name.startsWith(`${wanted}.`)) ?? nearest(wanted, programs);
  return near ? `; did you mean ${join(dirname(file), near)}?` : "";
}

/**
 * The absolute path of the program a user named.
 * @throws UsageError when it is not there, or is nothing that can be run
 */
export function findProgram(file: string, cwd: string): string {
  const path = resolve(cwd, file);
  const extension = extname(path);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UsageError("file-not-found", `there is no file ${file}${nearFiles(file, path)}`);
  if (stat.isDirectory()) throw new UsageError("file-not-found", `${file} is a folder, not a program`);
  if (extension === ARTIFACT)
    throw new UsageError(
      "not-a-program",
      `${file} is no source file; an artifact is run by: capsule exec ${file}`,
    );
  if (!EXTENSIONS.includes(extension))
    throw new UsageError("not-a-program", `${file} is not a program; those are ${EXTENSIONS.join(" ")}`);
  return path;
}

/**
 * The absolute path of the artifact a user named. What is in the file is the runtime's to judge.
 * @throws UsageError when it is none by its name
 */
export function findArtifact(file: string, cwd: string): string {
  const path = resolve(cwd, file);
  const extension = extname(path);
  if (extension === ARTIFACT) return path;
  if (EXTENSIONS.includes(extension))
    throw new UsageError(
      "not-a-program",
      `${file} is a source file, no artifact; to run it: capsule run ${file}`,
    );
  throw new UsageError(
    "not-a-program",
    `${file} is no artifact; those end in ${ARTIFACT}, and \`capsule build --export\` makes them`,
  );
}
