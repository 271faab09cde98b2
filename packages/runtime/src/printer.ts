import type { Scrubber } from "@capsule-run/host";
import type { AttemptSpec } from "@capsule-run/protocol";
import type { Output } from "./api.ts";
import type { RunContext } from "./run-context.ts";

/** Passes on what one attempt prints, without the values of secrets. */
export interface Printer {
  print(stream: Output["stream"], bytes: Uint8Array): void;
  /** The rest is dropped. */
  full(): void;
  /** It prints no more: what was kept back, since it may have been a part of a secret, is none. */
  end(): void;
}

export function printer({ task, path }: Pick<AttemptSpec, "task" | "path">, context: RunContext): Printer {
  /** Undefined before it has printed. */
  let scrubbers: Readonly<Record<Output["stream"], Scrubber>> | null | undefined;
  const pass = (stream: Output["stream"], bytes: Uint8Array): void => {
    if (bytes.length > 0) context.output({ stream, bytes, task, path });
  };
  return {
    print(stream, bytes) {
      if (scrubbers === undefined) scrubbers = context.world.scrubbers();
      pass(stream, scrubbers ? scrubbers[stream].push(bytes) : bytes);
    },
    full: () => context.outputFull(task, path),
    end() {
      if (!scrubbers) return;
      for (const stream of ["stdout", "stderr"] as const) pass(stream, scrubbers[stream].end());
    },
  };
}
