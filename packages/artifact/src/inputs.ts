import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import type { Question } from "@capsule-run/protocol";
import { fingerprint, textFingerprint } from "./fingerprint.ts";

/** A question with its answer at the time. */
export type Input = Question & { readonly answer: string };

const ABSENT = "absent";

/**
 * Answers questions as the disk stands.
 * @param readAt when what they are about was read, in ms since 1970. If something has changed since, so that the
 * answers may not be those of then, null.
 */
export function observe(questions: readonly Question[], readAt: number): Input[] | null {
  const inputs: Input[] = [];
  for (const question of questions) {
    if (question.kind !== "link" && changedAt(question.path) > readAt - CLOCK_SLACK) return null;
    const answer = answerTo(question, new Map());
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
export function unchanged(inputs: readonly Input[]): boolean {
  const folders = new Map<string, string[] | null>();
  return inputs.every((input) => answerTo(input, folders) === input.answer);
}

/** Null if there is no answer: something is there that can't be read. */
function answerTo(question: Question, folders: Map<string, string[] | null>): string | null {
  const { kind, path } = question;
  try {
    if (kind === "link") return realpathSync.native(path);
    if (kind === "file") {
      // Most are absent, and an exception takes longer than the question.
      if (!statSync(path, { throwIfNoEntry: false })) return ABSENT;
      return fingerprint(readFileSync(path));
    }
    let names = folders.get(path);
    if (names === undefined) {
      names = statSync(path, { throwIfNoEntry: false }) ? readdirSync(path) : null;
      folders.set(path, names);
    }
    if (names === null) return ABSENT;
    const { stem } = question;
    const meant = names.filter((name) => stem === "" || name === stem || name.startsWith(`${stem}.`));
    return textFingerprint(meant.sort().join("\0"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? ABSENT : null;
  }
}
