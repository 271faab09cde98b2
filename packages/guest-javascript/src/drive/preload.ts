import { PARTS, type PartName } from "../guest/parts.ts";

/** Words that use a body, or a form with files in it, one way or the other. */
const BODIES = ["fetch", "Request", "Response"];

/** Words of a program that mean it will want a part of the library, beside the part's own globals; `.x` is a member. */
const SIGNS: Readonly<Partial<Record<PartName, readonly string[]>>> = {
  inspect: ["console"],
  url: BODIES,
  headers: BODIES,
  transport: ["fetch"],
  encoding: ["URL", "Blob", "File", "FormData", ...BODIES],
  blob: ["FormData"],
  "node-stream": ["createReadStream", "createWriteStream", ".createReadStream", ".createWriteStream"],
  streams: ["TextDecoderStream", "TextEncoderStream", ".getReader", ".pipeThrough", ".pipeTo"],
};

/**
 * The library parts a program seems to use, by the words in it. They are loaded into its snapshot, so that attempts
 * need not pay for them; a part that is missed here is loaded when it is first used.
 */
export function partsMentioned(source: string): readonly string[] {
  const mentioned = (word: string): boolean => {
    const before = word.startsWith(".") ? "" : "(?<![\\w$.])";
    return new RegExp(`${before}${word.replace(".", "\\.")}(?![\\w$])`).test(source);
  };
  // As the bundler writes an import of one of Node's modules.
  const imported = (part: string): boolean =>
    source.includes(`("capsule.module")]("${part.replace("node-", "")}")`);
  return Object.entries(PARTS)
    .filter(
      ([part, globals]) => [...globals, ...(SIGNS[part as PartName] ?? [])].some(mentioned) || imported(part),
    )
    .map(([part]) => part);
}
