import { realpathSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { type Question, UsageError, type Variant } from "@capsule-run/protocol";
import { PROGRAM_FOLDER, type ProgramFiles, packFiles } from "../files.ts";
import { collect } from "./collect.ts";
import { dependenciesOf, type Fetched } from "./dependencies/index.ts";
import { Disk, isInside, newestChange, realpath, relativePath } from "./disk.ts";
import { writeMap } from "./map.ts";

/** The extensions of programs in this language. */
export const EXTENSIONS = [".py"] as const;

export interface BundleRequest {
  /** The program's source file; relative paths are relative to `cwd`. */
  readonly file: string;
  /** The project root: the program is made of files in it. */
  readonly root: string;
  /** The folder whose view of files messages take; default: the process's. */
  readonly cwd?: string | undefined;
  /**
   * Folders that files other than code may be taken from, relative to the root; default: all of the project. What an
   * operator keeps from a program must not become a part of it.
   */
  readonly data?: readonly string[] | null | undefined;
  /** Where fetched dependencies are kept; default: `.capsule/dependencies` in the root. */
  readonly dependenciesDir?: string | undefined;
  /** If it is known from an earlier run that only the full variant will do: why. */
  readonly full?: string | undefined;
  /** Told what takes long, one line each. */
  readonly progress?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A program with all that it is made of. */
export interface Bundle {
  /** See `packFiles`. */
  readonly code: Uint8Array;
  /** What errors need to speak of the program's files: see `writeMap`. */
  readonly sourceMap: string;
  /** Which variant of the engine it needs. */
  readonly variant: Variant;
  /** Why not the core variant, one line each. */
  readonly reasons: readonly string[];
  /** What decided the bundle: ask the same of the disk later to know whether it still holds. */
  readonly inputs: readonly Question[];
  /** When reading began, in ms since 1970: an input that changed later may not be what was bundled. */
  readonly readAt: number;
  /** One line each, for the user. */
  readonly warnings: readonly string[];
}

/**
 * Clocks of file systems run behind by up to this many ms. A file that changed so shortly before the bundling began
 * could as well have changed in the middle of it.
 */
const CLOCK_SLACK = 20;

/**
 * Packs a program with what it needs to run: modules that it imports from its own folder, packages whole, data files
 * that these name in strings, and its dependencies, which are fetched if they are not there yet. What modules import
 * that nobody has is not looked at: it may be optional, and if not Python says so.
 *
 * @throws UsageError `file-not-found`, `not-a-program` (an extension that is none of `EXTENSIONS`), `compile`, `outside-project`,
 * `too-large`, or what is said of dependencies
 */
export async function bundleProgram(request: BundleRequest): Promise<Bundle> {
  const cwd = request.cwd ?? process.cwd();
  const given = resolve(cwd, request.file);
  checkFile(given, request.file);
  const fetched: Fetched = new Map();
  const warnings = new Set<string>();
  for (let tries = 0; ; tries++) {
    const readAt = Date.now();
    const bundle = await bundleOnce(given, request, readAt, fetched);
    for (const warning of bundle.warnings) warnings.add(warning);
    const hot = (await newestChange(bundle.inputs)) > readAt - CLOCK_SLACK;
    if (!hot || tries === 2) return { ...bundle, warnings: [...warnings] };
    // Too fresh to be sure that what was read is what is there: read again when it has cooled down.
    await new Promise((done) => setTimeout(done, CLOCK_SLACK + 5));
  }
}

function checkFile(path: string, given: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UsageError("file-not-found", `There is no file "${given}"`);
  if (!stat.isFile()) throw new UsageError("file-not-found", `"${given}" is not a file`);
  if (!(EXTENSIONS as readonly string[]).includes(extname(path)))
    throw new UsageError(
      "not-a-program",
      `"${given}" is no Python program: its name must end in ${EXTENSIONS.join(" or ")}`,
    );
}

async function bundleOnce(
  given: string,
  request: BundleRequest,
  readAt: number,
  fetched: Fetched,
): Promise<Bundle> {
  // As Python does, which looks for modules beside the file that a link leads to.
  const file = realpathSync(given);
  const root = realpathSync(request.root);
  const base = isInside(file, root) ? root : dirname(file);
  const from = realpathSync(request.cwd ?? process.cwd());
  const show = (path: string) => relativePath(from, path) || path;
  const folders = request.data?.flatMap((folder) => realpath(join(root, folder)) ?? []);
  const isOpen = (path: string): boolean => {
    const real = folders && realpath(path);
    return !folders || folders.some((folder) => real && isInside(real, folder));
  };
  const disk = new Disk(show);
  disk.ask({ kind: "link", path: given });
  const dependencies = await dependenciesOf({
    file,
    base,
    disk,
    show,
    dir: request.dependenciesDir ?? join(root, ".capsule", "dependencies"),
    progress: request.progress ?? (() => {}),
    signal: request.signal,
    fetched,
  });
  const { files, variant, reasons, warnings } = await collect(file, dependencies.files, disk, {
    base,
    show,
    isOpen,
  });
  const why = request.full === undefined ? reasons : [request.full, ...reasons];
  const entry = `${PROGRAM_FOLDER}/${relativePath(base, file)}`;
  const wanted: Variant = why.length > 0 ? "full" : variant;
  return {
    code: packed({ entry, variant: wanted, files }),
    sourceMap: writeMap(relativePath(root, base), files),
    variant: wanted,
    reasons: why,
    inputs: disk.inputs(),
    readAt,
    warnings: [...dependencies.warnings, ...warnings],
  };
}

function packed(files: ProgramFiles): Uint8Array {
  try {
    return packFiles(files);
  } catch (cause) {
    // Names that no other file system has, a dependency's file in place of another's folder.
    throw new UsageError("compile", `The program can't be packed: ${(cause as Error).message}`, { cause });
  }
}
