import { type EffectName, LoadRecord } from "@capsule-run/protocol";
import { ASKED } from "../door.ts";
import type { Who, Word } from "./door.ts";

/**
 * A program that is being loaded: what it asked for that differs between attempts. What the engine's own library asks
 * while it is imported does not count, nor does a package's look at the clock.
 */
export class Loading {
  readonly record = new LoadRecord();
  #asker: Who = "program";

  /** A word of the prelude's: see `?` in `door.ts`. */
  hear(word: Word): void {
    if (word in ASKED) this.record.reasons.add(ASKED[word as keyof typeof ASKED]);
    else this.#asker = word as Who;
  }

  /** An effect was asked for. */
  effect(name: EffectName): void {
    this.record.reasons.add(name.startsWith("file.") ? ASKED.files : "the network");
  }

  /** A path that leads to nothing, as the guest wrote it, or null: something that can't be written to. */
  missed(path: string | null): void {
    if (this.#asker === "library" || (path !== null && !isProgramsOwn(path))) return;
    this.record.reasons.add(ASKED.files);
  }

  clock(): void {
    if (this.#asker === "program") this.record.reasons.add("the clock");
  }

  random(): void {
    if (this.#asker !== "library") this.record.reasons.add(ASKED.random);
  }
}

/** Whether it is below the program's folder, and nothing that the import system looks for on its way. */
const isProgramsOwn = (path: string): boolean =>
  /^(\.\/)*app\//.test(path) && !/\/__pycache__(\/|$)|\/__init__\.[^/]*$/.test(path);
