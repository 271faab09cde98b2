import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { execute } from "./command.ts";
import { digestFile, digestSlowly, sameFile } from "./digest.ts";
import { type ArtifactFile, artifactsName, licencesOf, type Pin } from "./pin.ts";
import type { OnProgress } from "./progress.ts";

/** A folder with the files of a release. */
export interface Artifacts {
  readonly folder: string;
  /** Where it is from, in words. */
  readonly from: string;
}

export interface FindOptions {
  readonly pin: Pin;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress?: OnProgress | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a Python where a module is, without importing it or anything that lies around. */
const QUESTION = `
import sys
sys.path[:] = [p for p in sys.path if p not in ("", ".")]
import importlib.util
spec = importlib.util.find_spec(sys.argv[1])
for place in (spec.submodule_search_locations if spec else None) or []:
    sys.stdout.buffer.write(place.encode("utf-8", "surrogateescape") + b"\\n")
`;

const QUESTION_MS = 10_000;

/** The Pythons to ask, the active virtual environment's first. */
export function pythons(env: NodeJS.ProcessEnv): readonly string[] {
  const active = env.VIRTUAL_ENV;
  const inside = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  return [...(active ? [join(active, ...inside)] : []), "python3", "python"];
}

/**
 * Folders that seem to hold the artifacts: the one in the cache, then those of installed Python packages. Their small
 * files are verified; the large ones are when they are read, which takes a second and is done beside other work.
 */
export async function* foundArtifacts(engines: string, options: FindOptions): AsyncGenerator<Artifacts> {
  const { pin } = options;
  const cached = join(engines, artifactsName(pin));
  if (seemsRight(cached, pin)) {
    markFolder(cached);
    yield { folder: cached, from: "cache" };
  }
  for (const folder of await installedFolders(options))
    if (seemsRight(folder, pin)) yield { folder, from: `Python package ${pin.package}` };
}

/** Whether a folder holds the release, as far as can be told at once: by sizes, and by the hashes of small files. */
export const seemsRight = (folder: string, pin: Pin): boolean =>
  namesOf(pin).every((name) => {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.size !== pin.files[name].size) return false;
    return LARGE.includes(name) || sameFile(digestFile(path), pin.files[name]);
  });

const LARGE: readonly ArtifactFile[] = ["python.wasm", "python-stdlib.zip"];

/** Marks artifacts as used. */
function markFolder(folder: string): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(folder, now, now);
  } catch {
    // They may be removed earlier, then.
  }
}

/** The artifact folders of the module in the Pythons of this machine. */
export async function installedFolders({
  pin,
  env,
  signal,
}: Pick<FindOptions, "pin" | "env" | "signal">): Promise<readonly string[]> {
  const folders = new Set<string>();
  for (const python of pythons(env)) {
    const outcome = await execute([python, "-c", QUESTION, pin.module], {
      env,
      signal,
      timeoutMs: QUESTION_MS,
    });
    if (!outcome.ended || outcome.code !== 0) continue;
    for (const place of outcome.stdout.split(/\r?\n/).filter(isAbsolute))
      folders.add(join(place, "artifacts"));
  }
  return [...folders];
}

const namesOf = (pin: Pin): readonly ArtifactFile[] => Object.keys(pin.files) as ArtifactFile[];

/** The first file of a folder that is not what the pin says; null if all are. */
export async function firstWrong(
  folder: string,
  { pin, onProgress }: Pick<FindOptions, "pin" | "onProgress">,
): Promise<string | null> {
  const names = namesOf(pin);
  // Sizes tell at once what hashing would take a second to tell.
  for (const name of names)
    if (statSync(join(folder, name), { throwIfNoEntry: false })?.size !== pin.files[name].size) return name;
  const total = names.reduce((sum, name) => sum + pin.files[name].size, 0);
  let before = 0;
  for (const name of names) {
    const tell = (done: number): void =>
      onProgress?.({ step: "checking", done: before + done, total, detail: pin.package });
    if (!sameFile(await digestSlowly(join(folder, name), tell), pin.files[name])) return name;
    before += pin.files[name].size;
  }
  return null;
}

/** The first licence of a verified folder that is missing or wrong; null if all are there. */
export function firstWrongLicence(folder: string): string | null {
  const licences = licencesOf(readFileSync(join(folder, "SHA256SUMS"), "utf8"));
  for (const [name, hash] of licences) {
    const path = join(folder, name);
    if (!existsSync(path) || digestFile(path).sha256 !== hash) return name;
  }
  return null;
}
