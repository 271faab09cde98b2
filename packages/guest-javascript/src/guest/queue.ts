/** What is due when: a binary heap by (time, id), so that equal times keep the order in which they were set. */
export interface Due {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: number;
}

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.id < b.id);

/** Adds an entry to the heap. */
export function push<T extends Due>(heap: T[], entry: T): void {
  let at = heap.length;
  heap[at] = entry;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent] as T)) break;
    heap[at] = heap[parent] as T;
    at = parent;
  }
  heap[at] = entry;
}

/** Takes the first entry off a heap that is not empty. */
export function pop<T extends Due>(heap: T[]): T {
  const first = heap[0] as T;
  const last = heap[heap.length - 1] as T;
  heap.length--;
  if (heap.length > 0) sink(heap, 0, last);
  return first;
}

/** Restores the order after entries were removed from anywhere. */
export function rebuild<T extends Due>(heap: T[]): void {
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at, heap[at] as T);
}

function sink<T extends Due>(heap: T[], from: number, entry: T): void {
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as T, heap[child] as T)) child++;
    if (!before(heap[child] as T, entry)) break;
    heap[at] = heap[child] as T;
    at = child;
  }
  heap[at] = entry;
}
