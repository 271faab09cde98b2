import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { breath, isLong, type Question } from "@capsule-run/protocol";
import { fingerprintInParts, textFingerprint } from "./fingerprint.ts";

/** A question with its answer at the time. */
export type Input = Question & { readonly answer: string };

const ABSENT = "absent";

/**
 * Answers questions as the disk stands.
 * @param readAt when what they are about was read, in ms since 1970. If something has changed since, so that the
 * answers may not be those of then, null.
 */
export async function observe(questions: readonly Question[], readAt: number): Promise<Input[] | null> {
  const inputs: Input[] = [];
  const folders: Folders = new Map();
  for (const question of questions) {
    if (isLong()) await breath();
    const answer = await answerTo(question, folders);
    // Asked for after the answer: what changes while it is found is noticed.
    if (question.kind !== "link" && changedAt(question.path) > readAt - CLOCK_SLACK) return null;
    if (answer === null) return null;
    inputs.push({ ...question, answer });
  }
  return inputs;
}

/** Clocks of file systems run behind by up to this many ms. */
const CLOCK_SLACK = 15;

/** When a file or what is said of it changed last. Its time of modification anybody can set, also to a future one. */
const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;

/** Whether every question still has its answer. Reads all files again: times of change alone prove nothing. */
export async function unchanged(inputs: readonly Input[]): Promise<boolean> {
  const folders: Folders = new Map();
  for (const input of inputs) {
    if (isLong()) await breath();
    if ((await answerTo(input, folders)) !== input.answer) return false;
  }
  return true;
}

/** The names in folders by their stems, of which "" means all; null: there is no such folder. */
type Folders = Map<string, ReadonlyMap<string, readonly string[]> | null>;

/** Names by all they begin with up to a dot, and whole. */
function byStem(names: readonly string[]): Map<string, string[]> {
  const stems = new Map<string, string[]>([["", [...names]]]);
  const put = (stem: string, name: string): void => {
    const known = stems.get(stem);
    if (known) known.push(name);
    else stems.set(stem, [name]);
  };
  for (const name of names) {
    put(name, name);
    for (let dot = name.indexOf(".", 1); dot > 0; dot = name.indexOf(".", dot + 1))
      put(name.slice(0, dot), name);
  }
  return stems;
}

/** Files up to here are read at once: that is sooner done than asking for it. */
const AT_ONCE = 256 * 1024;

/** Null if there is no answer: something is there that can't be read. */
async function answerTo(question: Question, folders: Folders): Promise<string | null> {
  const { kind, path } = question;
  try {
    if (kind === "link") return realpathSync.native(path);
    if (kind === "file") {
      // Most are absent, and an exception takes longer than the question.
      const stat = statSync(path, { throwIfNoEntry: false });
      if (!stat) return ABSENT;
      return await fingerprintInParts(await bytesOf(path, stat.size));
    }
    let names = folders.get(path);
    if (names === undefined) {
      names = statSync(path, { throwIfNoEntry: false }) ? byStem(readdirSync(path)) : null;
      folders.set(path, names);
    }
    if (names === null) return ABSENT;
    const { stem } = question;
    return textFingerprint([...(names.get(stem) ?? [])].sort().join("\0"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? ABSENT : null;
  }
}

/** The content of a file of so many bytes, read off the event loop if it is large. */
export const bytesOf = async (path: string, size: number): Promise<Buffer> =>
  size <= AT_ONCE ? readFileSync(path) : (await import("node:fs/promises")).readFile(path);
