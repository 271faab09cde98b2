import { breath, isLong } from "@capsule-run/protocol";
import { difference, PAGE, WASM_PAGE } from "@capsule-run/wasm/host";

/** The content of a snapshot section: all of a memory that is not zero. */
export const wholeMemory = (memory: Uint8Array): Uint8Array => difference(memory, new Uint8Array(0));

export interface SnapshotLimits {
  /** Bytes of memory, at most. */
  readonly memory: number;
  /** Bytes of the page difference, at most. */
  readonly pages: number;
}

/**
 * The page difference of a snapshot to an engine's image, as the cache keeps it. The memory itself is never built: what
 * a hostile file says its size is costs nothing.
 * @param image the engine's whole memory
 * @throws RangeError for what `wholeMemory` can't have made, and beyond the limits
 */
export async function differenceTo(
  image: Uint8Array,
  snapshot: Uint8Array,
  limits: SnapshotLimits,
): Promise<Uint8Array> {
  const { length, count, page, content } = read(snapshot);
  if (length < image.length || length > limits.memory) throw new RangeError(`a memory of ${length} bytes`);
  // For the contents of each page that differs; null: zeros.
  const changed: (readonly [page: number, content: Uint8Array | null])[] = [];
  let next = 0;
  for (let number = 0; number * PAGE < image.length || next < count; number++) {
    if (number % BETWEEN === 0 && isLong()) await breath();
    // Behind the image only pages of the snapshot can differ.
    if (number * PAGE >= image.length) number = page(next);
    const own = next < count && page(next) === number ? content(next++) : null;
    const old = image.subarray(number * PAGE, (number + 1) * PAGE);
    const same = Buffer.compare(own ?? ZEROS, old.length > 0 ? old : ZEROS) === 0;
    if (!same) changed.push([number, own]);
    if (8 + changed.length * (4 + PAGE) > limits.pages) throw new RangeError("too many pages");
  }
  return encode(length, changed);
}

/** Pages that are compared at a time. */
const BETWEEN = 64;
const ZEROS = Buffer.alloc(PAGE);

function encode(length: number, changed: readonly (readonly [number, Uint8Array | null])[]): Uint8Array {
  const out = new Uint8Array(8 + changed.length * (4 + PAGE));
  const view = new DataView(out.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, changed.length, true);
  for (const [i, [number, content]] of changed.entries()) {
    view.setUint32(8 + i * 4, number, true);
    if (content) out.set(content, 8 + changed.length * 4 + i * PAGE);
  }
  return out;
}

/** Takes a snapshot apart: its pages ascend, and lie inside of its memory. */
function read(snapshot: Uint8Array) {
  if (snapshot.length < 8) throw new RangeError("no snapshot");
  const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.length);
  const length = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  if (length % WASM_PAGE !== 0 || snapshot.length !== 8 + count * (4 + PAGE))
    throw new RangeError("no snapshot");
  const page = (i: number): number => view.getUint32(8 + i * 4, true);
  for (let i = 0, before = -1; i < count; before = page(i++))
    if (page(i) <= before || page(i) >= length / PAGE) throw new RangeError("pages out of order or range");
  const contents = 8 + count * 4;
  const content = (i: number): Uint8Array =>
    snapshot.subarray(contents + i * PAGE, contents + (i + 1) * PAGE);
  return { length, count, page, content };
}
