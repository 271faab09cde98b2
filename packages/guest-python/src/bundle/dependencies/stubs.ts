import { writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { CARRIED, type CarriedPackage } from "../carried.ts";
import { writeZip } from "./zip.ts";

/** The package that programs import `task` from: every sandbox has it. */
export const SDK = "capsule-run";

const SDK_PACKAGE: CarriedPackage = { name: SDK, version: manifest.version, extras: [], requires: [] };

/** What sandboxes have without a dependency. */
export const PROVIDED: ReadonlyMap<string, CarriedPackage> = new Map([...CARRIED, [SDK, SDK_PACKAGE]]);

/**
 * Writes a wheel for each package that the engine has, with metadata and nothing else: a resolver then takes the
 * engine's versions, and sees what these need and offer. Gives the SHA-256 of each by the package's name.
 */
export function writeStubs(folder: string): ReadonlyMap<string, string> {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hashes = new Map<string, string>();
  for (const each of PROVIDED.values()) {
    const bytes = stub(each);
    writeFileSync(join(folder, `${stem(each)}-py3-none-any.whl`), bytes);
    hashes.set(each.name, createHash("sha256").update(bytes).digest("hex"));
  }
  return hashes;
}

const stem = ({ name, version }: CarriedPackage): string => `${name.replaceAll("-", "_")}-${version}`;

function stub(each: CarriedPackage): Uint8Array {
  const info = `${stem(each)}.dist-info`;
  const metadata = [
    "Metadata-Version: 2.1",
    `Name: ${each.name}`,
    `Version: ${each.version}`,
    ...each.extras.map((extra) => `Provides-Extra: ${extra}`),
    ...each.requires.map((requirement) => `Requires-Dist: ${requirement}`),
  ];
  return writeZip([
    [`${info}/METADATA`, `${metadata.join("\n")}\n`],
    [`${info}/WHEEL`, "Wheel-Version: 1.0\nGenerator: capsule\nRoot-Is-Purelib: true\nTag: py3-none-any\n"],
    [`${info}/RECORD`, `${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`],
  ]);
}
