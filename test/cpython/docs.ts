import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allOf, type ByReason, type Outcomes } from "./outcomes.ts";

const PAGE = fileURLToPath(new URL("../../docs/python-compatibility.md", import.meta.url));

/** Between these lines of the page is what is made of `outcomes.json`. */
const parts = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);

const size = (tests: ByReason | undefined): number => allOf(tests).length;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const number = (value: number): string => value.toLocaleString("en-US");

/** All of a kind, by reason, with how many tests each has; most first. */
function byReason(of: readonly (ByReason | undefined)[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const tests of of)
    for (const [reason, names] of Object.entries(tests ?? {}))
      counts.set(reason, (counts.get(reason) ?? 0) + names.length);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => (typeof cell === "number" ? number(cell) : cell)).join(" | ")} |`;
}

/** How many tests pass, in a sentence. */
export function totals({ modules, version }: Outcomes): string {
  const rows = Object.values(modules);
  const passed = sum(rows.map((each) => each.passed));
  const failed = sum(rows.map((each) => size(each.failed)));
  const leftOut = sum(rows.map((each) => size(each.leftOut) + size(each.either)));
  const skipped = sum(rows.map((each) => each.skipped));
  return (
    `**${number(passed)} tests of ${rows.length} modules pass, ${number(failed)} fail** (tests: ${version}). ` +
    `CPython's own conditions skip ${number(skipped)} more here; ${leftOut} are not run or may end either way.`
  );
}

/** The reasons why tests fail or are not begun, with how many. */
export function reasons({ modules, reasons: texts }: Outcomes): string {
  const rows = Object.values(modules);
  const [failed, leftOut] = [
    new Map(byReason(rows.map((each) => each.failed))),
    new Map(byReason(rows.flatMap((each) => [each.leftOut, each.either]))),
  ];
  const names = [...new Set([...failed.keys(), ...leftOut.keys()])];
  return [
    row(["reason", "fail", "not run, or either", "what it means"]),
    row(["---", "---:", "---:", "---"]),
    ...names.map((name) => row([name, failed.get(name) ?? 0, leftOut.get(name) ?? 0, texts[name] ?? "?"])),
  ].join("\n");
}

/** Each module. */
export function table({ modules }: Outcomes): string {
  return [
    row(["module", "pass", "skipped", "fail", "why they fail; not run, or either"]),
    row(["---", "---:", "---:", "---:", "---"]),
    ...Object.entries(modules).map(([name, outcome]) => {
      const why = byReason([outcome.failed]).map(([reason, count]) => `${reason} ${count}`);
      const rest = byReason([outcome.leftOut, outcome.either]).map(([reason, count]) => `${reason} ${count}`);
      const text = [why.join(", "), rest.join(", ")].filter((each) => each !== "").join("; not run: ");
      return row([name, outcome.passed, outcome.skipped, size(outcome.failed), text]);
    }),
  ].join("\n");
}

/** Modules that are not run. */
export function notRun({ notRun: modules, reasons: texts }: Outcomes): string {
  return Object.entries(modules)
    .map(([reason, names]) => `- ${texts[reason] ?? reason} ${names.map((name) => `\`${name}\``).join(", ")}`)
    .join("\n");
}

/** The page as it should be. */
export function page(outcomes: Outcomes, text: string = readFileSync(PAGE, "utf8")): string {
  const made = { totals, reasons, modules: table, "not run": notRun };
  return Object.entries(made).reduce(
    (done, [name, make]) =>
      done.replace(parts(name), (_, begin, end) => `${begin}\n${make(outcomes)}\n\n${end}`),
    text,
  );
}

export const writePage = (outcomes: Outcomes): void => writeFileSync(PAGE, page(outcomes));

/** Without what the formatter adds to tables, and how it marks emphasis. */
const plain = (text: string): string =>
  text
    .replace(/ {2,}/g, " ")
    .replace(/-{3,}/g, "---")
    .replace(/\b_|_\b|\*/g, "");

/** Whether the page has the numbers of the outcomes. */
export function isCurrent(outcomes: Outcomes): boolean {
  const now = readFileSync(PAGE, "utf8");
  return plain(page(outcomes, now)) === plain(now);
}
