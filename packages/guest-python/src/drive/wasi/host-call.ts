import { GuestMemory } from "./guest-memory.ts";
import { Refusal } from "./refusal.ts";

/** What the engine's own import does, its door. */
export const HOST_CALL = "the door: bytes in, bytes out, by one of the operations below; may suspend";

/** Answers that the engine turns into: what was answered, and an `OSError`. */
const DOOR = { success: 0, refused: -2 } as const;

/** Charged per call, beside a unit for each byte of a request and an answer. */
const DOOR_UNITS = 4000;

export interface DoorOptions {
  readonly memory: () => WebAssembly.Memory;
  /** Bytes of the longest request; longer ones are refused. */
  readonly longest: number;
  /** Room in the guest's memory that the engine gives back: its `host_alloc`. 0: there is none. */
  allocate(length: number): number;
  /** The answer to a request; null: refuse it. */
  call(request: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
  charge(units: number): void;
  /** Something of ours failed: the guest must not go on. */
  doom(cause: unknown): void;
  /** Is told what is written to the guest's memory. */
  wrote?(at: number, length: number): void;
}

/** The function behind `host.call`: to be wrapped in `WebAssembly.Suspending` where it may suspend. Never throws. */
export function hostCall(options: DoorOptions): (...args: number[]) => number | Promise<number> {
  const memory = new GuestMemory(options.memory, (at, length) => options.wrote?.(at, length));
  const failure = (cause: unknown): number => {
    if (!(cause instanceof Refusal)) options.doom(cause);
    return DOOR.refused;
  };
  const finish = (answer: Uint8Array | null, pointer: number, length: number): number => {
    if (answer === null) return DOOR.refused;
    options.charge(answer.length);
    const room = options.allocate(answer.length) >>> 0;
    if (room === 0) return DOOR.refused;
    memory.room(room, answer.length).set(answer);
    memory.setU32(pointer, room);
    memory.setU32(length, answer.length);
    return DOOR.success;
  };
  return (...args) => {
    try {
      const [at, size, pointer, length] = args.map((arg) => arg >>> 0) as [number, number, number, number];
      options.charge(DOOR_UNITS);
      memory.check(pointer, 4);
      memory.check(length, 4);
      if (size > options.longest) return DOOR.refused;
      options.charge(size);
      const answer = options.call(memory.bytes(at, size).slice());
      if (!(answer instanceof Promise)) return finish(answer, pointer, length);
      return answer.then((late) => finish(late, pointer, length)).catch(failure);
    } catch (cause) {
      return failure(cause);
    }
  };
}
