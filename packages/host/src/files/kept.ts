import { CAPSULE_FOLDER, CONFIG_FILE, ENVIRONMENT_FILES } from "@capsule-run/protocol";

/**
 * Names that sandboxes neither see nor make, in whatever folder: what Capsule itself reads of a project. A program that could
 * write them would raise its own ceiling or run as another one the next time, and `.env` files hold the values of secrets.
 */
export const KEPT_NAMES: readonly string[] = [CAPSULE_FOLDER, CONFIG_FILE, ...ENVIRONMENT_FILES];

const kept = new Set(KEPT_NAMES);

/** Whatever the disk takes for the same name: letters in another case, and what some disks leave out of names. */
const folded = (name: string): string =>
  /^[\0-\x7f]*$/.test(name)
    ? name.toLowerCase()
    : // By way of capitals, since `ſ` is an `s` there.
      name
        .normalize("NFKD")
        .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
        .toUpperCase()
        .toLowerCase();

export const isKept = (name: string): boolean => kept.has(folded(name));

/** On Windows a file can have a second, short name: `CAPSUL~1.TOM`, `ENV~1`, or after some others `CA1B2C~1.TOM`. */
export const isShortForKept = (name: string): boolean => /^(?:ca|en)[^.~]{0,5}~[0-9]/i.test(name);
