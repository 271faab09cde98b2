/** The exit code of each signal that ends a command: 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

type Interrupting = keyof typeof EXIT_CODES;

/**
 * One press of Ctrl-C may arrive twice: from the terminal, which signals all of its foreground processes, and from a
 * parent (npm, our own launcher) that got it as well and forwards it.
 */
const SAME_PRESS_MS = 100;

/** How long a run may take to end by itself once it is cancelled. */
const GRACE_MS = 10_000;

/** What asks a command to stop: a signal, or a reader of stdout that has gone. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code of the signal that came; null when none did. */
  readonly exitCode: number | null;
  /** Stops without a signal: nobody reads the output. */
  stop(): void;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP aborts; the next one of any of them, or a run that does not end within the
 * grace period, exits at once. Cells notice that the process is gone.
 */
export function listenForInterruption(exit: (code: number) => void): Interruption {
  const controller = new AbortController();
  let exitCode: number | null = null;
  let first = 0;
  const onSignal = (name: Interrupting): void => {
    const now = performance.now();
    if (exitCode !== null) {
      if (now - first >= SAME_PRESS_MS) exit(EXIT_CODES[name]);
      return;
    }
    exitCode = EXIT_CODES[name];
    first = now;
    setTimeout(exit, GRACE_MS, exitCode).unref();
    controller.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of Object.keys(EXIT_CODES) as Interrupting[]) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    stop: () => controller.abort(new Error("the reader of stdout has gone")),
  };
}
