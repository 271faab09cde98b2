import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import patches from "./patches.json" with { type: "json" };
import { neededFor, type TestPackage } from "./source.ts";

const PROGRAM = fileURLToPath(new URL("program.py", import.meta.url));

/** Where the tests of unittest are: since 3.12, for CPython too. */
const UNITTEST = "test_unittest";

/** A project whose program has the tests beside it. */
export interface TestProject extends Disposable {
  readonly folder: string;
  /** The program, relative to the folder. */
  readonly file: string;
}

/** Copies what some test modules need into a folder of its own. */
export function makeProject(tests: TestPackage, modules: readonly string[]): TestProject {
  const folder = mkdtempSync(join(tmpdir(), "capsule-cpython-project-"));
  writeFileSync(join(folder, "capsule.toml"), "");
  cpSync(PROGRAM, join(folder, "main.py"));
  mkdirSync(join(folder, "test"));
  for (const name of neededFor(tests.folder, modules))
    cpSync(join(tests.folder, name), join(folder, "test", name), {
      recursive: true,
      filter: (path) => !path.endsWith("__pycache__"),
    });
  if (modules.some((module) => module.startsWith(`${UNITTEST}.`))) copyUnittest(tests, join(folder, "test"));
  adapt(join(folder, "test"));
  return {
    folder,
    file: "main.py",
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Changes what keeps whole modules of 3.11 from being loaded by 3.15. */
function adapt(folder: string): void {
  for (const { file, find, put } of patches) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    // Some are in an encoding that only Python needs to know.
    const text = readFileSync(path, "latin1");
    if (!text.includes(find)) throw new Error(`patches.json: ${file} has no ${JSON.stringify(find)}`);
    writeFileSync(
      path,
      text.replaceAll(find, () => put),
      "latin1",
    );
  }
}

/** The tests of unittest are in unittest itself, which a program has no place in. */
function copyUnittest(tests: TestPackage, folder: string): void {
  const target = join(folder, UNITTEST);
  rmSync(`${target}.py`, { force: true });
  cpSync(join(tests.folder, "..", "unittest", "test"), target, { recursive: true });
  for (const name of readdirSync(target, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".py")) continue;
    const path = join(target, name);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("unittest.test", `test.${UNITTEST}`));
  }
}
