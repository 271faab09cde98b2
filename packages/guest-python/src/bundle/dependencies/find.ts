import { dirname, join } from "node:path";
import { isInside, realpath } from "../disk.ts";
import { problem, type Requirements, readRequirements, type Surroundings } from "./requirements.ts";
import { readScriptBlock } from "./script.ts";

/**
 * What a program asks for: by its block `# /// script`, or else by `requirements.txt` in its folder, or else in the nearest
 * folder above in the project. Null: nothing.
 * @param file the program's file, real
 * @throws UsageError if it can't be read, or understood
 */
export async function findRequirements(
  file: string,
  surroundings: Surroundings,
): Promise<Requirements | null> {
  const { base, disk } = surroundings;
  const block = await readScriptBlock(file, disk.read(file), surroundings);
  if (block) return block;
  for (let folder = dirname(file); isInside(folder, base); folder = dirname(folder)) {
    const path = join(folder, "requirements.txt");
    if (disk.has(folder, "requirements.txt") && disk.kindOf(path) === "file") {
      const real = realpath(path);
      if (real === null || !isInside(real, base))
        throw problem(
          "This file leads out of the project",
          { file: path, line: 1 },
          surroundings,
          "outside-project",
        );
      return readRequirements(path, surroundings);
    }
    if (folder === base) break;
  }
  return null;
}
