import { type FileGrant, type FileMode, pathInside, UsageError } from "@capsule-run/protocol";
import { cutOf, shownGrant } from "./cuts.ts";
import { isWithin, meetFiles, modeAt, weaker } from "./files.ts";

/** A folder of the project, and where a sandbox sees it. Both paths are as `pathInside` gives them. */
export interface ProjectMount {
  /** Relative to the project root. */
  readonly host: string;
  /** Relative to the guest's own root, `/app`. */
  readonly guest: string;
  readonly mode: FileMode;
}

/** Mounts one run may be given. */
const MOST_MOUNTS = 100;

const FORM = "HOST[::GUEST][:ro|:rw], both relative paths inside the project";

/**
 * `HOST[::GUEST][:ro|:rw]`. GUEST is HOST, and the mode read-write, where they are not given.
 * @throws UsageError `mount`
 */
function parseMount(text: string): ProjectMount {
  const wrong = (why: string): UsageError =>
    new UsageError("mount", `The mount ${JSON.stringify(text)} ${why}; a mount is ${FORM}`);
  const [, paths = text, mode] = /^(.*?)(?<!:)(?::(ro|rw))?$/s.exec(text) ?? [];
  const [host = "", guest = host, ...more] = paths.split("::");
  if (more.length > 0) throw wrong("has more than one ::");
  const folder = (name: string, given: string): string => {
    if (given === "") throw wrong(`has no ${name}`);
    if (given.includes(":")) throw wrong("has a : with neither ro nor rw behind it");
    const path = pathInside(given);
    if (path === null) throw wrong(`has a ${name} that is not inside the project`);
    return path;
  };
  return {
    host: folder("HOST", host),
    guest: folder("GUEST", guest),
    mode: mode === "ro" ? "read-only" : "read-write",
  };
}

/**
 * The mounts of one run.
 * @throws UsageError `mount` for what is none, for two at one place, and for more than 100
 */
export function parseMounts(texts: readonly string[]): readonly ProjectMount[] {
  if (texts.length > MOST_MOUNTS)
    throw new UsageError("mount", `A run may have ${MOST_MOUNTS} mounts, not ${texts.length}`);
  const taken = new Map<string, string>();
  return texts.map((text) => {
    const mount = parseMount(text);
    const other = taken.get(mount.guest);
    if (other !== undefined)
      throw new UsageError(
        "mount",
        `The mounts ${JSON.stringify(other)} and ${JSON.stringify(text)} are at one place, ${JSON.stringify(mount.guest)}`,
      );
    taken.set(mount.guest, text);
    return mount;
  });
}

/**
 * What a ceiling leaves of mounts: the folders that are in it, each where the mount has it, in the weaker mode; and a line
 * for each mount that is not left whole.
 */
export function limitMounts(
  mounts: readonly ProjectMount[],
  ceiling: readonly FileGrant[] | null,
): { readonly mounts: readonly ProjectMount[]; readonly cuts: readonly string[] } {
  if (ceiling === null) return { mounts, cuts: [] };
  const cuts: string[] = [];
  const left = mounts.flatMap((mount) => {
    const met = meetFiles([{ path: mount.host, mode: mount.mode }], ceiling);
    const cut = cutOf("mount", { path: mount.host, mode: mount.mode }, met, shownGrant);
    if (cut !== null) cuts.push(cut);
    return met.map(({ path, mode }) => moved(mount, path, mode));
  });
  return { mounts: left, cuts };
}

/** The part of a mount that shows the folder `path` in it. */
const moved = ({ host, guest }: ProjectMount, path: string, mode: FileMode): ProjectMount => {
  const rest = path === host ? "" : host === "." ? path : path.slice(host.length + 1);
  return { host: path, guest: rest === "" ? guest : guest === "." ? rest : `${guest}/${rest}`, mode };
};

/**
 * All that one task sees of the project: what its policy grants, each folder at its own place, and the mounts of its run.
 * A mount never widens what the task declares: what it has read-only is read-only in a mount too. Where both are at one
 * place, it is the mount that is seen. Each place is taken once.
 *
 * @param declared what the task asks for, before the ceiling
 * @param granted what it gets
 */
export function mountsOf(
  declared: readonly FileGrant[],
  granted: readonly FileGrant[],
  mounts: readonly ProjectMount[],
): readonly ProjectMount[] {
  const places = new Map<string, ProjectMount>();
  const place = (mount: ProjectMount): unknown => places.set(mount.guest, mount);
  for (const { path, mode } of meetFiles(granted, granted)) place({ host: path, guest: path, mode });
  const narrowed = mounts.map((mount) => ({
    ...mount,
    mode: weaker(mount.mode, modeAt(declared, mount.host) ?? mount.mode),
  }));
  for (const mount of narrowed.filter(({ mode }) => mode === "read-write"))
    for (const { path, mode } of declared)
      if (mode === "read-only" && path !== mount.host && isWithin(path, mount.host))
        place(moved(mount, path, mode));
  for (const mount of narrowed) place(mount);
  return [...places.values()];
}
