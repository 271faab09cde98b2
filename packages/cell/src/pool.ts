import type { GuestEngine, GuestHost, GuestInstance } from "@capsule-run/protocol";

/** Unused instances that are kept, as many as may be active at once; each takes the engine's memory, about 2 MB. */
const KEPT = 16;

/** An instance whose host can be exchanged, so that the next sandbox can use it. */
interface Pooled {
  readonly instance: GuestInstance;
  host: GuestHost | null;
}

/** Instances by use: making one takes half a millisecond, resetting one a tenth. */
export class InstancePool {
  readonly #engine: GuestEngine;
  readonly #free: Pooled[] = [];

  constructor(engine: GuestEngine) {
    this.#engine = engine;
  }

  /** An instance that speaks to `host` until `release`. It holds whatever ran before: reset it. */
  take(host: GuestHost): { readonly instance: GuestInstance; release(): void } {
    const pooled = this.#free.pop() ?? this.#make();
    pooled.host = host;
    return {
      instance: pooled.instance,
      release: () => {
        pooled.host = null;
        if (pooled.instance.reusable && this.#free.length < KEPT) this.#free.push(pooled);
      },
    };
  }

  #make(): Pooled {
    const hosted = (): GuestHost => {
      if (!pooled.host) throw new Error("an instance ran without a sandbox");
      return pooled.host;
    };
    const instance = this.#engine.create({
      pause: () => hosted().pause(),
      call: (mode, task, args) => hosted().call(mode, task, args),
      wait: (id) => hosted().wait(id),
      output: (stream, text) => hosted().output(stream, text),
      random: (length) => hosted().random(length),
    });
    const pooled: Pooled = { instance, host: null };
    return pooled;
  }
}
