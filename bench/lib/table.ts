import { isMissed, type Measurement } from "./subject.ts";

/** Three significant digits, and no fewer than the whole part has. */
export function formatted({ value, unit }: Pick<Measurement, "value" | "unit">): string {
  if (!Number.isFinite(value)) return "failed";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.001))));
  return `${value.toFixed(Math.min(digits, 3))} ${unit}`;
}

/** The measurements of a subject as lines: value, what is wanted, whether it was missed, note. */
export function table(title: string, rows: readonly Measurement[]): string {
  const lines = rows.map((row) => [
    row.name,
    formatted(row),
    row.wanted === undefined ? "" : `<= ${row.wanted} ${row.unit}`,
    row.wanted === undefined ? "" : isMissed(row) ? "MISSED" : "ok",
    row.note ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const text = lines.map((line) =>
    line
      .map((cell, i) => (i === 1 ? cell.padStart(widths[1] as number) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...text.map((line) => `  ${line}`), ""].join("\n");
}
