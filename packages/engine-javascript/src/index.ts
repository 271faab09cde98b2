import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BranchProfile, type RewriteReport, rewrite } from "@capsule-run/wasm";

/** QuickJS-NG as its npm package ships it, before rewriting. */
export const readQuickJs = (): Uint8Array => readFileSync(resolve("quickjs-wasi/quickjs.wasm"));

/** Versions of what the engine is made of. */
export function engineVersions(): Readonly<Record<string, string>> {
  const { version } = JSON.parse(readFileSync(resolve("quickjs-wasi/package.json"), "utf8"));
  return { "quickjs-wasi": version };
}

/** The branch profile that is pinned with the engine; `scripts/profile.ts` makes it. */
const readProfile = (): BranchProfile =>
  JSON.parse(readFileSync(new URL("../profile.json", import.meta.url), "utf8"));

/**
 * The engine, metered and made deterministic. With its data it can be booted, once, to take its image; without, it
 * runs from an image.
 */
export function rewriteEngine(
  keepExports: readonly string[],
  { data }: { data: boolean },
): { wasm: Uint8Array; report: RewriteReport } {
  return rewrite(readQuickJs(), {
    keepExports,
    dropData: !data,
    stackPointer: "__stack_pointer",
    profile: readProfile(),
  });
}

const resolve = (specifier: string): string => createRequire(import.meta.url).resolve(specifier);
