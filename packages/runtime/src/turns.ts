import { type EffectMode, FrameError } from "@capsule-run/protocol";

/** Where a sandbox stands as far as its host knows: which turns are due in it, and whether it is suspended in a call. */
export class Turns {
  /** Turns that run or are about to. The first is the start. */
  #due = 1;
  /** The sync call the running turn is suspended in; 0: none. While it is, no other turn runs either. */
  #suspendedIn = 0;
  /** Whether the running turn waits for memory that its guest has grown to. */
  #held = false;

  /** Whether the sandbox can use a core. */
  get busy(): boolean {
    return this.#due > 0 && this.#suspendedIn === 0 && !this.#held;
  }

  /** The guest calls a task, or asks for an effect. @throws FrameError if it can't, because nothing of it runs */
  called(call: number, mode: EffectMode): void {
    this.spoke();
    if (mode === "sync") this.#suspendedIn = call;
  }

  /** Something came that only a running guest can cause. @throws FrameError if none runs */
  spoke(): void {
    if (!this.busy) throw new FrameError("what a guest caused that does not run");
  }

  /** A turn is over. @throws FrameError if none was running */
  idle(): void {
    this.spoke();
    this.#due--;
  }

  /** It has grown beyond its memory and waits. @throws FrameError if it can't, because nothing of it runs */
  grown(): void {
    this.spoke();
    this.#held = true;
  }

  granted(): void {
    this.#held = false;
  }

  /** The completion of `call` is sent to it: resumes the turn that is suspended in it, else causes another. */
  completed(call: number): void {
    if (call === this.#suspendedIn) this.#suspendedIn = 0;
    else this.#due++;
  }

  woken(): void {
    this.#due++;
  }

  /** Nothing of it runs any more. */
  ended(): void {
    this.#due = 0;
    this.#suspendedIn = 0;
    this.#held = false;
  }
}
