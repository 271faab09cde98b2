import type { GuestEngine, GuestHost, GuestInstance } from "@capsule-run/protocol";

/** An instance whose host can be exchanged, so that the next sandbox can use it. */
interface Pooled<Prepared> {
  readonly instance: GuestInstance<Prepared>;
  host: GuestHost | null;
}

/** An instance in use by one sandbox. */
export interface Lease<Prepared> {
  readonly instance: GuestInstance<Prepared>;
  /** Whom it speaks to; null: nothing of it runs. */
  host: GuestHost | null;
  /** Gives it back. */
  release(): void;
  /** Lets go of it for good. */
  discard(): void;
}

/** Bytes of unused instances until the host says what it can spare. */
const FIRST_KEPT_BYTES = 256 * 1024 * 1024;
/** Without a new sandbox for so long, unused instances go, but for one. */
const QUIET_MS = 3000;
/** Bytes of instances let go of that are worth a collection of a few milliseconds: V8 does not see them as its own. */
const WORTH_COLLECTING = 32 * 1024 * 1024;

/** Instances by use: resetting one is several times as quick as making one. */
export class InstancePool<Prepared> {
  readonly #engine: GuestEngine<Prepared>;
  readonly #collect: () => void;
  /** Unused ones, last used last. */
  readonly #free: Pooled<Prepared>[] = [];
  #freeBytes = 0;
  #mostBytes = FIRST_KEPT_BYTES;
  /** Bytes let go of since the last collection. */
  #garbage = 0;
  #quiet: NodeJS.Timeout | null = null;

  /** @param collect collects garbage: memories of instances that nobody holds are given back */
  constructor(engine: GuestEngine<Prepared>, collect: () => void) {
    this.#engine = engine;
    this.#collect = collect;
  }

  /** Unused instances may take so many bytes together. */
  keep(bytes: number): void {
    this.#mostBytes = bytes;
    this.#shed(bytes);
  }

  /**
   * An instance of at most `most` bytes that speaks to `host` (null: nothing of it runs yet) until `release`. It holds whatever ran before: reset it.
   */
  take(host: GuestHost | null, most: number): Lease<Prepared> {
    const pooled = this.#pick(most) ?? this.#make();
    pooled.host = host;
    return {
      instance: pooled.instance,
      get host() {
        return pooled.host;
      },
      set host(other) {
        pooled.host = other;
      },
      release: () => {
        pooled.host = null;
        this.#putBack(pooled);
      },
      discard: () => {
        pooled.host = null;
        this.#garbage += pooled.instance.memory;
      },
    };
  }

  /** Whether there is an unused instance of at most `most` bytes. */
  has(most: number): boolean {
    return this.#free.some(({ instance }) => instance.memory <= most);
  }

  /** Whether memory was let go of that counts: it should be collected before others are told that there is room. */
  get worthCollecting(): boolean {
    return this.#garbage >= WORTH_COLLECTING;
  }

  /**
   * Collects what was let go of, if that is worth it. Nobody may hold a released instance any more, and no function that
   * had one in a variable may be on the stack: V8 takes for in use what was there last.
   */
  collect(): void {
    if (!this.worthCollecting) return;
    this.#garbage = 0;
    this.#collect();
  }

  /** Collects when nothing is on the stack. */
  collectSoon(): void {
    if (this.worthCollecting) setImmediate(() => this.collect());
  }

  #pick(most: number): Pooled<Prepared> | undefined {
    const at = this.#free.findLastIndex(({ instance }) => instance.memory <= most);
    if (at < 0) return undefined;
    const [pooled] = this.#free.splice(at, 1);
    if (pooled) this.#freeBytes -= pooled.instance.memory;
    return pooled;
  }

  #putBack(pooled: Pooled<Prepared>): void {
    const { memory, reusable } = pooled.instance;
    if (reusable && this.#free.length < this.#engine.kept && this.#freeBytes + memory <= this.#mostBytes) {
      this.#free.push(pooled);
      this.#freeBytes += memory;
      this.#awaitQuiet();
    } else this.#garbage += memory;
  }

  #awaitQuiet(): void {
    if (this.#quiet) {
      this.#quiet.refresh();
      return;
    }
    this.#quiet = setTimeout(() => {
      const last = this.#free.at(-1);
      this.#shed(last?.instance.memory ?? 0);
    }, QUIET_MS).unref();
  }

  /** Lets go of the instances used least recently until the rest take no more than `bytes`. */
  #shed(bytes: number): void {
    while (this.#freeBytes > bytes) {
      const pooled = this.#free.shift();
      if (!pooled) break;
      this.#freeBytes -= pooled.instance.memory;
      this.#garbage += pooled.instance.memory;
    }
    this.collectSoon();
  }

  #make(): Pooled<Prepared> {
    const hosted = (): GuestHost => {
      if (!pooled.host) throw new Error("an instance ran without a sandbox");
      return pooled.host;
    };
    const instance = this.#engine.create({
      pause: () => hosted().pause(),
      call: (mode, task, args) => hosted().call(mode, task, args),
      effect: (mode, name, request) => hosted().effect(mode, name, request),
      wait: (id) => hosted().wait(id),
      rest: (wake, pending, deaf) => hosted().rest(wake, pending, deaf),
      revoke: (id) => hosted().revoke(id),
      output: (stream, text) => hosted().output(stream, text),
      random: (length) => hosted().random(length),
    });
    const pooled: Pooled<Prepared> = { instance, host: null };
    return pooled;
  }
}
