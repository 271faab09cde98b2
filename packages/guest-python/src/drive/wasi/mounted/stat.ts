import type { FileStat } from "@capsule-run/protocol";
import { FILESTAT, FILETYPE } from "../defs.ts";
import type { GuestMemory } from "../guest-memory.ts";

const FILETYPES = {
  file: FILETYPE.REGULAR_FILE,
  directory: FILETYPE.DIRECTORY,
  symlink: FILETYPE.SYMBOLIC_LINK,
  other: FILETYPE.UNKNOWN,
} as const satisfies Record<FileStat["kind"], number>;

export const filetypeOf = (kind: FileStat["kind"]): number => FILETYPES[kind];

/** Devices of the host's are others than those of the files in memory: see `DEVICE`. */
const DISKS = 1n << 32n;

/** Writes what the host knows of a file. */
export function writeHostStat(memory: GuestMemory, at: number, stat: FileStat): void {
  const view = memory.roomView(at, FILESTAT.size);
  const put = (field: number, value: bigint): void =>
    view.setBigUint64(at + field, BigInt.asUintN(64, value), true);
  put(FILESTAT.device, DISKS + BigInt(stat.device));
  put(FILESTAT.inode, BigInt(stat.inode));
  put(FILESTAT.filetype, BigInt(filetypeOf(stat.kind)));
  put(FILESTAT.links, BigInt(stat.links));
  put(FILESTAT.length, BigInt(stat.size));
  put(FILESTAT.accessed, BigInt(stat.accessed));
  put(FILESTAT.modified, BigInt(stat.modified));
  put(FILESTAT.changed, BigInt(stat.changed));
}
