import type { ERRNO } from "./defs.ts";

export type Errno = Exclude<keyof typeof ERRNO, "SUCCESS">;

/** A call that is answered with an error number. No `Error`: refusals are ordinary, and a stack would cost more than the call. */
export class Refusal {
  readonly errno: Errno;
  constructor(errno: Errno) {
    this.errno = errno;
  }
}

const REFUSALS = new Map<Errno, Refusal>();

/** What to throw for an error number: `throw refusal("NOENT")`. It never leaves the import that threw it. */
export function refusal(errno: Errno): Refusal {
  const known = REFUSALS.get(errno) ?? new Refusal(errno);
  REFUSALS.set(errno, known);
  return known;
}
