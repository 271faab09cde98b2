/**
 * Reads numbers, sums them up in a task of its own and draws them: prints an SVG picture.
 *
 *     npx capsule run examples/report.ts > report.svg
 *
 * The numbers are in a file beside the program, which is packed with it because it is imported.
 */
import { task } from "@capsule-run/sdk";
import Papa from "papaparse";
import csv from "./data/sales.csv";

interface Sale {
  readonly month: string;
  readonly region: string;
  readonly amount: number;
}

interface Summary {
  readonly months: readonly string[];
  /** The sum of each month, by region. */
  readonly regions: Readonly<Record<string, readonly number[]>>;
}

const summarise = task({ name: "summarise", ram: "64MB" }, (text: string): Summary => {
  const { data } = Papa.parse<Sale>(text.trim(), { header: true, dynamicTyping: true });
  const months = [...new Set(data.map(({ month }) => month))].sort();
  const names = [...new Set(data.map(({ region }) => region))];
  const sum = (region: string, month: string): number =>
    data.reduce((all, sale) => all + (sale.region === region && sale.month === month ? sale.amount : 0), 0);
  const regions = names.map((region) => [region, months.map((month) => sum(region, month))]);
  return { months, regions: Object.fromEntries(regions) };
});

const WIDTH = 600;
const HEIGHT = 350;
const EDGE = 50;
const COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"];

function draw({ months, regions }: Summary): string {
  const highest = Math.max(...Object.values(regions).flat());
  const x = (i: number): number => EDGE + (i * (WIDTH - 3 * EDGE)) / Math.max(1, months.length - 1);
  const y = (amount: number): number => HEIGHT - EDGE - (amount * (HEIGHT - 2 * EDGE)) / highest;
  const lines = Object.entries(regions).map(([region, amounts], i) => {
    const points = amounts.map((amount, month) => `${x(month).toFixed(1)},${y(amount).toFixed(1)}`);
    const colour = COLOURS[i % COLOURS.length];
    const label = `<text x="${WIDTH - 2 * EDGE + 8}" y="${y(amounts.at(-1) ?? 0).toFixed(1)}" fill="${colour}">${region}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(" ")}"/>${label}`;
  });
  const ticks = months.map(
    (month, i) => `<text x="${x(i).toFixed(1)}" y="${HEIGHT - EDGE / 2}">${month.slice(0, 7)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<text x="${WIDTH / 2}" y="20" font-size="14" text-anchor="middle">Sales by region</text>`,
    ...ticks,
    ...lines,
    "</svg>",
  ].join("\n");
}

export const main = task({ name: "main" }, (): string => {
  const summary = summarise(csv);
  if (!summary.success) throw new Error(summary.error.message);
  return draw(summary.result);
});
