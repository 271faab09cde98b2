import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Sample } from "./generate.ts";

const SCRIPT = fileURLToPath(new URL("generator.ts", import.meta.url));
const TIME_LIMIT_MS = 60_000;
/** Each run of binaryen leaves something behind. */
const MODULES_EACH = 500;

/** A child process that makes modules, replaced now and then. */
export class Generator {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #made = 0;

  /** @param wasmOpt binaryen's, if there is one. */
  constructor(wasmOpt: string | undefined) {
    this.#args = wasmOpt === undefined ? [] : [wasmOpt];
  }

  /** The module for a seed; `undefined` if the generator failed at it, which says nothing of the rewriter. */
  async sample(seed: number): Promise<Sample | undefined> {
    if (this.#made++ % MODULES_EACH === MODULES_EACH - 1) this.close();
    const child = this.#running();
    const sample = await new Promise<Sample | undefined>((resolve) => {
      const end = (value: Sample | undefined) => {
        clearTimeout(timer);
        child.removeAllListeners("message").removeAllListeners("exit");
        resolve(value);
      };
      const timer = setTimeout(() => end(undefined), TIME_LIMIT_MS);
      child.once("message", (message) => end(message as Sample));
      child.once("exit", () => end(undefined));
      child.send(seed);
    });
    if (sample === undefined) this.close();
    return sample && { source: sample.source, wasm: new Uint8Array(sample.wasm) };
  }

  #running(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    const stdio = ["ignore", "ignore", "ignore", "ipc"] as const;
    const child = fork(SCRIPT, this.#args, { serialization: "advanced", stdio: [...stdio] });
    // One that ends between two modules is replaced.
    child.on("error", () => {});
    this.#child = child;
    return child;
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
