/**
 * A signal that is aborted with the first of others, for as long as somebody works by it. `AbortSignal.any` does the same
 * for as long as anybody may look at it, by weak references: ten times the work, for every call of a session.
 */
export function follow(...signals: readonly AbortSignal[]): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const abort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  const done = (): void => {
    for (const signal of signals) signal.removeEventListener("abort", abort);
  };
  for (const signal of signals) {
    if (signal.aborted) {
      controller.abort(signal.reason);
      break;
    }
    signal.addEventListener("abort", abort, { once: true });
  }
  return { signal: controller.signal, done };
}
