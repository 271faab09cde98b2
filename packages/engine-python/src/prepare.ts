import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digestAside, sameFile } from "./digest.ts";
import { codeOf, WrongFile } from "./failure.ts";
import type { PinnedFile } from "./pin.ts";
import type { Progress } from "./progress.ts";
import { imageName, type Variant, wasmName } from "./record.ts";
import { withoutData } from "./sections.ts";
import { writeDurably } from "./write.ts";

/** What the engine is made with. */
export interface Workshop {
  /** Rewrites the module; it keeps its data. */
  rewrite(wasm: Uint8Array, variant: Variant): Uint8Array;
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

/** Steps of making one. */
const STEPS = 3;

/** What the process says. */
export type PrepareMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "done"; readonly prepared: Prepared }
  | { readonly type: "wrong"; readonly path: string }
  | { readonly type: "failed"; readonly message: string; readonly code: string | undefined };

/**
 * Makes one variant: the module is rewritten and started, and its memory is the image; then its data goes, since the
 * image has it.
 * @throws WrongFile
 */
export async function prepareVariant(
  { variant, wasm, wasmIs, stdlib, folder }: PrepareJob,
  workshop: Workshop,
  onProgress: (progress: Progress) => void,
): Promise<Prepared> {
  const tell = (step: Progress["step"], done: number): void =>
    onProgress({ step, done, total: STEPS, detail: variant });
  tell("rewriting", 0);
  const module = readFileSync(wasm);
  // Verified beside the rewriting; whatever that says of another file is of no interest.
  const [found, rewritten] = await Promise.allSettled([
    digestAside(module),
    Promise.resolve().then(() => workshop.rewrite(module, variant)),
  ]);
  if (found.status === "rejected") throw found.reason;
  if (!sameFile(found.value, wasmIs)) throw new WrongFile(wasm);
  if (rewritten.status === "rejected") throw rewritten.reason;
  const whole = rewritten.value;
  tell("starting", 1);
  const { image, info } = await workshop.boot({ wasm: whole, variant, stdlib });
  tell("writing", 2);
  const files: Record<string, PinnedFile> = {};
  for (const [name, bytes] of [
    [wasmName(variant), withoutData(whole)],
    [imageName(variant), image],
  ] as const) {
    const hashed = digestAside(bytes);
    writeDurably(join(folder, name), bytes);
    files[name] = await hashed;
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
        if (error instanceof WrongFile)
          return say({ type: "wrong", path: error.path }, () => process.exit(1));
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
        say({ type: "failed", message, code: codeOf(error) }, () => process.exit(1));
      },
    );
  });
}
