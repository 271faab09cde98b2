import { Refusal } from "./problem.ts";

export const CANCELLED = "the call was cancelled";

/** How long work may take. */
export interface Most {
  readonly ms: number;
  /** Why it took too long. */
  readonly late: string;
}

/**
 * Waits for work, no longer than somebody waits for it and than it may take. Work that goes on after that is told by its
 * signal, and what comes of it is dropped.
 * @throws Refusal `Cancelled`, `Timeout`; or what the work throws
 */
export async function waitFor<T>(
  work: (signal: AbortSignal) => T | Promise<T>,
  stop: AbortSignal,
  most: Most | null,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onStop: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    const give = (refusal: Refusal): void => {
      reject(refusal);
      controller.abort(refusal);
    };
    onStop = () => give(new Refusal("Cancelled", CANCELLED));
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
    if (most) timer = setTimeout(() => give(new Refusal("Timeout", most.late)), most.ms);
  });
  try {
    // Both are listened to before either can reject.
    return await Promise.race([given, stop.aborted ? given : begin(() => work(controller.signal))]);
  } finally {
    clearTimeout(timer);
    if (onStop) stop.removeEventListener("abort", onStop);
  }
}

/** Begins work; what it throws at once is a rejection, too. */
export const begin = async <T>(work: () => T | Promise<T>): Promise<T> => work();
