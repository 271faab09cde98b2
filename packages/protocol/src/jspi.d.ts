/** JavaScript Promise Integration, which V8 has and TypeScript's library does not declare yet. */
declare namespace WebAssembly {
  /** An import that suspends its caller's stack while the promise it returns is pending. */
  const Suspending: new (
    // biome-ignore lint/suspicious/noExplicitAny: takes functions of any signature, as WebAssembly does
    fn: (...args: any[]) => unknown,
  ) => () => unknown;
  /** An export that may suspend: it returns a promise. */
  // biome-ignore lint/suspicious/noExplicitAny: takes functions of any signature, as WebAssembly does
  function promising(fn: (...args: any[]) => unknown): (...args: unknown[]) => Promise<unknown>;
}
