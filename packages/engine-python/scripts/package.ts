import { copyFileSync, cpSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestFile, sameFile } from "../src/digest.ts";
import { firstWrongLicence } from "../src/find.ts";
import { joinLicences, LICENCES } from "../src/licences.ts";
import { licencesOf, versionsOf } from "../src/pin.ts";
import { ENGINE_PACKAGE, PACKAGE_FOLDER } from "../src/ready.ts";
import { type EngineRecord, RECORD, readRecord } from "../src/record.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Components whose licence stands under another name. */
const ALIASES: Readonly<Record<string, string>> = { "sqlite-autoconf": "sqlite", CPython: "cpython" };

export interface PackageParts {
  /** An engine's folder, with the variants that are to be shipped. */
  readonly engine: string;
  /** The verified artifacts that it was made from, with their licences. */
  readonly artifacts: string;
}

/**
 * Writes the npm package that holds a ready engine into a new folder, `npm publish` does the rest. Nothing is compressed
 * in it: npm does that with the whole.
 * @throws Error if a file is not what the engine's record says, or a component has no licence text
 */
export function writePackage(out: string, { engine, artifacts }: PackageParts): EngineRecord {
  const record = readRecord(engine);
  if (!record) throw new Error(`${engine} holds no engine`);
  const licences = checkLicences(artifacts);
  mkdirSync(out);
  const { verified: _, ...shipped } = record;
  for (const [name, file] of Object.entries(record.files)) {
    if (!sameFile(digestFile(join(engine, name)), file)) throw new Error(`${name} is damaged`);
    share(join(engine, name), join(out, PACKAGE_FOLDER, name));
  }
  writeFileSync(join(out, PACKAGE_FOLDER, RECORD), `${JSON.stringify(shipped)}\n`);
  const joined = joinLicences(artifacts, readFileSync(join(artifacts, "SHA256SUMS"), "utf8"));
  writeFileSync(join(out, PACKAGE_FOLDER, LICENCES), joined ?? "");
  for (const name of ["MANIFEST", ...licences]) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    copyFileSync(join(artifacts, name), join(out, name));
  }
  copyFileSync(join(root, "LICENSE"), join(out, "LICENSE"));
  writeFileSync(join(out, "NOTICE"), notice(record));
  writeFileSync(join(out, "README.md"), readme(record));
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest(record), null, 2)}\n`);
  return record;
}

/** The paths of the licences. Every component of the manifest must have one. */
function checkLicences(artifacts: string): readonly string[] {
  const wrong = firstWrongLicence(artifacts);
  if (wrong !== null) throw new Error(`${join(artifacts, wrong)} is missing or not what it was`);
  const paths = [...licencesOf(readFileSync(join(artifacts, "SHA256SUMS"), "utf8")).keys()];
  for (const name of Object.keys(versionsOf(readFileSync(join(artifacts, "MANIFEST"), "utf8"))))
    if (!paths.includes(`LICENSES/${ALIASES[name] ?? name}.txt`))
      throw new Error(`${name} brings no licence`);
  return paths;
}

/** A second name for a large file, or a copy where the disk has none. */
function share(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

const manifest = ({ version }: EngineRecord) => ({
  name: ENGINE_PACKAGE,
  version,
  description: "The Python engine of Capsule, made ready to start",
  license: "SEE LICENSE IN NOTICE",
  files: [PACKAGE_FOLDER, "LICENSES", "MANIFEST", "LICENSE", "NOTICE"],
});

const list = (record: EngineRecord): string =>
  Object.entries(record.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");

const notice = (record: EngineRecord): string => `Capsule
Copyright the Capsule authors

Licensed under the Apache License, Version 2.0; see LICENSE.

This package holds code of others. The files in ${PACKAGE_FOLDER}/ are made from ${record.source.package} ${record.source.version} (Apache License, Version
2.0; see LICENSE), a build of CPython and of the packages below for WebAssembly. They were changed by us: the code is
metered and made deterministic, parts of it are cut out of the smaller variant, and the images are the memory of an
interpreter that was started. ${PACKAGE_FOLDER}/stdlib.zip is unchanged.

MANIFEST says what each part was built from. LICENSES/ holds the licence of each, whole, and the source code that one of
them asks for:

${Object.entries(record.versions)
  .map(([name, version]) => `  ${name} ${version}: LICENSES/${ALIASES[name] ?? name}.txt`)
  .join("\n")}
  the WebAssembly C library: LICENSES/wasi-libc.txt
  the compiler's own libraries: LICENSES/llvm-runtimes.txt
`;

const readme = (record: EngineRecord): string => `# ${ENGINE_PACKAGE}

The Python engine of Capsule ${record.version}, made ready to start. Installed beside
Capsule of the same version it is used as it is: nothing is fetched, nothing is prepared, nothing is written.

\`\`\`
npm install @capsule-run/cli@${record.version} ${ENGINE_PACKAGE}@${record.version}
\`\`\`

It is one way of several to get the engine; without it, Capsule fetches and prepares the same bytes when they are first
needed. \`capsule engines\` shows what is used.

Inside: ${list(record)}. Licences: NOTICE and LICENSES/.
`;
