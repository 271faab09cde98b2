import type { AttemptCapabilities, Capability, SharedCapabilities } from "@capsule-run/host";
import { type FromCell, LIMITS, type SessionMemory } from "@capsule-run/protocol";
import type { Needs } from "./local.ts";
import type { MemoryPlan } from "./memory.ts";
import { Seat } from "./seat.ts";

type Ended = Extract<FromCell, { type: "ended" }>;

/** What a session needs of its runtime. */
export interface SandboxHost {
  /** Names a seat among all of the runtime. */
  nextSeat(): number;
  readonly memory: MemoryPlan;
  /** What is parked has become more, or less, by so many bytes. */
  parked(bytes: number): void;
}

/** The sandbox of a session, as the attempts of its calls find and leave it. */
export class SessionSandbox {
  readonly #host: SandboxHost;
  #seat: Seat;
  #capabilities: SharedCapabilities | null = null;
  /** Whether a call has left something in it. */
  #isUsed = false;
  /** Why that is gone, until somebody was told. */
  #loss: string | null = null;
  /** Bytes of memory that it has, and those of its image. */
  #parked = 0;
  #image = 0;
  /** Of these, what the runtime counts. */
  #counted = 0;
  #isBusy = false;
  /** What became of its memory in the last call. */
  memory: SessionMemory = "kept";

  constructor(host: SandboxHost) {
    this.#host = host;
    this.#seat = this.#newSeat();
  }

  get seat(): Seat {
    return this.#seat;
  }

  /** Whether a call finds something in it. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** A call begins. */
  begin(): void {
    this.memory = "kept";
    this.#isBusy = true;
  }

  /** It is over. */
  end(): void {
    this.#isBusy = false;
    this.#reconcile();
  }

  /** The memory of its next attempt, which has `fresh` bytes if it begins afresh, and `limit` at most. */
  needs(fresh: number, limit: number | null): Needs {
    if (!this.#isUsed) return { sandbox: fresh, beside: 0, parked: this.#counted, stays: true };
    const sandbox = this.#host.memory.growth(this.#parked, limit);
    return { sandbox, beside: this.#image, parked: this.#counted, stays: true };
  }

  /** What an attempt that has ended left, in bytes. */
  left(): number {
    this.#counted = this.#parked + this.#image;
    return this.#counted;
  }

  /** Takes why its memory is gone, if it is: whoever comes next has to be told. */
  takeLoss(): string | null {
    const loss = this.#loss;
    if (loss !== null) this.memory = "lost";
    this.#loss = null;
    return loss;
  }

  /**
   * An attempt in it has ended.
   * @param limit of its task: a cell that says more would take memory of the runtime's budget that nothing can have
   */
  ended({ memory, parked, image }: Pick<Ended, "memory" | "parked" | "image">, limit: number | null): void {
    const most = limit ?? LIMITS.memoryBytes;
    this.memory = memory || "lost";
    this.#parked = Math.min(parked, most);
    this.#image = Math.min(image, most);
    if (this.memory === "kept") this.#isUsed = true;
    if (this.memory === "lost") this.renew();
  }

  /** Its cell died in the middle of a call. */
  died(): void {
    this.renew();
    this.memory = "lost";
    this.#loss = null;
  }

  /** The next call begins afresh. */
  renew(): void {
    this.#seat.leave();
    this.#seat = this.#newSeat();
    this.#forget();
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    const capabilities = this.#capabilities;
    this.renew();
    await capabilities?.close();
  }

  /** Whether earlier attempts have opened something. */
  get isOpen(): boolean {
    return this.#capabilities !== null;
  }

  /** Its program goes on with another engine, which finds nothing of what there was. */
  move(): void {
    const had = this.#isUsed;
    this.renew();
    this.memory = had ? "lost" : "rolled_back";
  }

  /** The capabilities of one of its attempts, on those that last. */
  open(make: () => SharedCapabilities, tools: Capability): AttemptCapabilities {
    this.#capabilities ??= make();
    const { perform, requests, end } = this.#capabilities.attempt(tools);
    return {
      perform,
      get requests() {
        return requests();
      },
      close: () => end(this.memory !== "kept"),
    };
  }

  #newSeat(): Seat {
    const seat: Seat = new Seat(this.#host.nextSeat(), (reason) => {
      // With nothing in it, its first attempt may begin once more in another cell: the seat goes with it.
      if (this.#seat !== seat || !this.#isUsed) return;
      this.#loss = reason;
      this.#seat = this.#newSeat();
      this.#forget();
    });
    return seat;
  }

  #forget(): void {
    this.#isUsed = false;
    this.#parked = this.#image = 0;
    void this.#capabilities?.close();
    this.#capabilities = null;
    this.#reconcile();
  }

  #reconcile(): void {
    // While a call is under way its attempt holds what was parked.
    if (this.#isBusy) return;
    const now = this.#parked + this.#image;
    const before = this.#counted;
    this.#counted = now;
    this.#host.parked(now - before);
  }
}
