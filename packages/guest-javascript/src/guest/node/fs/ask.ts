/**
 * How the operations of `fs` ask: each is written once, as a generator of effects, and done either way, suspending the
 * sandbox or not. What is asked of `/tmp` is answered here, in the same form as the host's answers.
 */
import { kit } from "capsule:kit";
import type { EffectName } from "@capsule-run/protocol";
import type { Answered, Head } from "../../effects.ts";
import { type About, translated } from "./errors.ts";
import { isMemoryHandle, memory } from "./memory.ts";

export interface Ask<N extends EffectName = EffectName> {
  readonly name: N;
  readonly head: Head<N>;
  readonly inMemory: boolean;
  readonly payload?: Uint8Array | undefined;
}

/** An operation: what it asks for, one after the other, and what it comes to. */
export type Doing<T> = Generator<Ask, T, Answered>;

/** Asks once. @throws what the host refused, as Node's error `about` it */
export function* ask<N extends EffectName>(
  name: N,
  head: Head<N>,
  about: About,
  { inMemory = false, payload }: { inMemory?: boolean; payload?: Uint8Array } = {},
): Generator<Ask, Answered<N>, Answered> {
  const { handle } = head as { handle?: number };
  try {
    return (yield {
      name,
      head,
      inMemory: inMemory || (handle !== undefined && isMemoryHandle(handle)),
      payload,
    } as Ask) as Answered<N>;
  } catch (error) {
    throw translated(error, about);
  }
}

/** Gives a handle back. */
export function release(handle: number): void {
  if (isMemoryHandle(handle)) memory.close(handle);
  else kit.post("file.close", { handle });
}

/** Does an operation; the sandbox does nothing else meanwhile. What it throws says where the program called. */
export function doSync<T>(doing: Doing<T>): T {
  try {
    for (let step = doing.next(); ; ) {
      if (step.done) return step.value;
      const { name, head, inMemory, payload } = step.value;
      let answer: Answered;
      try {
        answer = inMemory ? memory.perform(name, head, payload) : kit.effectSync(name, head, payload);
      } catch (error) {
        step = doing.throw(error);
        continue;
      }
      step = doing.next(answer);
    }
  } catch (error) {
    // The engine keeps the ten innermost frames, which are all of the library.
    kit.setFrames(error, kit.framesHere(doSync));
    throw error;
  }
}

/** Does an operation while the sandbox goes on. What it rejects with says where the program called. */
export async function doAsync<T>(doing: Doing<T>): Promise<T> {
  const frames = kit.framesHere(doAsync);
  try {
    for (let step = doing.next(); ; ) {
      if (step.done) return step.value;
      const { name, head, inMemory, payload } = step.value;
      let answer: Answered;
      try {
        answer = inMemory ? memory.perform(name, head, payload) : await kit.effect(name, head, payload);
      } catch (error) {
        step = doing.throw(error);
        continue;
      }
      step = doing.next(answer);
    }
  } catch (error) {
    kit.setFrames(error, frames);
    throw error;
  }
}
