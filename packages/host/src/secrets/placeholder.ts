import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** What needs no escape in headers, URLs, JSON, HTML and shells, and is no `+` or `/` in base64. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * What stands for a secret in a sandbox: random letters and digits, as many as the value has bytes. The same seed, name
 * and length give the same again, so that a replay sees what the run saw; the value itself has no part in it. `turn` asks
 * for another one.
 */
export function placeholderOf(seed: string, name: string, bytes: number, turn: number): string {
  const key = utf8ToBytes(seed);
  let text = "";
  for (let block = 0; text.length < bytes; block++)
    for (const byte of hmac(sha256, key, utf8ToBytes(`secret/${name}/${bytes}/${turn}/${block}`))) {
      if (text.length === bytes) break;
      const character = ALPHABET[byte % 64];
      if (character !== undefined && (text.length < bytes - 1 || endsWell(character))) text += character;
    }
  return text;
}

/** Whether, whatever follows, a base64 digit that begins with the last bits of a character is a letter or a digit too. */
const endsWell = (character: string): boolean => (character.charCodeAt(0) & 3) !== 3;
