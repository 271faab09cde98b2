/** `console.table` as Node draws it. */
type Inspect = (value: unknown, options: object) => string;

const HEAD = { iteration: "(iteration index)", index: "(index)", key: "Key", values: "Values" };

/** A column: its title and its cells by row; a row without a cell is empty. */
interface Column {
  readonly title: string;
  readonly cells: readonly (string | undefined)[];
}

/**
 * The table of `data`, or null if it has no rows.
 * @throws TypeError if `properties` is given and not an array
 */
export function rowsOf(data: unknown, properties: unknown, inspect: Inspect): string | null {
  if (typeof data !== "object" || data === null) return null;
  if (properties !== undefined && !Array.isArray(properties))
    throw new TypeError('The "properties" argument must be an instance of Array');
  const cell = (value: unknown): string => {
    const wide =
      typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 2;
    return inspect(value, { depth: wide ? -1 : 0, maxArrayLength: 3, breakLength: Number.POSITIVE_INFINITY });
  };
  if (data instanceof Map)
    return draw([
      { title: HEAD.iteration, cells: Array.from(data, (_, i) => `${i}`) },
      { title: HEAD.key, cells: Array.from(data.keys(), cell) },
      { title: HEAD.values, cells: Array.from(data.values(), cell) },
    ]);
  if (data instanceof Set)
    return draw([
      { title: HEAD.iteration, cells: Array.from(data, (_, i) => `${i}`) },
      { title: HEAD.values, cells: Array.from(data, cell) },
    ]);
  return draw(columnsOf(data as Record<string, unknown>, properties as string[] | undefined, cell));
}

function columnsOf(
  data: Readonly<Record<string, unknown>>,
  properties: readonly string[] | undefined,
  cell: (value: unknown) => string,
): Column[] {
  const index = Object.keys(data);
  const byTitle = new Map<string, string[]>();
  const alone: string[] = [];
  let anyAlone = false;
  index.forEach((key, row) => {
    const item = data[key];
    if (item === null || (typeof item !== "object" && typeof item !== "function")) {
      anyAlone = true;
      alone[row] = cell(item);
      return;
    }
    for (const title of properties ?? Object.keys(item)) {
      const cells = byTitle.get(title) ?? [];
      cells[row] = Object.hasOwn(item, title) ? cell((item as Record<string, unknown>)[title]) : "";
      byTitle.set(title, cells);
    }
  });
  const columns: Column[] = [{ title: HEAD.index, cells: index }];
  for (const title of Object.keys(Object.fromEntries(byTitle)))
    columns.push({ title, cells: byTitle.get(title) as string[] });
  if (anyAlone) columns.push({ title: HEAD.values, cells: alone });
  return columns;
}

function draw(columns: readonly Column[]): string {
  const height = Math.max(...columns.map(({ cells }) => cells.length));
  const widths = columns.map(({ title, cells }) =>
    Math.max(width(title), ...Array.from(cells, (cell) => width(cell ?? ""))),
  );
  const line = (left: string, middle: string, right: string): string =>
    left + widths.map((w) => "─".repeat(w + 2)).join(middle) + right;
  const row = (texts: readonly string[]): string =>
    `│ ${texts.map((text, i) => text + " ".repeat((widths[i] as number) - width(text))).join(" │ ")} │`;
  const lines = [line("┌", "┬", "┐"), row(columns.map(({ title }) => title)), line("├", "┼", "┤")];
  for (let i = 0; i < height; i++) lines.push(row(columns.map(({ cells }) => cells[i] ?? "")));
  return [...lines, line("└", "┴", "┘")].join("\n");
}

/** Columns a text takes on a terminal: wide characters take two, marks and control characters none. */
function width(text: string): number {
  let columns = 0;
  for (const character of text.normalize("NFC")) {
    const code = character.codePointAt(0) as number;
    if (code >= 0x20 && code < 0x7f) columns++;
    else if (isWide(code)) columns += 2;
    else if (!/[\p{Cc}\p{Mn}\p{Me}\p{Cf}]/u.test(character)) columns++;
  }
  return columns;
}

/** East Asian wide and fullwidth characters, and emoji, by Node's own table. */
const isWide = (code: number): boolean =>
  code >= 0x1100 &&
  (code <= 0x115f ||
    code === 0x2329 ||
    code === 0x232a ||
    (code >= 0x2e80 && code <= 0x3247 && code !== 0x303f) ||
    (code >= 0x3250 && code <= 0x4dbf) ||
    (code >= 0x4e00 && code <= 0xa4c6) ||
    (code >= 0xa960 && code <= 0xa97c) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe10 && code <= 0xfe19) ||
    (code >= 0xfe30 && code <= 0xfe6b) ||
    (code >= 0xff01 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1b000 && code <= 0x1b001) ||
    (code >= 0x1f200 && code <= 0x1f251) ||
    (code >= 0x1f300 && code <= 0x1f64f) ||
    (code >= 0x1f900 && code <= 0x1f9ff) ||
    (code >= 0x20000 && code <= 0x3fffd));
