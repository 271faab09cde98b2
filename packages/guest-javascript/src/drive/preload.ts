import { PARTS } from "../guest/parts.ts";

/** Words of a program that mean it will want a part of the library, beside the part's own globals. */
const SIGNS: Readonly<Record<string, readonly string[]>> = { inspect: ["console"], encoding: ["URL"] };

/**
 * The library parts a program seems to use, by the words in it. They are loaded into its snapshot, so that attempts
 * need not pay for them; a part that is missed here is loaded when it is first used.
 */
export function partsMentioned(source: string): readonly string[] {
  const mentioned = (word: string): boolean => new RegExp(`(?<![\\w$.])${word}(?![\\w$])`).test(source);
  return Object.entries(PARTS)
    .filter(([part, globals]) => [...globals, ...(SIGNS[part] ?? [])].some(mentioned))
    .map(([part]) => part);
}
