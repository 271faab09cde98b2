import type { AttemptCapabilities } from "@capsule-run/host";
import {
  type AttemptLog,
  type Completion,
  type EffectMode,
  type EffectName,
  encodeAnswer,
  FrameError,
  grouped,
  type HostRequest,
  LIMITS,
  Line,
} from "@capsule-run/protocol";

/** Whose effects these are. */
export interface EffectsOwner {
  readonly log: AttemptLog;
  /** Bytes that the pending calls and effects of the whole run take. */
  readonly queue: { bytes: number };
  nextSeq(): number;
  /** Calls that earlier attempts in the same sandbox have made. */
  readonly former: number;
  /** Whether earlier attempts have left something open. */
  readonly isOpen: boolean;
  /** Resolves when files may be touched; null: at once. */
  readyForFiles(): Promise<void> | null;
  /** Called when the first one is asked for, or when it begins if something is open. */
  open(): AttemptCapabilities;
}

interface Pending {
  readonly call: number;
  readonly seq: number;
  readonly bytes: number;
}

/** The files, HTTP exchanges and tools one attempt has asked for: each is an op in its log. */
export class Effects {
  readonly #owner: EffectsOwner;
  readonly #bySeq = new Map<number, Pending>();
  readonly #byCall = new Map<number, Pending>();
  #capabilities: AttemptCapabilities | null = null;
  /** Bytes that the sandbox was sent and has not taken. */
  #untaken = 0;
  /** Files that wait to be closed. */
  #posted = 0;
  readonly #lines = {
    file: new Line(FILES_AT_ONCE),
    request: new Line(REQUESTS_AT_ONCE),
    tool: new Line(LIMITS.toolCallsAtOnce),
  };

  constructor(owner: EffectsOwner) {
    this.#owner = owner;
    if (owner.isOpen) this.#open();
  }

  /** Those that somebody waits for. */
  get size(): number {
    return this.#bySeq.size;
  }

  get requests(): readonly HostRequest[] {
    return this.#capabilities?.requests ?? [];
  }

  /** Asks for one. Gives the answer if it is refused at once. */
  start(call: number, mode: EffectMode, name: EffectName, request: Uint8Array): Uint8Array | null {
    const { queue, log, nextSeq, former } = this.#owner;
    const bytes = request.length + LIMITS.callBytes;
    if (this.#bySeq.size >= LIMITS.pendingEffects) return refusal(MOST_PENDING);
    if (queue.bytes + bytes > LIMITS.queuedBytes) return refusal(MOST_BYTES);
    const capabilities = this.#open();
    const pending: Pending = { call, bytes, seq: nextSeq() };
    queue.bytes += bytes;
    this.#bySeq.set(pending.seq, pending);
    this.#byCall.set(call, pending);
    const line = mode === "sync" ? null : this.#lineOf(name);
    log.issue({ seq: pending.seq, kind: "effect", name, request }, async (stop) => {
      const ready = name.startsWith("file.") ? this.#owner.readyForFiles() : null;
      if (ready) await ready;
      const leave = await line?.enter(stop, this.#isFree);
      try {
        return await capabilities.perform(name, request, stop, call - former);
      } finally {
        leave?.();
      }
    });
    return null;
  }

  /** Where one waits its turn. What blocks the sandbox does not: until it has its answer, nothing else is taken. */
  #lineOf(name: EffectName): Line | null {
    if (name.startsWith("file.")) return this.#lines.file;
    if (name === "tool.call") return this.#lines.tool;
    return name === "http.request" ? this.#lines.request : null;
  }

  /** The sandbox was sent an answer, of an effect or of a call. */
  sent(bytes: number): void {
    this.#untaken += bytes;
  }

  /**
   * Its guest has taken so much of what it was sent.
   * @throws FrameError for more than there was
   */
  taken(bytes: number): void {
    if (bytes > this.#untaken) throw new FrameError("more taken than it was sent");
    this.#untaken -= bytes;
    for (const line of Object.values(this.#lines)) line.look();
  }

  /** Asks for one that nobody waits for. It ends at once, so it is no op; a file is closed after what was asked of it. */
  post(name: EffectName, request: Uint8Array): void {
    const capabilities = this.#capabilities;
    const line = this.#lineOf(name);
    if (!capabilities) return;
    if (!line?.isUsed) void capabilities.perform(name, request, NEVER, 0);
    // More can't be open, nor can a handle be as long: whoever posts more has made them up.
    else if (this.#posted < MOST_POSTED && request.length < 100) {
      this.#posted++;
      void line.enter(NEVER, this.#isFree).then(async (leave) => {
        await capabilities.perform(name, request, NEVER, 0);
        this.#posted--;
        leave?.();
      });
    }
  }

  readonly #isFree = (): boolean => this.#untaken < LIMITS.untakenBytes;

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

/** So many answers can be on their way when the sandbox stops taking them, each of up to `LIMITS.effectBytes`. */
const FILES_AT_ONCE = 8;
const MOST_POSTED = 1024;
/** Of HTTP the first pieces only, which are small; streamed uploads among them. */
const REQUESTS_AT_ONCE = 320;

const NEVER = new AbortController().signal;

const refusal = (message: string): Uint8Array => encodeAnswer({ ok: false, code: "ELIMIT", message });

const MOST_PENDING = `limit exceeded: ${grouped(LIMITS.pendingEffects)} requests for files, HTTP and tools at once`;
const MOST_BYTES = `limit exceeded: ${grouped(LIMITS.queuedBytes)} bytes of requests at once`;
