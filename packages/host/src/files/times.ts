/** Times of files. */
import { futimes, lutimes, utimes } from "node:fs";
import { promisify } from "node:util";
import type { Performed } from "../capability.ts";
import { refuse } from "./failure.ts";
import type { Folder } from "./ground.ts";
import type { Handle } from "./handles.ts";
import { at, isWritable } from "./walk.ts";
import type { OpenMount, World } from "./world.ts";

/** What Node takes for a time. */
type Time = string | Date;

const byNumber = promisify(futimes) as (fd: number, accessed: Time, modified: Time) => Promise<void>;
const following = promisify(utimes) as (path: string, accessed: Time, modified: Time) => Promise<void>;
const notFollowing = promisify(lutimes) as (path: string, accessed: Time, modified: Time) => Promise<void>;

const SECOND = 1_000_000_000n;
const NO_TIME = new Date(Number.NaN);

/**
 * Seconds as digits: Node turns that into a double, which is exact to about 0.2 µs in our century, and unlike a number it
 * may be negative. Unchanged is a date that is none: libuv leaves such a time as it is (1.51 and newer, so all of Node 24).
 */
function toNode(nanoseconds: bigint | null): Time {
  if (nanoseconds === null) return NO_TIME;
  const whole = nanoseconds / SECOND;
  const rest = nanoseconds % SECOND;
  const digits = (rest < 0n ? -rest : rest).toString().padStart(9, "0");
  const sign = nanoseconds < 0n ? "-" : "";
  const text = `${sign}${whole < 0n ? -whole : whole}.${digits}`;
  return String(Number(text));
}

export interface Times {
  readonly accessed: bigint | null;
  readonly modified: bigint | null;
}

export const setTimes = (world: World, guest: string, follow: boolean, times: Times): Promise<Performed> =>
  at(world, guest, follow ? "always" : "slash", async (spot) => {
    const accessed = toNode(times.accessed);
    const modified = toNode(times.modified);
    const { place } = spot;
    if (spot.kind === "folder") {
      if (place.mount === null || !place.writable) refuse("EROFS");
      await ofHeld(place.mount, place.folder, accessed, modified);
      return { head: {} };
    }
    const { found, name } = spot;
    if (found === null || place.mount === null) refuse("ENOENT");
    if (!isWritable(world, place, found)) refuse("EROFS");
    if (found.stat.isSymbolicLink())
      await notFollowing(await place.mount.ground.at(place.folder, name), accessed, modified);
    else await ofHeld(place.mount, found, accessed, modified);
    return { head: {} };
  });

/** What is held is reached through the system's own link to it; what is only named must not be followed. */
const ofHeld = ({ ground }: OpenMount, { path }: Folder, accessed: Time, modified: Time): Promise<void> =>
  ground.holds ? following(path, accessed, modified) : notFollowing(path, accessed, modified);

export async function setTimesOf(handle: Handle, times: Times): Promise<Performed> {
  if (!handle.writable) refuse("EROFS");
  await byNumber(handle.fd, toNode(times.accessed), toNode(times.modified));
  return { head: {} };
}
