import { LoadRecord } from "@capsule-run/protocol";

/** Whose code runs while a program is loaded, as the prelude tells: see `?` in `door.ts`. */
type Asker = "program" | "packages" | "library";

/**
 * A program that is being loaded: what it asked for that differs between attempts. What the engine's own library asks
 * while it is imported does not count, nor does a package's look at the clock.
 */
export class Loading {
  readonly record = new LoadRecord();
  #asker: Asker = "program";

  /** A word of the prelude's. */
  hear(word: string): void {
    if (word === "program" || word === "packages" || word === "library") this.#asker = word;
    else this.record.reasons.add(WORDS[word] ?? word);
  }

  /** A path that leads to nothing, as the guest wrote it, or null: something that can't be written to. */
  missed(path: string | null): void {
    if (this.#asker === "library" || (path !== null && !isProgramsOwn(path))) return;
    this.record.reasons.add(FILES);
  }

  clock(): void {
    if (this.#asker === "program") this.record.reasons.add("the clock");
  }

  random(): void {
    if (this.#asker !== "library") this.record.reasons.add(RANDOMNESS);
  }
}

const RANDOMNESS = "randomness";
const FILES = "files";
const WORDS: Readonly<Record<string, string>> = { random: RANDOMNESS, environment: "the environment" };

/** Whether it is below the program's folder, and nothing that the import system looks for on its way. */
const isProgramsOwn = (path: string): boolean =>
  /^(\.\/)*app\//.test(path) && !/\/__pycache__(\/|$)|\/__init__\.[^/]*$/.test(path);
