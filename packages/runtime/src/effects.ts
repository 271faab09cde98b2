import type { AttemptCapabilities } from "@capsule-run/host";
import {
  type AttemptLog,
  type Completion,
  type EffectName,
  encodeAnswer,
  grouped,
  type HostRequest,
  LIMITS,
} from "@capsule-run/protocol";

/** Whose effects these are. */
export interface EffectsOwner {
  readonly log: AttemptLog;
  /** Bytes that the pending calls and effects of the whole run take. */
  readonly queue: { bytes: number };
  nextSeq(): number;
  /** Called when the first one is asked for. */
  open(): AttemptCapabilities;
}

interface Pending {
  readonly call: number;
  readonly seq: number;
  readonly bytes: number;
}

/** The files and HTTP exchanges one attempt has asked for: each is an op in its log. */
export class Effects {
  readonly #owner: EffectsOwner;
  readonly #bySeq = new Map<number, Pending>();
  readonly #byCall = new Map<number, Pending>();
  #capabilities: AttemptCapabilities | null = null;

  constructor(owner: EffectsOwner) {
    this.#owner = owner;
  }

  /** Those that somebody waits for. */
  get size(): number {
    return this.#bySeq.size;
  }

  get requests(): readonly HostRequest[] {
    return this.#capabilities?.requests ?? [];
  }

  /** Asks for one. Gives the answer if it is refused at once. */
  start(call: number, name: EffectName, request: Uint8Array): Uint8Array | null {
    const { queue, log, nextSeq } = this.#owner;
    const bytes = request.length + LIMITS.callBytes;
    if (this.#bySeq.size >= LIMITS.pendingEffects) return refusal(MOST_PENDING);
    if (queue.bytes + bytes > LIMITS.queuedBytes) return refusal(MOST_BYTES);
    const capabilities = this.#open();
    const pending: Pending = { call, bytes, seq: nextSeq() };
    queue.bytes += bytes;
    this.#bySeq.set(pending.seq, pending);
    this.#byCall.set(call, pending);
    log.issue({ seq: pending.seq, kind: "effect", name, request }, (stop) =>
      capabilities.perform(name, request, stop),
    );
    return null;
  }

  /** Asks for one that nobody waits for. It ends at once, so it is no op. */
  post(name: EffectName, request: Uint8Array): void {
    void this.#capabilities?.perform(name, request, NEVER);
  }

  /** Takes in a completion of the log, if it is an effect's. */
  completed({ seq, answer }: Completion): { readonly call: number; readonly answer: Uint8Array } | null {
    const pending = this.#bySeq.get(seq);
    if (!pending || !answer) return null;
    this.#forget(pending);
    return { call: pending.call, answer };
  }

  /** Gives one up, if it is under way. */
  revoke(call: number): void {
    const pending = this.#byCall.get(call);
    if (!pending) return;
    this.#forget(pending);
    this.#owner.log.revoke(pending.seq);
  }

  revokeAll(): void {
    for (const { call } of [...this.#bySeq.values()]) this.revoke(call);
  }

  /** Ends all that is under way and gives everything back; null if nothing was ever asked for. */
  close(): Promise<void> | null {
    this.revokeAll();
    return this.#capabilities?.close() ?? null;
  }

  #open(): AttemptCapabilities {
    this.#capabilities ??= this.#owner.open();
    return this.#capabilities;
  }

  #forget({ call, seq, bytes }: Pending): void {
    this.#bySeq.delete(seq);
    this.#byCall.delete(call);
    this.#owner.queue.bytes -= bytes;
  }
}

const NEVER = new AbortController().signal;

const refusal = (message: string): Uint8Array => encodeAnswer({ ok: false, code: "ELIMIT", message });

const MOST_PENDING = `limit exceeded: ${grouped(LIMITS.pendingEffects)} requests for files and HTTP at once`;
const MOST_BYTES = `limit exceeded: ${grouped(LIMITS.queuedBytes)} bytes of requests at once`;
