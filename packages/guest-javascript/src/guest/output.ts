/** What the guest prints, on its way to the host. */
import { door } from "./host.ts";
import { charCodeAt, isWellFormed, slice, toWellFormed } from "./primordials.ts";

/** Characters of one door call: at most 64 KiB of UTF-8. */
const CHUNK = 21_000;

/** Sends a text in pieces the host accepts, never cutting a character in two. */
export function write(send: (text: string) => void, text: string): void {
  const whole = isWellFormed(text) ? text : toWellFormed(text);
  for (let at = 0; at < whole.length; ) {
    let end = at + CHUNK;
    if (end < whole.length) {
      const last = charCodeAt(whole, end - 1);
      if (last >= 0xd800 && last <= 0xdbff) end--;
    }
    send(slice(whole, at, end));
    at = end;
  }
}

/** Prints a text as it is. */
export const print = (stream: 1 | 2, text: string): void =>
  write(stream === 1 ? door.stdout : door.stderr, text);
