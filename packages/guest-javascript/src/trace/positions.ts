import { type Mappings, mappingsInParts, mappingsOf } from "./mappings.ts";

/** A place in one of the sources of a bundle. Lines and columns count from 1. */
export interface Position {
  /** As the source map names it. */
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** A bundle with its source map, ready for questions. */
export interface Positions {
  /** The bundle's text, "" if it is not known. */
  readonly code: string;
  /** Where a place in the bundle's text comes from; null for what no source has. */
  original(offset: number): Position | null;
  /** The place in the bundle's text of what a stack says: line from 1, column from 1 in bytes of UTF-8. */
  offset(line: number, column: number): number;
  /** The text of a source. */
  text(source: string): string | undefined;
}

interface Payload {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly (string | null)[];
  readonly mappings: string;
  readonly x_bundle: string;
}

let last: { json: string; positions: Positions } | undefined;

/** Reads a bundle's source map. The last one is kept: questions come in groups. A broken map answers nothing. */
export function readPositions(json: string): Positions {
  if (last?.json === json) return last.positions;
  let positions = NONE;
  try {
    const payload = JSON.parse(json) as Payload;
    positions = positionsOf(payload, mappingsOf(payload.mappings));
  } catch {
    // It answers nothing, then.
  }
  last = { json, positions };
  return positions;
}

/** Reads a map as `readPositions` will want it, leaving the event loop to others now and then. */
export async function preparePositions(json: string): Promise<void> {
  if (last?.json === json) return;
  try {
    const payload = JSON.parse(json) as Payload;
    last = { json, positions: positionsOf(payload, await mappingsInParts(payload.mappings)) };
  } catch {
    last = { json, positions: NONE };
  }
}

const NONE: Positions = { code: "", original: () => null, offset: () => 0, text: () => undefined };

function positionsOf({ sources, sourcesContent, x_bundle: code }: Payload, mappings: Mappings): Positions {
  const starts = lineStarts(code);
  return {
    code,
    original(offset) {
      const line = lineAt(starts, offset);
      const found = mappings.find(line, offset - (starts[line] as number));
      const source = found ? sources[found.source] : undefined;
      if (!found || source === undefined) return null;
      return { source, line: found.line + 1, column: found.column + 1 };
    },
    offset(line, column) {
      const start = starts[line - 1];
      if (start === undefined) return code.length;
      // A column in bytes is at least one in characters, and a bundled line may have megabytes.
      const end = Math.min(starts[line] ?? code.length, start + column);
      const bytes = Buffer.from(code.slice(start, end));
      return start + bytes.subarray(0, column - 1).toString().length;
    },
    text: (source) => sourcesContent[sources.indexOf(source)] ?? undefined,
  };
}

function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf("\n"); at >= 0; at = code.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The index of the last start at or before `offset`. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  for (let high = starts.length; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle;
  }
  return low;
}
