import { isDeclaredPolicy, isParameters } from "./check.ts";
import { LIMITS } from "./limits.ts";
import type { Language, ProgramManifest, TaskManifest, Variant } from "./manifest.ts";
import { isTaskName } from "./policy.ts";

export const isLanguage = (value: unknown): value is Language => value === "javascript" || value === "python";

export const isVariant = (value: unknown): value is Variant => value === "core" || value === "full";

type Rule = (value: unknown) => boolean;

const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null || rule(value);
const isText =
  (most: number): Rule =>
  (value) =>
    typeof value === "string" && value.length <= most;
const isListOf =
  (rule: Rule, most: number): Rule =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(rule);

/** Exactly these fields, each by its rule; the name of one that is wrong, or null. */
function wrongField(value: unknown, rules: Readonly<Record<string, Rule>>): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const fields = value as Record<string, unknown>;
  if (Object.keys(fields).some((field) => !Object.hasOwn(rules, field))) return "";
  return Object.entries(rules).find(([field, rule]) => !rule(fields[field]))?.[0] ?? null;
}

const fits =
  (rules: Readonly<Record<string, Rule>>): Rule =>
  (value) =>
    wrongField(value, rules) === null;

const TASK: Readonly<Record<keyof TaskManifest, Rule>> = {
  name: isTaskName,
  policy: isDeclaredPolicy,
  async: (value) => typeof value === "boolean",
  parameters: orNull(isParameters),
};

const OUTPUT: Readonly<Record<keyof ProgramManifest["output"][number], Rule>> = {
  stream: (value) => value === 1 || value === 2,
  text: isText(LIMITS.loadOutputBytes * 2),
};

const isHash: Rule = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

const MANIFEST: Readonly<Record<keyof ProgramManifest, Rule>> = {
  language: isLanguage,
  variant: isVariant,
  needs: isListOf(isText(10_000), 1000),
  engine: isHash,
  entry: isTaskName,
  source: isHash,
  snapshot: (value) => value === "after" || value === "before",
  reasons: isListOf(isText(10_000), 1000),
  tasks: isListOf(fits(TASK), LIMITS.tasks),
  output: isListOf(fits(OUTPUT), LIMITS.loadOutputBytes),
};

/** A manifest that may be used as it is, or in words what is wrong with it. */
export type CheckedManifest =
  | { readonly ok: true; readonly manifest: ProgramManifest }
  | { readonly ok: false; readonly wrong: string };

/**
 * Checks a manifest that somebody else may have written: every field, each policy within what `task` takes, and what
 * they say together. What passes is at most what a source program could have become.
 */
export function checkProgramManifest(value: unknown): CheckedManifest {
  const field = wrongField(value, MANIFEST);
  if (field !== null) return { ok: false, wrong: field === "" ? "set of fields" : `"${field}"` };
  const manifest = value as ProgramManifest;
  const names = new Set(manifest.tasks.map(({ name }) => name));
  if (names.size !== manifest.tasks.length) return { ok: false, wrong: "list of tasks: two have one name" };
  if (!names.has(manifest.entry)) return { ok: false, wrong: '"entry": there is no such task' };
  if (manifest.language === "javascript" && manifest.variant !== "full")
    return { ok: false, wrong: '"variant"' };
  const printed = manifest.output.reduce((sum, { text }) => sum + text.length, 0);
  // The notice about the entry point comes on top.
  if (printed > LIMITS.loadOutputBytes + 2000 || (manifest.snapshot === "before" && hasOutput(manifest)))
    return { ok: false, wrong: '"output"' };
  return { ok: true, manifest };
}

/** A program that attempts load again prints by itself; only the notice about its entry point stands here. */
const hasOutput = ({ output }: ProgramManifest): boolean => output.length > 1;
