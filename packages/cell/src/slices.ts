import { Fifo } from "@capsule-run/protocol";

/** A place in a line. */
export interface Place {
  /** Resolves when it is the caller's turn. */
  readonly turn: Promise<void>;
  /** Goes before all others: whoever is to end does not have to wait for them. */
  hurry(): void;
}

type Waiting = Fifo<{ go: (() => void) | null }>;

/**
 * Who runs next. A sandbox that has used up a slice waits here while the others have theirs, and while the event loop
 * hears the host: one wakes per turn of the loop, first come, first served.
 */
const slices: Waiting = new Fifo();
/** Who needs a new instance, which takes as long as a slice or several: one is made per turn of the loop. */
const starts: Waiting = new Fifo();
let scheduled = false;
/** Whether there is more of the host's to read by now, as far as the last look shows. */
let isFlowing = false;
/**
 * Milliseconds that are spent on it before the next slice. A turn of the loop reads 64 KiB: by one for a slice, a message of
 * 32 MiB, and an order to stop behind it, would take seconds.
 */
const HEARING_MS = 5;

/** The host was heard: as much at once as there can be, so that more is to be expected, or all there was. */
export function heard(isFull: boolean): void {
  isFlowing = isFull;
}

/** Gets in line for the next slice. */
export const nextSlice = (): Place => join(slices);

/** Gets in line for a new instance. */
export const nextStart = (): Place => join(starts);

function join(line: Waiting): Place {
  const place: { go: (() => void) | null } = { go: null };
  const turn = new Promise<void>((resolve) => {
    place.go = resolve;
  });
  line.push(place);
  schedule();
  return {
    turn,
    hurry: () => {
      place.go?.();
      place.go = null;
    },
  };
}

function schedule(): void {
  if (scheduled || slices.size + starts.size === 0) return;
  scheduled = true;
  const began = performance.now();
  const go = (): void => {
    if (isFlowing && performance.now() - began < HEARING_MS) {
      setImmediate(go);
      return;
    }
    scheduled = false;
    const next = [take(starts), take(slices)];
    schedule();
    for (const start of next) start?.();
  };
  setImmediate(go);
}

/** The first that is still there: those that hurried have left. */
function take(line: Waiting): (() => void) | undefined {
  for (let place = line.shift(); place; place = line.shift()) if (place.go) return place.go;
  return undefined;
}
