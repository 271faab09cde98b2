/** `node:timers`, with its promises. */
import { abortError } from "./abort-error.ts";

interface Options {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** Waits by `arm`, which may be given up by `disarm`, unless the signal says so first. */
function wait<T, H>(
  arm: (done: () => void) => H,
  disarm: (handle: H) => void,
  value: T,
  { signal, ref }: Options = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(abortError(signal?.reason));
    if (signal?.aborted) {
      give();
      return;
    }
    const abort = (): void => {
      disarm(handle);
      give();
    };
    const handle = arm(() => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    });
    if (ref === false) (handle as { unref?(): void }).unref?.();
    signal?.addEventListener("abort", abort, { once: true });
  });
}

const after = <T>(ms?: number, value?: T, options?: Options): Promise<T> =>
  wait((done) => setTimeout(done, ms), clearTimeout, value as T, options);

const soon = <T>(value?: T, options?: Options): Promise<T> =>
  wait((done) => setImmediate(done), clearImmediate, value as T, options);

async function* every<T>(ms?: number, value?: T, options?: Options): AsyncGenerator<T> {
  for (;;) yield await after(ms, value as T, options);
}

const promises = {
  setTimeout: after,
  setImmediate: soon,
  setInterval: every,
  scheduler: { wait: (ms: number, options?: Options) => after(ms, undefined, options), yield: () => soon() },
};

export default {
  ...{ setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate },
  promises,
};
