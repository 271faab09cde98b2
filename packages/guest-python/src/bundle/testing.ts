import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { readFiles } from "../files.ts";
import { type Bundle, bundleProgram } from "./bundle.ts";
import { writeZip } from "./dependencies/zip.ts";

/** For tests: a project in a folder of its own. */
export interface TestProject extends Disposable {
  readonly root: string;
  path(name: string): string;
  write(files: Readonly<Record<string, string | Uint8Array>>): void;
  bundle(file: string, data?: readonly string[]): Promise<Bundle>;
}

export function testProject(files: Readonly<Record<string, string | Uint8Array>>): TestProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "capsule-test-")));
  const root = join(folder, "project");
  const write = (names: Readonly<Record<string, string | Uint8Array>>) => {
    for (const [name, text] of Object.entries(names)) {
      const path = join(root, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };
  write(files);
  return {
    root,
    path: (name) => join(root, name),
    write,
    bundle: (file, data) => bundleProgram({ file, root, cwd: root, data }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What is in a bundle: texts by path in the guest. */
export const contents = ({ code }: Bundle): Record<string, string> =>
  Object.fromEntries(readFiles(code).files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]));

/** The paths of the project's own files in a bundle, without `/app/`. */
export const packed = (bundle: Bundle): string[] =>
  Object.keys(contents(bundle)).flatMap((path) =>
    path.startsWith("/app/") ? [path.slice("/app/".length)] : [],
  );

/** The wheel of a package of one module that says its version, with what it requires. */
export function wheel(
  name: string,
  version: string,
  {
    requires = [],
    files = {},
  }: { requires?: readonly string[]; files?: Readonly<Record<string, string>> } = {},
): Uint8Array {
  const info = `${name}-${version}.dist-info`;
  const metadata = [
    "Metadata-Version: 2.1",
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((each) => `Requires-Dist: ${each}`),
    ...requires
      .flatMap((each) => /extra == "(\w+)"/.exec(each)?.[1] ?? [])
      .map((extra) => `Provides-Extra: ${extra}`),
  ];
  return writeZip([
    [`${name}/__init__.py`, `version = "${version}"\n`],
    ...Object.entries(files),
    [`${info}/METADATA`, `${metadata.join("\n")}\n`],
    [`${info}/WHEEL`, "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"],
    [`${info}/RECORD`, ""],
  ]);
}

/** A package index on this machine (PEP 503). */
export interface TestIndex extends AsyncDisposable {
  /** What makes pip and uv ask it and nobody else. */
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
  /** How many times files of it were fetched. */
  readonly fetched: () => number;
}

/** @param files by file name */
export async function testIndex(files: Readonly<Record<string, Uint8Array>>): Promise<TestIndex> {
  let fetched = 0;
  const all = { ...files, ...bundledPip() };
  const nameOf = (file: string) =>
    (/^[A-Za-z0-9_.]+/.exec(file)?.[0] ?? "").toLowerCase().replace(/[-_.]+/g, "-");
  const server = createServer(({ url = "" }, answer) => {
    const [, folder, item = ""] = url.split("/");
    if (folder === "simple") {
      const found = Object.keys(all).filter((file) => nameOf(file) === item);
      answer.writeHead(found.length > 0 ? 200 : 404, { "content-type": "text/html" });
      answer.end(`<!DOCTYPE html>${found.map((file) => `<a href="/files/${file}">${file}</a>`).join("\n")}`);
      return;
    }
    const file = all[decodeURIComponent(item)];
    if (file) fetched++;
    answer.writeHead(file ? 200 : 404, { "content-type": "application/octet-stream" }).end(file);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: indexEnvironment(`${url}/simple`),
    fetched: () => fetched,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The environment without settings of pip's and uv's, and with this index. */
export function indexEnvironment(url: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) if (!/^(?:PIP|UV)_/.test(name)) env[name] = value;
  return {
    ...env,
    PIP_CONFIG_FILE: "/dev/null",
    PIP_INDEX_URL: url,
    PIP_NO_CACHE_DIR: "1",
    PIP_RETRIES: "0",
    UV_INDEX_URL: url,
    UV_NO_CONFIG: "1",
  };
}

/** The pip that Python brings, which uv fetches from the index. */
function bundledPip(): Record<string, Uint8Array> {
  try {
    const script = "import ensurepip; print(ensurepip.__file__)";
    const file = execFileSync("python3", ["-c", script], { encoding: "utf8" }).trim();
    const folder = join(dirname(file), "_bundled");
    return Object.fromEntries(
      readdirSync(folder)
        .filter((name) => name.startsWith("pip-"))
        .map((name) => [basename(name), readFileSync(join(folder, name))]),
    );
  } catch {
    return {};
  }
}
