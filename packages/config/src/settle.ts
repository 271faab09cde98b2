import { DEFAULT_POLICY, type DeclaredPolicy, type FileGrant, type TaskPolicy } from "@capsule-run/protocol";
import { type Ceiling, lower, meetNames } from "./ceiling.ts";
import { meetFiles } from "./files.ts";
import { meetHosts } from "./hosts.ts";

/** What a task gets, and in lines what it asked for and does not get. */
export interface Settled {
  readonly policy: TaskPolicy;
  readonly cuts: readonly string[];
}

/**
 * What a task gets: what it asks for, what the project says where it does not, and never more than the ceiling. Lines of
 * `cuts` are such as `allowed_hosts: "*" is cut to "api.openai.com"`; what a task did not ask for is not among them.
 */
export function settle(declared: DeclaredPolicy, defaults: DeclaredPolicy, ceiling: Ceiling): Settled {
  const asked = overlay(overlay(DEFAULT_POLICY, defaults), declared);
  return { policy: capped(asked, ceiling), cuts: cutsOf(asked, ceiling) };
}

function overlay(below: TaskPolicy, above: DeclaredPolicy): TaskPolicy {
  const said = Object.fromEntries(Object.entries(above).filter(([, value]) => value !== null));
  return { ...below, ...said };
}

const capped = (asked: TaskPolicy, ceiling: Ceiling): TaskPolicy => ({
  fuel: lower(asked.fuel, ceiling.fuel) ?? asked.fuel,
  ram: lower(asked.ram, ceiling.ram),
  timeoutMs: lower(asked.timeoutMs, ceiling.timeoutMs),
  maxRetries: asked.maxRetries,
  files: ceiling.files === null ? asked.files : meetFiles(asked.files, ceiling.files),
  hosts: ceiling.hosts === null ? asked.hosts : meetHosts(asked.hosts, ceiling.hosts),
  environment:
    ceiling.environment === null ? asked.environment : meetNames(asked.environment, ceiling.environment),
});

/** Lines of one option that are told, and names in one line. */
const MOST_LINES = 10;
const MOST_NAMES = 10;

function cutsOf(asked: TaskPolicy, ceiling: Ceiling): readonly string[] {
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

const shownGrant = ({ path, mode }: FileGrant): string =>
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
  const lines = [...new Map(asked.map((item) => [show(item), item]))].flatMap(([wanted, item]) => {
    const got = meet([item], ceiling).map(show);
    if (got.length === 1 && got[0] === wanted) return [];
    return [`${option}: ${wanted} is cut to ${got.length === 0 ? "nothing" : some(got)}`];
  });
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `${option}: ${lines.length - MOST_LINES} more are cut`];
}

const some = (names: readonly string[]): string =>
  names.length <= MOST_NAMES
    ? names.join(", ")
    : `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} more`;
