import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LIMITS, UsageError } from "@capsule-run/protocol";
import { bytes } from "./format.ts";
import { excerptAt, findJsonError, placeAt } from "./json.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "it may not be read",
};

function read(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as { code?: string }).code ?? "";
    const missing = code === "ENOENT";
    const reason = REASONS[code] ?? (error as Error).message;
    throw new UsageError(missing ? "file-not-found" : "args-file", `--args-file ${name}: ${reason}`);
  }
}

function decode(data: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    throw new UsageError("args-file", `--args-file ${name}: it is not UTF-8 text`);
  }
}

/**
 * The arguments of `main` from a file that holds a JSON array.
 * @throws UsageError with the place of what is wrong in it
 */
export function readArgsFile(name: string, cwd: string): readonly unknown[] {
  const file = resolve(cwd, name);
  const data = read(file, name);
  if (data.length > LIMITS.argumentBytes)
    throw new UsageError(
      "args-file",
      `--args-file ${name}: ${bytes(data.length)} are more than the ${bytes(LIMITS.argumentBytes)} arguments may have`,
    );
  const text = decode(data, name);
  const fail = (message: string, offset: number): never => {
    const place = placeAt(text, offset);
    throw new UsageError("args-file", `--args-file ${name}: ${message}`, {
      place: { file, ...place },
      excerpt: excerptAt(text, place),
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { offset, expected } = findJsonError(text);
    const found = offset >= text.length ? "the file ends" : `there is ${JSON.stringify(text[offset])}`;
    fail(`this is not JSON: ${found} where ${expected} is expected`, offset);
  }
  if (!Array.isArray(value))
    fail("it must hold an array: one element for each argument", text.search(/\S|$/));
  return value as unknown[];
}
