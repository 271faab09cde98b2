/**
 * Source maps of bundles. They differ from the standard's in one point: columns in the bundle count bytes of UTF-8,
 * because QuickJS's do. Lines of ASCII, which are nearly all, are the same either way.
 */

interface SourceMapJson {
  readonly version: 3;
  sources: string[];
  sourcesContent: (string | null)[];
  mappings: string;
  names: string[];
}

/**
 * Fits esbuild's map to the bundle it describes.
 * @param code the bundle, without the `lines` that will stand before it
 * @param name what a source is called for the user; gets its path relative to the map
 */
export function fitSourceMap(
  json: string,
  code: string,
  lines: number,
  name: (source: string) => string,
): string {
  const map = JSON.parse(json) as SourceMapJson;
  return JSON.stringify({
    version: 3,
    sources: map.sources.map((source) => name(decoded(source))),
    sourcesContent: map.sourcesContent,
    names: map.names,
    mappings: ";".repeat(lines) + byteColumns(map.mappings, code),
  });
}

/** esbuild writes sources as relative URLs. */
function decoded(source: string): string {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

const ASCII = /^\p{ASCII}*$/u;

function byteColumns(mappings: string, code: string): string {
  if (ASCII.test(code)) return mappings;
  const lines = code.split("\n");
  return mappings
    .split(";")
    .map((segments, n) => {
      const line = lines[n];
      return segments === "" || line === undefined || ASCII.test(line)
        ? segments
        : byteColumnsOfLine(segments, line);
    })
    .join(";");
}

/** The first number of a segment is the column's distance to the one before, in each line anew. */
function byteColumnsOfLine(segments: string, line: string): string {
  let column = 0;
  return segments
    .split(",")
    .map((segment) => {
      const { value, length } = readVlq(segment);
      const step = Buffer.byteLength(line.slice(column, column + value));
      column += value;
      return writeVlq(step) + segment.slice(length);
    })
    .join(",");
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function readVlq(text: string): { value: number; length: number } {
  let value = 0;
  let shift = 0;
  let length = 0;
  for (;;) {
    const digit = DIGITS.indexOf(text.charAt(length++));
    value |= (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) === 0) break;
  }
  return { value: value & 1 ? -(value >> 1) : value >> 1, length };
}

function writeVlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += DIGITS.charAt(rest > 0 ? digit | 32 : digit);
  } while (rest > 0);
  return text;
}
