import { PROGRAM_FILE } from "../door.ts";

/** A place in one of the sources of a bundle. Lines and columns count from 1. */
export interface Position {
  /** As the source map names it. */
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** A bundle's source map, ready for questions. */
export interface Positions {
  /** Where a place of the bundle comes from; null for what no source has. Columns of the bundle count bytes. */
  original(line: number, column: number): Position | null;
  /** The text of a source. */
  text(source: string): string | undefined;
}

interface Entry {
  readonly generatedLine?: number;
  readonly originalSource?: string;
  readonly originalLine?: number;
  readonly originalColumn?: number;
}

let last: { json: string; positions: Positions } | undefined;

/** Reads a bundle's source map. The last one is kept: errors come in groups. A broken map answers nothing. */
export function readPositions(json: string): Positions {
  if (last?.json === json) return last.positions;
  const positions = parse(json);
  last = { json, positions };
  return positions;
}

const NONE: Positions = { original: () => null, text: () => undefined };

function parse(json: string): Positions {
  try {
    const payload = JSON.parse(json) as { sources: string[]; sourcesContent: (string | null)[] };
    // Loaded when the first error is translated, not when the host starts.
    const { SourceMap } = process.getBuiltinModule("node:module");
    const map = new SourceMap({ ...payload, file: PROGRAM_FILE } as never);
    return {
      original(line, column) {
        const entry = map.findEntry(line - 1, column - 1) as Entry;
        if (entry.originalSource === undefined || entry.generatedLine !== line - 1) return null;
        return {
          source: entry.originalSource,
          line: (entry.originalLine ?? 0) + 1,
          column: (entry.originalColumn ?? 0) + 1,
        };
      },
      text: (source) => payload.sourcesContent[payload.sources.indexOf(source)] ?? undefined,
    };
  } catch {
    return NONE;
  }
}
