import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digest, type Stamp } from "./digest.ts";
import type { PinnedFile } from "./pin.ts";
import type { Variant } from "./rewrite.ts";

export type { Variant };

export const VARIANTS: readonly Variant[] = ["core", "full"];

/** A variant that is there. */
export interface VariantRecord {
  /** Content hash over code, image, standard library and `info`. */
  readonly hash: string;
  /** What whoever starts it from its image has to know. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** `engine.json`: what an engine folder holds. */
export interface EngineRecord {
  readonly format: 1;
  readonly language: "python";
  /** The folder's name; see `EnginePlaces`. */
  readonly key: string;
  /** Of Capsule. */
  readonly version: string;
  /** What it was made from, and where that was. */
  readonly source: { readonly package: string; readonly version: string; readonly from: string };
  /** Of Python and of the packages in it. */
  readonly versions: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, PinnedFile>>;
  readonly variants: Readonly<Partial<Record<Variant, VariantRecord>>>;
  /** The stamps of files whose content was right. Not in the npm package, where nobody knows them yet. */
  readonly verified?: Readonly<Record<string, Stamp>>;
}

export const RECORD = "engine.json";
export const STDLIB = "stdlib.zip";
export const wasmName = (variant: Variant): string => `${variant}.wasm`;
export const imageName = (variant: Variant): string => `${variant}.image`;

/** The files that a variant is started from. */
export const filesOf = (variant: Variant): readonly string[] => [
  wasmName(variant),
  imageName(variant),
  STDLIB,
];

/** The record of an engine folder; null if there is none, or none that this version understands. */
export function readRecord(folder: string): EngineRecord | null {
  try {
    const record = JSON.parse(readFileSync(join(folder, RECORD), "utf8")) as EngineRecord;
    const { format, language, key, files, variants } = record;
    const good = format === 1 && language === "python" && typeof key === "string";
    return good && isObject(files) && isObject(variants) ? record : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** The content hash of a variant. */
export function hashOf(files: Readonly<Record<string, PinnedFile>>, variant: Variant, info: object): string {
  const parts = filesOf(variant).map((name) => files[name]?.sha256);
  return digest(Buffer.from(JSON.stringify([parts, info]))).sha256;
}
