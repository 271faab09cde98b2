/** Nanoseconds since 1970. */
export interface Times {
  accessed: bigint;
  modified: bigint;
  changed: bigint;
}

/** The devices that nodes are on: inodes are unique on each. */
export const DEVICE = { root: 1n, engine: 2n, program: 3n, scratch: 4n } as const;
