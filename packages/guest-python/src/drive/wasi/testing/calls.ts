/** What tests with arguments by chance need to know of the functions of WASI. */
import { ERRNO } from "../defs.ts";
import { IMPORTS, WASI_MODULE } from "../index.ts";

/** The functions of WASI. */
export const NAMES = Object.keys(IMPORTS)
  .filter((name) => name.startsWith(`${WASI_MODULE}.`))
  .map((name) => name.slice(WASI_MODULE.length + 1));
/** All that one can answer. */
export const KNOWN = new Set(Object.keys(ERRNO));
/** 64-bit parameters of each function, by position. */
export const BIG: Readonly<Record<string, readonly number[]>> = {
  clock_time_get: [1],
  fd_advise: [1, 2],
  fd_allocate: [1, 2],
  fd_filestat_set_size: [1],
  fd_filestat_set_times: [1, 2],
  fd_fdstat_set_rights: [1, 2],
  fd_pread: [3],
  fd_pwrite: [3],
  fd_readdir: [3],
  fd_seek: [1],
  path_filestat_set_times: [4, 5],
  path_open: [5, 6],
};

/** Picks by chance, the same for the same seed. */
export function picker(seed: number): <T>(from: readonly T[]) => T {
  let state = seed;
  return (from) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return from[(state >>> 8) % from.length] as (typeof from)[number];
  };
}
