import {
  type EffectMode,
  type EffectName,
  encodeAnswer,
  type GuestHost,
  type LoadRecord,
  splitEffect,
} from "@capsule-run/protocol";

const NOTHING = new Uint8Array(0);

/** What one instance asks of its host: calls of tasks, files and HTTP exchanges. */
export class Effects {
  readonly #host: Pick<GuestHost, "call" | "effect" | "revoke">;
  readonly #wait: (id: number) => Promise<Uint8Array | null>;
  /**
   * Async calls of tasks that have not ended; every other id that is answered is an effect's. Of effects nothing is kept:
   * one that is given up may be answered still, or never, and a guest may give up any number.
   */
  readonly #calls = new Set<number>();
  /** The payload of the last answer to a sync effect, until it is taken. */
  #payload: Uint8Array = NOTHING;

  /** @param wait suspends the guest until an id is answered; null: it has been ended */
  constructor(
    host: Pick<GuestHost, "call" | "effect" | "revoke">,
    wait: (id: number) => Promise<Uint8Array | null>,
  ) {
    this.#host = host;
    this.#wait = wait;
  }

  /** Nothing was asked for yet. */
  reset(): void {
    this.#calls.clear();
    this.#payload = NOTHING;
  }

  call(mode: "sync" | "async", task: string, args: Uint8Array): number {
    const id = this.#host.call(mode, task, args);
    if (mode === "async") this.#calls.add(id);
    return id;
  }

  /** Whether an id that is answered is that of a call, which is over by this. */
  endCall(id: number): boolean {
    return this.#calls.delete(id);
  }

  /** @param loading a program that is loaded: nothing is asked for, and there is no answer. See `askSync` */
  ask(mode: EffectMode, name: EffectName, request: Uint8Array, loading: LoadRecord | null): number {
    return loading ? 0 : this.#host.effect(mode, name, request);
  }

  /** Gives the head of the answer; null: the guest has been ended. While a program is loaded, that is a refusal. */
  async askSync(
    name: EffectName,
    request: Uint8Array,
    loading: LoadRecord | null,
  ): Promise<Uint8Array | null> {
    const answer = loading
      ? refused(name, loading)
      : await this.#wait(this.#host.effect("sync", name, request));
    if (answer === null) return null;
    const { head, payload } = answerParts(answer);
    this.#payload = payload;
    return head;
  }

  takePayload(): Uint8Array {
    const payload = this.#payload;
    this.#payload = NOTHING;
    return payload;
  }

  /** Gives an effect up. Calls of tasks can't be. */
  revoke(id: number): void {
    if (!this.#calls.has(id)) this.#host.revoke(id);
  }
}

function refused(name: EffectName, loading: LoadRecord): Uint8Array {
  const files = name.startsWith("file.");
  loading.reasons.add(files ? "files" : "the network");
  return files ? NO_FILES : NO_NETWORK;
}

const refusal = (code: string, message: string): Uint8Array => encodeAnswer({ ok: false, code, message });
/** In the form of the host's own, of which `fs` takes what is in brackets. */
const NO_FILES = refusal(
  "EACCES",
  "permission denied (top-level code has no files while the program is compiled: use them in a task), load",
);
const NO_NETWORK = refusal(
  "EFORBIDDEN",
  "top-level code has no network while the program is compiled: use it in a task",
);

/** The host's answer to an effect, in its two parts. */
export function answerParts(answer: Uint8Array): { readonly head: Uint8Array; readonly payload: Uint8Array } {
  const parts = splitEffect(answer);
  if (!parts) throw new Error("an answer that can't be understood");
  return parts;
}
