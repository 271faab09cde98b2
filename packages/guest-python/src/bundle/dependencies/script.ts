import { excerpt, UsageError } from "@capsule-run/protocol";
import { PYTHON } from "../carried.ts";
import { decodeSource } from "../source.ts";
import { type Requirements, readRequirement, type Surroundings } from "./requirements.ts";
import { allows } from "./versions.ts";

/** As PEP 723 has it. */
const BLOCK = /^# \/\/\/ ([a-zA-Z0-9-]+)$\s((?:^#(?:| .*)$\s)+)^# \/\/\/$/gm;

/**
 * What a program says of itself in a block `# /// script` (PEP 723); null if it has none.
 * @throws UsageError `requirements` for a block that is wrong, or another version of Python
 */
export async function readScriptBlock(
  file: string,
  bytes: Uint8Array,
  surroundings: Surroundings,
): Promise<Requirements | null> {
  const source = decodeSource(bytes);
  if (!source.includes("# /// script")) return null;
  const blocks = [...source.matchAll(BLOCK)].filter(([, kind]) => kind === "script");
  const [block] = blocks;
  if (!block) return null;
  const first = source.slice(0, block.index).split("\n").length;
  const fail = (message: string, line = first, cause?: unknown): UsageError => {
    const place = { file: surroundings.show(file), line, column: 1 };
    return new UsageError("requirements", message, { place, excerpt: excerpt(source, place), cause });
  };
  if (blocks.length > 1) throw fail('There is more than one block "# /// script"');
  const { parse, TomlError } = await import("smol-toml");
  const text = (block[2] as string).replace(/^# ?/gm, "");
  let toml: Record<string, unknown>;
  try {
    toml = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split("\n", 1)[0] as string).replace(/^Invalid TOML document: /, "");
    throw fail(`The block "# /// script" is not TOML: ${reason}`, first + error.line, error);
  }
  const lineOf = (needle: string): number => {
    const at = text.indexOf(needle);
    return at < 0 ? first : first + text.slice(0, at).split("\n").length;
  };
  const python = toml["requires-python"];
  if (python !== undefined) {
    if (typeof python !== "string")
      throw fail('"requires-python" must be a string', lineOf("requires-python"));
    const allowed = allows(python, PYTHON);
    if (allowed === null)
      throw fail(
        `"requires-python" is "${python}", which is no range of versions`,
        lineOf("requires-python"),
      );
    if (!allowed)
      throw fail(
        `The program needs Python ${python}; sandboxes have Python ${PYTHON}`,
        lineOf("requires-python"),
      );
  }
  const list = toml.dependencies ?? [];
  if (!Array.isArray(list) || !list.every((each) => typeof each === "string"))
    throw fail('"dependencies" must be a list of strings', lineOf("dependencies"));
  const packages = list.map((each) =>
    readRequirement(each.trim(), { file, line: lineOf(each) }, surroundings),
  );
  return { packages, constraints: [], options: [] };
}
