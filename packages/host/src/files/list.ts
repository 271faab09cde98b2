/** Listings of folders. */
import { type Dir, type Dirent, opendir } from "node:fs";
import { promisify } from "node:util";
import { LIMITS } from "@capsule-run/protocol";
import type { Performed } from "../capability.ts";
import { refuse } from "./failure.ts";
import { release } from "./ground.ts";
import type { Handle } from "./handles.ts";
import { isKept } from "./kept.ts";
import { FILE_LIMITS } from "./limits.ts";
import { kindOf } from "./stat.ts";
import { at } from "./walk.ts";
import type { Branch, World } from "./world.ts";

const REPLACEMENT = "\uFFFD";
/** Names that are fetched from the disk by one call. */
const BATCH = 1_024;

const openFolder = promisify(opendir);

/**
 * Lists a folder of the disk at `path`, null for none, and the mounts below `branch`. A name that is not UTF-8 is left out:
 * no path of a guest's could mean it, and shown with replacements it would look like another file's.
 *
 * @throws Refused EOVERFLOW beyond the limits
 */
async function list(path: string | null, branch: Branch | null): Promise<Performed> {
  const names = new Listing();
  for (const [name, { failure }] of branch?.children ?? [])
    if (failure === null) names.add(name, "directory");
  const isMount = (name: string): boolean => branch?.children.has(name) ?? false;
  let unclear = false;
  const entry = (name: string, each: Dirent): void => {
    if (name.includes(REPLACEMENT)) unclear = true;
    else if (name.isWellFormed() && !isMount(name) && !isKept(name)) names.add(name, kindOf(each));
  };
  if (path !== null) {
    await eachEntry(path, "utf8", (each) => entry(each.name, each));
    if (unclear) await eachUnclear(path, (name, each) => names.add(name, kindOf(each)));
  }
  return names.answer();
}

export const listPath = (world: World, path: string): Promise<Performed> =>
  at(world, path, "always", async (spot) => {
    if (spot.kind === "folder") {
      const { place } = spot;
      return list(place.mount === null ? null : await place.mount.ground.at(place.folder, "."), place.branch);
    }
    const { place, found, name } = spot;
    if (found === null || place.mount === null) refuse("ENOENT");
    if (!found.stat.isDirectory()) refuse("ENOTDIR");
    const folder = await place.mount.ground.enter(place.folder, name);
    try {
      return await list(await place.mount.ground.at(folder, "."), null);
    } finally {
      release(folder);
    }
  });

export async function listHandle(handle: Handle): Promise<Performed> {
  if (handle.kind === "file") refuse("ENOTDIR");
  if (handle.kind === "virtual") return list(null, handle.branch);
  return list(await handle.mount.ground.at(handle, "."), handle.branch);
}

/** The list as JSON. Inodes are unknown, which is `"0"`: Node does not tell them, and asking for each would take seconds. */
class Listing {
  /** What is written already, and what comes next: to write a million names at once would take a third of a second. */
  readonly #blocks: Uint8Array[] = [];
  #parts: string[] = [];
  #count = 0;
  #bytes = 2;

  add(name: string, kind: string): void {
    const part = `[${JSON.stringify(name)},"${kind}","0"]`;
    this.#bytes += Buffer.byteLength(part) + 1;
    if (this.#count >= FILE_LIMITS.listedNames)
      refuse("EOVERFLOW", `the folder holds more than ${FILE_LIMITS.listedNames} names`);
    if (this.#bytes > LIMITS.effectBytes)
      refuse("EOVERFLOW", `the folder's list has more than ${LIMITS.effectBytes} bytes`);
    this.#parts.push(part);
    this.#count++;
    if (this.#parts.length === BATCH) this.#write();
  }

  answer(): Performed {
    this.#write();
    const payload = Buffer.concat([Buffer.from("["), ...this.#blocks, Buffer.from("]")]);
    return { head: { count: this.#count }, payload };
  }

  #write(): void {
    if (this.#parts.length === 0) return;
    this.#blocks.push(Buffer.from(`${this.#blocks.length > 0 ? "," : ""}${this.#parts.join(",")}`));
    this.#parts = [];
  }
}

/** Reads in batches, so that what a huge folder takes of memory ends with the limit. */
async function eachEntry(
  path: string,
  encoding: BufferEncoding,
  use: (entry: Dirent) => void,
): Promise<void> {
  const folder = await openFolder(path, { encoding, bufferSize: BATCH });
  try {
    const next = (): Promise<Dirent | null> =>
      new Promise((resolve, reject) =>
        folder.read((error, entry) => (error ? reject(error) : resolve(entry))),
      );
    for (let entry = await next(); entry !== null; entry = await next()) use(entry);
  } finally {
    await closed(folder);
  }
}

const closed = (folder: Dir): Promise<void> => new Promise((resolve) => folder.close(() => resolve()));

/** The names that hold the replacement character themselves, told from those that are not UTF-8 by their bytes. */
async function eachUnclear(path: string, use: (name: string, entry: Dirent) => void): Promise<void> {
  // In Latin-1 each byte is a character.
  await eachEntry(path, "latin1", (entry) => {
    const bytes = Buffer.from(entry.name, "latin1");
    const name = bytes.toString("utf8");
    if (name.includes(REPLACEMENT) && Buffer.from(name).equals(bytes)) use(name, entry);
  });
}
