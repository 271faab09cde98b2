import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digest, sameFile } from "./digest.ts";
import { codeOf } from "./failure.ts";
import type { PinnedFile } from "./pin.ts";
import type { Progress } from "./progress.ts";
import { imageName, type Variant, wasmName } from "./record.ts";
import { writeDurably } from "./write.ts";

/** What the engine is made with. */
export interface Workshop {
  /** Rewrites the module, with its data or without. */
  rewrite(wasm: Uint8Array, variant: Variant, options: { readonly data: boolean }): Uint8Array;
  /** Starts a rewritten module that has its data, and takes its image. */
  boot(parts: {
    readonly wasm: Uint8Array;
    readonly variant: Variant;
    /** The path of the standard library. */
    readonly stdlib: string;
  }): Promise<{ readonly image: Uint8Array; readonly info: object }>;
}

/** Sent to the process that makes a variant. */
export interface PrepareJob {
  readonly variant: Variant;
  /** Paths, and what the module has to be. */
  readonly wasm: string;
  readonly wasmIs: PinnedFile;
  readonly stdlib: string;
  /** An existing folder that gets the files. */
  readonly folder: string;
}

/** A variant, made: its files are in the job's folder. */
export interface Prepared {
  readonly files: Readonly<Record<string, PinnedFile>>;
  readonly info: Readonly<Record<string, unknown>>;
}

/** What the process says. */
export type PrepareMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "done"; readonly prepared: Prepared }
  | { readonly type: "failed"; readonly message: string; readonly code: string | undefined };

/**
 * Makes one variant: the module is rewritten with its data, started, and its memory is the image; then it is rewritten
 * without data, since the image has it.
 */
export async function prepareVariant(
  { variant, wasm, wasmIs, stdlib, folder }: PrepareJob,
  workshop: Workshop,
  onProgress: (progress: Progress) => void,
): Promise<Prepared> {
  const tell = (step: Progress["step"], done: number): void =>
    onProgress({ step, done, total: 4, detail: variant });
  tell("rewriting", 0);
  const module = readFileSync(wasm);
  if (!sameFile(digest(module), wasmIs)) throw new Error(`${wasm} changed while it was read`);
  const whole = workshop.rewrite(module, variant, { data: true });
  tell("starting", 1);
  const { image, info } = await workshop.boot({ wasm: whole, variant, stdlib });
  tell("rewriting", 2);
  const code = workshop.rewrite(module, variant, { data: false });
  tell("writing", 3);
  const files: Record<string, PinnedFile> = {};
  for (const [name, bytes] of [
    [wasmName(variant), code],
    [imageName(variant), image],
  ] as const) {
    writeDurably(join(folder, name), bytes);
    files[name] = digest(bytes);
  }
  return { files, info: { ...info } };
}

/** The whole of the process that makes a variant: one job by IPC, then it ends, and its memory with it. */
export function servePreparation(workshop: Workshop): void {
  const say = (message: PrepareMessage, then: () => void = () => {}): void => {
    process.send?.(message, undefined, undefined, then);
  };
  // Nobody waits for the result any more.
  process.on("disconnect", () => process.exit(1));
  process.once("message", (job: PrepareJob) => {
    prepareVariant(job, workshop, (progress) => say({ type: "progress", progress })).then(
      (prepared) => say({ type: "done", prepared }, () => process.exit(0)),
      (error: unknown) => {
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
        say({ type: "failed", message, code: codeOf(error) }, () => process.exit(1));
      },
    );
  });
}
