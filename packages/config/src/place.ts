/** A line with the ones around it and a marker under the column, ready to print. Both count from 1. */
export function excerptOfLine(text: string, line: number, column: number): string {
  const lines = text.split(/\r?\n/);
  const last = Math.min(lines.length, line + 1);
  const digits = String(last).length;
  const shown: string[] = [];
  for (let n = Math.max(1, line - 2); n <= last; n++) {
    const body = (lines[n - 1] as string).replace(/[^\P{Cc}\t]|\p{Bidi_Control}/gu, "\ufffd");
    shown.push(`${n === line ? ">" : " "} ${String(n).padStart(digits)} | ${body}`.trimEnd());
    if (n === line)
      shown.push(`  ${" ".repeat(digits)} | ${body.slice(0, column - 1).replace(/[^\t]/g, " ")}^`);
  }
  return shown.join("\n");
}

/**
 * Where a key of a valid document stands: the parser keeps no places, so the lines are looked through. If the key
 * itself is not at the start of a line (inline tables), the place of the table that holds it.
 */
export function placeOfKey(text: string, keys: readonly string[]): { line: number; column: number } {
  let best = { line: 1, column: 1, depth: 0 };
  let table: readonly string[] = [];
  let quotes: string | null = null;
  text.split(/\r?\n/).forEach((line, index) => {
    const wasInside = quotes !== null;
    quotes = multilineAfter(line, quotes);
    if (wasInside) return;
    const header = /^(\s*\[\[?)(.*)/.exec(line);
    const path = header ? keyPath(header[2] as string) : keyPath(line);
    if (!path) return;
    if (header) table = path;
    const full = header ? path : [...table, ...path];
    const depth = commonDepth(full, keys);
    if (depth > best.depth)
      best = { line: index + 1, column: (header?.[1] ?? /^\s*/.exec(line)?.[0] ?? "").length + 1, depth };
  });
  return { line: best.line, column: best.column };
}

function commonDepth(path: readonly string[], keys: readonly string[]): number {
  let depth = 0;
  while (depth < keys.length && path[depth] === keys[depth]) depth++;
  return depth;
}

/** The dotted key at the start of a text, up to `=` or `]`. */
function keyPath(text: string): string[] | null {
  const match =
    /^\s*((?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'))*)\s*[=\]]/.exec(
      text,
    );
  const parts = match?.[1]?.match(/[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'/g);
  return parts?.map(unquoted) ?? null;
}

function unquoted(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (!part.startsWith('"')) return part;
  try {
    return JSON.parse(part) as string;
  } catch {
    return part.slice(1, -1);
  }
}

/** Which kind of multi-line string is open after a line. */
function multilineAfter(line: string, open: string | null): string | null {
  for (const [token] of line.matchAll(/"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#.*/g)) {
    if (open === null && (token === '"""' || token === "'''")) open = token;
    else if (token === open) open = null;
  }
  return open;
}
