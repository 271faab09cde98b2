/** Code that somebody else wrote, for tests: by what the command line's package exports. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { CodeOptions, Execution } from "@capsule-run/code";

export const RUNTIME_BUNDLE = new URL("../../packages/cli/dist/runtime.js", import.meta.url);
const { createCodeRuntime } = (await import(RUNTIME_BUNDLE.href)) as typeof import("@capsule-run/code");

const cacheDir = mkdtempSync(join(tmpdir(), "capsule-code-test-"));
/** One for each test file, closed at its end. */
export const runtime = createCodeRuntime({ cacheDir });
after(async () => {
  await runtime.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

export const python = (code: string, options: CodeOptions = {}): Promise<Execution> =>
  runtime.execute(code, { limits: { timeout: "60s" }, ...options, language: "python" });
export const javascript = (code: string, options: CodeOptions = {}): Promise<Execution> =>
  runtime.execute(code, { limits: { timeout: "60s" }, ...options, language: "javascript" });

/** The exception's traceback; fails for any other end. */
export const traceOf = ({ error }: Execution): string => {
  assert.equal(error?.kind, "exception", JSON.stringify(error));
  return error?.kind === "exception" ? error.traceback : "";
};
