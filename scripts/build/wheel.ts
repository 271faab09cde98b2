import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { type Packed, writeZip } from "./zip.ts";

/** What of `pyproject.toml` goes into a wheel. */
interface Project {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly readme: string;
  readonly "requires-python": string;
  readonly license: string;
  readonly keywords?: readonly string[];
  readonly classifiers?: readonly string[];
  readonly dependencies?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}

export interface Wheel {
  /** Its file's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The wheel of a Python project, for every platform and any Python 3: the packages below its `src`, and more files. The
 * same files make the same wheel.
 * @param folder with `pyproject.toml`, `README.md` and `src`
 * @param more files, named as they are below `site-packages`
 * @param licences files that its licence asks for, by their names
 */
export function buildWheel(folder: string, more: readonly Packed[], licences: readonly Packed[]): Wheel {
  const { project } = parse(readFileSync(join(folder, "pyproject.toml"), "utf8")) as unknown as {
    project: Project;
  };
  const stem = `${project.name.replaceAll("-", "_")}-${project.version}`;
  const info = `${stem}.dist-info`;
  const text = (name: string, content: string): Packed => ({ name, bytes: Buffer.from(content) });
  const scripts = Object.entries(project.scripts ?? {}).map(([name, target]) => `${name} = ${target}\n`);
  const packed = [
    ...[...sources(join(folder, "src")), ...more].sort(byName),
    ...licences.map(({ name, bytes }) => ({ name: `${info}/licenses/${name}`, bytes })),
    text(`${info}/METADATA`, metadata(folder, project, licences)),
    text(
      `${info}/WHEEL`,
      "Wheel-Version: 1.0\nGenerator: capsule\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ),
    ...(scripts.length > 0
      ? [text(`${info}/entry_points.txt`, `[console_scripts]\n${scripts.join("")}`)]
      : []),
  ];
  const record = packed.map(({ name, bytes }) => `${name},sha256=${digest(bytes)},${bytes.length}\n`);
  const files = [...packed, text(`${info}/RECORD`, `${record.join("")}${info}/RECORD,,\n`)];
  return { name: `${stem}-py3-none-any.whl`, bytes: writeZip(files) };
}

const byName = (a: Packed, b: Packed): number => (a.name < b.name ? -1 : 1);

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url");

function sources(folder: string): readonly Packed[] {
  return globSync("**/*.{py,typed}", { cwd: folder }).map((name) => ({
    name: name.replaceAll("\\", "/"),
    bytes: readFileSync(join(folder, name)),
  }));
}

function metadata(folder: string, project: Project, licences: readonly Packed[]): string {
  const lines = [
    "Metadata-Version: 2.4",
    `Name: ${project.name}`,
    `Version: ${project.version}`,
    `Summary: ${project.description}`,
    ...(project.keywords ? [`Keywords: ${project.keywords.join(",")}`] : []),
    `License-Expression: ${project.license}`,
    ...licences.map(({ name }) => `License-File: ${name}`),
    ...(project.classifiers ?? []).map((each) => `Classifier: ${each}`),
    `Requires-Python: ${project["requires-python"]}`,
    ...(project.dependencies ?? []).map((each) => `Requires-Dist: ${each}`),
    "Description-Content-Type: text/markdown",
  ];
  return `${lines.join("\n")}\n\n${readFileSync(join(folder, project.readme), "utf8")}`;
}
