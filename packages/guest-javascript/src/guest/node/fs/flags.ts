/** How a file is to be opened. */
import type { EffectRequests } from "@capsule-run/protocol";
import constants from "./constants.ts";
import { wrongType, wrongValue } from "./errors.ts";

/** What `file.open` is told beside the path. */
export interface Wish extends Omit<EffectRequests["file.open"], "path"> {
  /** All of it as JSON, from the comma after the path on. */
  readonly json: string;
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW } = constants;

const NAMES: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY,
  "r+": O_RDWR,
  "rs+": O_RDWR,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  "w+": O_TRUNC | O_CREAT | O_RDWR,
  "wx+": O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  "a+": O_APPEND | O_CREAT | O_RDWR,
  "ax+": O_APPEND | O_CREAT | O_RDWR | O_EXCL,
};
for (const [other, name] of [
  ...[
    ["sr", "rs"],
    ["sr+", "rs+"],
    ["xw", "wx"],
    ["xw+", "wx+"],
    ["xa", "ax"],
    ["xa+", "ax+"],
  ],
  ...[
    ["as", "a"],
    ["sa", "a"],
    ["as+", "a+"],
    ["sa+", "a+"],
  ],
] as const)
  (NAMES as Record<string, number>)[other] = NAMES[name] as number;

const known = new Map<unknown, Wish>();

/** @param flags a name such as `"r+"`, or bits of `constants` */
export function wishOf(flags: unknown = "r"): Wish {
  const before = known.get(flags);
  if (before) return before;
  const bits = typeof flags === "number" ? flags : bitsOf(flags);
  const way = bits & 3;
  const has = (bit: number): boolean => (bits & bit) !== 0;
  const how = {
    read: way === O_RDONLY || way === O_RDWR,
    write: way === O_WRONLY || way === O_RDWR,
    append: has(O_APPEND),
    create: has(O_CREAT),
    exclusive: has(O_EXCL),
    truncate: has(O_TRUNC),
    directory: has(O_DIRECTORY),
    follow: !has(O_NOFOLLOW),
  };
  const wish: Wish = { ...how, json: `,${JSON.stringify(how).slice(1)}` };
  known.set(flags, wish);
  return wish;
}

function bitsOf(flags: unknown): number {
  if (flags === null) return O_RDONLY;
  if (typeof flags !== "string") throw wrongType("flags", "of type string or number", flags);
  if (!Object.hasOwn(NAMES, flags)) throw wrongValue("flags", "is invalid", flags);
  return NAMES[flags] as number;
}
