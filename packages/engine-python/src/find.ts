import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { execute } from "./command.ts";
import { digestFile, digestSlowly, sameFile } from "./digest.ts";
import { type ArtifactFile, artifactsName, licencesOf, type Pin } from "./pin.ts";
import type { OnProgress } from "./progress.ts";

/** A folder with the files of a release, verified. */
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

/** The artifacts in the cache, or those of an installed Python package; null if there are none. */
export async function findArtifacts(engines: string, options: FindOptions): Promise<Artifacts | null> {
  const { pin, onWarning } = options;
  const cached = join(engines, artifactsName(pin));
  if (existsSync(cached)) {
    const wrong = await firstWrong(cached, options);
    if (wrong === null) {
      markFolder(cached);
      return { folder: cached, from: "cache" };
    }
    onWarning?.(`${join(cached, wrong)} is not what it has to be: it is not used`);
  }
  for (const folder of await installedFolders(options)) {
    // Another release: no reason to speak of it.
    if (
      statSync(join(folder, "python.wasm"), { throwIfNoEntry: false })?.size !== pin.files["python.wasm"].size
    )
      continue;
    const wrong = await firstWrong(folder, options);
    if (wrong === null) return { folder, from: `Python package ${pin.package}` };
    onWarning?.(`${join(folder, wrong)} is not what ${pin.package} ${pin.version} holds: it is not used`);
  }
  return null;
}

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

/** The first file of a folder that has not even the right size; null if all have. */
const firstMissing = (folder: string, pin: Pin): string | null =>
  namesOf(pin).find(
    (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size !== pin.files[name].size,
  ) ?? null;

const namesOf = (pin: Pin): readonly ArtifactFile[] => Object.keys(pin.files) as ArtifactFile[];

/** Whether a folder seems to hold a release, as far as sizes tell. */
export const rightSizes = (folder: string, pin: Pin): boolean => firstMissing(folder, pin) === null;

/** The first file of a folder that is not what the pin says; null if all are. */
export async function firstWrong(
  folder: string,
  { pin, onProgress }: Pick<FindOptions, "pin" | "onProgress">,
): Promise<string | null> {
  // Sizes tell at once what hashing would take a second to tell.
  const missing = firstMissing(folder, pin);
  if (missing !== null) return missing;
  const names = namesOf(pin);
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
