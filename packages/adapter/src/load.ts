import { usageErrorOf } from "@capsule-run/sdk/internal";
import { sharedRuntime } from "./shared.ts";
import type { Language } from "./types.ts";

async function load(language: Language): Promise<void> {
  const runtime = await sharedRuntime();
  try {
    await runtime.load(language);
  } catch (error) {
    throw usageErrorOf(error);
  }
}

/**
 * Makes all ready that the first Python code would wait for: the engine, which is fetched once for a machine, and a
 * process for it.
 */
export const loadPythonSandbox = (): Promise<void> => load("python");

/** Makes all ready that the first JavaScript code would wait for. */
export const loadJavaScriptSandbox = (): Promise<void> => load("javascript");

/** Both. */
export async function loadSandboxes(): Promise<void> {
  await Promise.all([loadPythonSandbox(), loadJavaScriptSandbox()]);
}
