import {
  checkProgramManifest,
  isLanguage,
  isVariant,
  type Language,
  type ProgramManifest,
  type Variant,
} from "@capsule-run/protocol";

/** The version of the format. 2: tasks have what they declare, in place of limits that are settled. */
export const FORMAT = 2;

/** `capsule.manifest`. Its first fields are what every version has, in this order. */
export interface ExportedManifest {
  readonly format: number;
  /** The version of Capsule that wrote it. */
  readonly capsule: string;
  readonly language: Language;
  readonly variant: Variant;
  /** Content hash of the engine. */
  readonly engine: string;
  readonly program: Omit<ProgramManifest, "language" | "variant" | "engine">;
  /** The engine's mutable globals. */
  readonly globals: readonly number[];
}

export const encodeManifest = (
  capsule: string,
  { language, variant, engine, ...program }: ProgramManifest,
  globals: readonly number[],
): Buffer => {
  const manifest: ExportedManifest = { format: FORMAT, capsule, language, variant, engine, program, globals };
  return Buffer.from(JSON.stringify(manifest));
};

/** What a manifest says of its origin, whatever its version. */
export interface Origin {
  readonly format: unknown;
  /** Empty: it does not say. */
  readonly capsule: string;
}

/** What a manifest says, or in words what is wrong with it. */
export type ReadManifest =
  | { readonly ok: true; readonly manifest: ProgramManifest; readonly globals: readonly number[] }
  | { readonly ok: false; readonly wrong: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The JSON object of a manifest; null if it is none. */
export function parseManifest(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export const originOf = ({ format, capsule }: Record<string, unknown>): Origin => ({
  format,
  capsule: typeof capsule === "string" && /^[\w.+-]{1,50}$/.test(capsule) ? capsule : "",
});

const FIELDS = ["format", "capsule", "language", "variant", "engine", "program", "globals"];

/** Checks every field of a manifest of this version's format. */
export function readManifest(given: Record<string, unknown>): ReadManifest {
  const wrong = (what: string): ReadManifest => ({ ok: false, wrong: what });
  const unknown = Object.keys(given).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return wrong("an unknown field");
  const { language, variant, engine, program, globals } = given;
  if (!isLanguage(language) || !isVariant(variant)) return wrong("an engine that does not exist");
  if (typeof engine !== "string" || !/^[0-9a-f]{64}$/.test(engine)) return wrong('"engine"');
  if (
    !Array.isArray(globals) ||
    globals.length > 1000 ||
    !globals.every((x) => Number.isInteger(x) && (x | 0) === x)
  )
    return wrong('"globals"');
  if (typeof program !== "object" || program === null) return wrong('"program"');
  const checked = checkProgramManifest({ ...program, language, variant, engine });
  return checked.ok ? { ok: true, manifest: checked.manifest, globals } : checked;
}
