/** What a fresh engine is given at its boot: the prelude and the package `capsule`. The same sources give the same text. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A source file as the boot script knows it, such as `capsule/errors.py`. */
export interface GuestFile {
  readonly path: string;
  readonly text: string;
}

const PRELUDE = fileURLToPath(new URL(".", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../../../python/capsule-run/src/capsule/", import.meta.url));

function sources(folder: string, name: string): GuestFile[] {
  return (
    readdirSync(folder)
      // Folders are left out: `capsule/host` is for programs that start sandboxes.
      .filter((file) => file.endsWith(".py") && file !== "__main__.py")
      .sort()
      .map((file) => ({ path: `${name}/${file}`, text: readFileSync(join(folder, file), "utf8") }))
  );
}

/** The sources of the prelude (package `_capsule`) and of the package `capsule`. */
export function guestFiles(): readonly GuestFile[] {
  return [...sources(PACKAGE, "capsule"), ...sources(PRELUDE, "_capsule")];
}

/** Python that `turn` runs once in a booted engine. It gives 0 and leaves the entry function in `__main__`. */
export function bootScript(): string {
  const files = guestFiles();
  const boot = files.find(({ path }) => path === "_capsule/boot.py");
  if (!boot) throw new Error("no boot script");
  const embedded = Object.fromEntries(
    files.filter((file) => file !== boot).map(({ path, text }) => [path, text]),
  );
  // A JSON string is a Python string as well. All of it is one statement that leaves no name behind.
  return `exec(compile(${JSON.stringify(boot.text)}, "<capsule:boot>", "exec"), {"__name__": "__capsule_boot__", "SOURCES": ${JSON.stringify(embedded)}})\n`;
}
