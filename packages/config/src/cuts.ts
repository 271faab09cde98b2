import type { FileGrant, TaskPolicy } from "@capsule-run/protocol";
import { type Ceiling, meetNames } from "./ceiling.ts";
import { meetFiles } from "./files.ts";
import { meetHosts } from "./hosts.ts";

/** Lines of one option that are told, and names in one line. */
const MOST_LINES = 10;
const MOST_NAMES = 10;

/**
 * What a ceiling cuts of what a task asks for, in lines such as `allowed_hosts: "*" is cut to "api.openai.com"`. A task that
 * sets no limit of its own asks for nothing by that.
 */
export function cutsOf(asked: TaskPolicy, ceiling: Ceiling): readonly string[] {
  const amounts = (
    [
      ["compute", asked.fuel, ceiling.fuel, "units of fuel"],
      ["ram", asked.ram, ceiling.ram, "bytes"],
      ["timeout", asked.timeoutMs, ceiling.timeoutMs, "ms"],
    ] as const
  ).flatMap(([option, wanted, most, unit]) =>
    wanted !== null && most !== null && wanted > most
      ? [`${option}: ${wanted} is cut to ${most} ${unit}`]
      : [],
  );
  return [
    ...amounts,
    ...listCuts("allowed_files", asked.files, ceiling.files, meetFiles, shownGrant),
    ...listCuts("allowed_hosts", asked.hosts, ceiling.hosts, meetHosts, JSON.stringify),
    ...listCuts("env_variables", asked.environment, ceiling.environment, meetNames, JSON.stringify),
  ];
}

export const shownGrant = ({ path, mode }: FileGrant): string =>
  `${JSON.stringify(path)}${mode === "read-only" ? " (read-only)" : ""}`;

/** What became of each entry that is not wholly within the ceiling. */
function listCuts<T>(
  option: string,
  asked: readonly T[],
  ceiling: readonly T[] | null,
  meet: (asked: readonly T[], ceiling: readonly T[]) => readonly T[],
  show: (item: T) => string,
): readonly string[] {
  if (ceiling === null) return [];
  const lines = [...new Map(asked.map((item) => [show(item), item])).values()].flatMap(
    (item) => cutOf(option, item, meet([item], ceiling), show) ?? [],
  );
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `${option}: ${lines.length - MOST_LINES} more are cut`];
}

/** What became of one entry; null if it was left whole. */
export function cutOf<T>(
  option: string,
  wanted: T,
  left: readonly T[],
  show: (item: T) => string,
): string | null {
  const got = left.map(show);
  if (got.length === 1 && got[0] === show(wanted)) return null;
  return `${option}: ${show(wanted)} is cut to ${got.length === 0 ? "nothing" : some(got)}`;
}

const some = (names: readonly string[]): string =>
  names.length <= MOST_NAMES
    ? names.join(", ")
    : `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} more`;
