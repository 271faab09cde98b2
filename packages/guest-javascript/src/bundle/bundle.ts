import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { LIMITS, type Question, UsageError } from "@capsule-run/protocol";
import type { BuildOptions, BuildResult, Plugin } from "esbuild";
import { addBuiltins } from "./builtins.ts";
import { confine } from "./confine.ts";
import { compileError, isBuildFailure, type Naming, warningText } from "./failures.ts";
import { addAddons } from "./impossible.ts";
import { inputsOf, newestChange } from "./inputs.ts";
import { fitSourceMap } from "./map.ts";
import { OWN, SDK_INPUT } from "./own.ts";
import { addPlaces } from "./places.ts";

/** The extensions of programs in this language. */
export const EXTENSIONS = [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"] as const;

export interface BundleRequest {
  /** The program's source file; relative paths are relative to `cwd`. */
  readonly file: string;
  /** The project root: sources are named relative to it. */
  readonly root: string;
  /** The file that `@capsule-run/sdk` means in a guest. What lies in its folder is Capsule's, not the user's. */
  readonly sdk: string;
  /**
   * Folders that files other than code may be taken from, relative to the root; default: all of the project. What an
   * operator keeps from a program must not become a part of it.
   */
  readonly data?: readonly string[] | null | undefined;
  /** The folder whose view of files messages take; default: the process's. */
  readonly cwd?: string | undefined;
}

/** A program as one ES module without imports. */
export interface Bundle {
  readonly code: string;
  /**
   * Source map as JSON, with the sources' text. Sources are relative to the project root; Capsule's own begin with
   * `capsule:`. The field `x_bundle` is `code` again.
   */
  readonly sourceMap: string;
  /** What decided the bundle: ask the same of the disk later to know whether it still holds. */
  readonly inputs: readonly Question[];
  /** When reading began, in ms since 1970: an input that changed later may not be what was bundled. */
  readonly readAt: number;
  /** One line each, for the user. */
  readonly warnings: readonly string[];
}

/**
 * Clocks of file systems run behind by up to this many ms. A file that changed so shortly before the bundling began
 * could as well have changed in the middle of it.
 */
const CLOCK_SLACK = 20;

/**
 * Bundles a program with what it imports.
 *
 * Packages are taken in their builds for browsers and workers (`browser` before `module` before `main`; conditions
 * `worker`, `browser`, `module`, `import`/`require`, `default`). Node's built-in modules: see `addBuiltins`. A
 * `tsconfig.json` is honoured. Dynamic imports of constant names are in the bundle, and evaluated when first
 * imported. Nothing is minified, names are kept.
 *
 * @throws UsageError `file-not-found`, `arguments` (an extension that is none of `EXTENSIONS`), or `compile`, with
 * place and excerpt of the first error
 */
export async function bundleProgram(request: BundleRequest): Promise<Bundle> {
  const cwd = request.cwd ?? process.cwd();
  const file = checkFile(resolve(cwd, request.file), request.file);
  const build = await prepare(file, request, cwd);
  for (let tries = 0; ; tries++) {
    const readAt = Date.now();
    const bundle = await bundleOnce(build, readAt);
    const hot = (await newestChange(bundle.inputs)) > readAt - CLOCK_SLACK;
    if (!hot || tries === 2) return bundle;
    // Too fresh to be sure that what was read is what is there: read again when it has cooled down.
    await new Promise((done) => setTimeout(done, CLOCK_SLACK + 5));
  }
}

function checkFile(path: string, given: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UsageError("file-not-found", `There is no file "${given}"`);
  if (!stat.isFile()) throw new UsageError("file-not-found", `"${given}" is not a file`);
  const extension = extname(path);
  if (!(EXTENSIONS as readonly string[]).includes(extension))
    throw new UsageError(
      "not-a-program",
      `"${given}" is no program that Capsule can run: its name must end in one of ${EXTENSIONS.join(" ")}`,
    );
  return path;
}

interface Build {
  readonly esbuild: typeof import("esbuild");
  readonly file: string;
  readonly sdk: string;
  readonly options: BuildOptions & { metafile: true; write: false };
  readonly naming: Naming;
}

async function prepare(file: string, { root, sdk, data }: BundleRequest, cwd: string): Promise<Build> {
  const esbuild = await import("esbuild");
  // esbuild gives real paths, so everything they are compared with has to be real too.
  const base = realpathSync(root);
  const from = realpathSync(cwd);
  const sdkFile = realpathSync(sdk);
  const options = buildOptions(file, base, sdkFile, data ?? null);
  const naming: Naming = {
    base,
    sdk: sdkFile,
    show: (path) => slashes(relative(from, path) || path),
    async exportsOf(path) {
      const result = await esbuild.build({ ...options, entryPoints: [path], sourcemap: false });
      return Object.values(result.metafile.outputs)[0]?.exports ?? null;
    },
  };
  return { esbuild, file, sdk: sdkFile, options, naming };
}

function buildOptions(
  file: string,
  base: string,
  sdk: string,
  data: readonly string[] | null,
): Build["options"] {
  return {
    entryPoints: [file],
    absWorkingDir: base,
    outfile: join(base, "capsule-program.js"),
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    mainFields: ["browser", "module", "main"],
    conditions: ["worker", "browser", "module"],
    // QuickJS-NG speaks ES2025 and `using`, but no decorators.
    target: "esnext",
    supported: { decorators: false },
    define: {
      "process.env.NODE_ENV": '"production"',
      global: "globalThis",
      __dirname: '"/"',
      __filename: '"/program.js"',
      "import.meta.url": '"file:///program.js"',
      "import.meta.dirname": '"/"',
      "import.meta.filename": '"/program.js"',
    },
    loader: { ".md": "text", ".csv": "text", ".sql": "text", ".html": "text", ".css": "empty" },
    charset: "utf8",
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: true,
    logLevel: "silent",
    logLimit: 0,
    plugins: [capsulePlugin(file, base, sdk, data)],
  };
}

const HOST_ONLY = "is for programs outside of sandboxes; a task program imports @capsule-run/sdk";

function capsulePlugin(file: string, base: string, sdk: string, data: readonly string[] | null): Plugin {
  return {
    name: "capsule",
    setup(build) {
      build.onResolve({ filter: /^@capsule-run\/sdk(?:\/.*)?$/ }, ({ path }) =>
        path === "@capsule-run/sdk"
          ? { path: "sdk", namespace: OWN }
          : { errors: [{ text: `"${path}" ${HOST_ONLY}` }] },
      );
      // Not as a file of the disk: bundles must not depend on where Capsule is installed.
      build.onLoad({ filter: /^sdk$/, namespace: OWN }, () => ({
        contents: readFileSync(sdk),
        loader: "ts",
        resolveDir: dirname(sdk),
      }));
      addBuiltins(build);
      addAddons(build);
      confine(build, base, file, sdk, data);
      addPlaces(build, base);
    },
  };
}

async function bundleOnce(build: Build, readAt: number): Promise<Bundle> {
  const { naming, file, sdk } = build;
  let result: BuildResult<Build["options"]>;
  try {
    result = await build.esbuild.build(build.options);
  } catch (error) {
    throw isBuildFailure(error) ? await compileError(error, naming) : error;
  }
  const output = (end: string) => result.outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";
  // A hashbang's line stays, empty: it would not be the first one everywhere.
  const body = output(".js").replace(/^#!.*/, "");
  if (body.length > LIMITS.bundleBytes)
    throw new UsageError(
      "too-large",
      `The program is too large: ${body.length} bytes in one bundle, ${LIMITS.bundleBytes} are allowed`,
    );
  const { base } = naming;
  return {
    code: body,
    sourceMap: await fitSourceMap(output(".js.map"), body, (source) => sourceName(source, base, sdk)),
    inputs: await inputsOf(result.metafile, { file, base, sdk }),
    readAt,
    warnings: [
      ...result.warnings.flatMap((warning) => warningText(warning, naming) ?? []),
      ...sdkWarning(result.metafile.inputs, file, sdk),
    ],
  };
}

/** Relative to the root whatever a package's own source map says; ours by a name that can't be a file's. */
function sourceName(source: string, base: string, sdk: string): string {
  if (source.startsWith(`${OWN}:`) || /^[a-z][a-z0-9+.-]+:/i.test(source)) return source;
  const path = resolve(base, source);
  if (path.startsWith(dirname(sdk) + sep)) return `${OWN}:sdk/${slashes(relative(dirname(sdk), path))}`;
  const name = relative(base, path);
  return slashes(isAbsolute(name) ? basename(name) : name);
}

const slashes = (path: string) => (sep === "\\" ? path.replaceAll("\\", "/") : path);

/** A project that has another major version of the SDK installed was written for another Capsule. */
function sdkWarning(inputs: Readonly<Record<string, unknown>>, file: string, sdk: string): string[] {
  if (!(SDK_INPUT in inputs)) return [];
  const ours = nearest(dirname(sdk), "package.json");
  const theirs = nearest(dirname(file), join("node_modules", "@capsule-run", "sdk", "package.json"));
  if (!ours || !theirs || majorOf(ours) === majorOf(theirs)) return [];
  return [
    `The project has @capsule-run/sdk ${theirs} installed, but this is Capsule ${ours}: the program runs with the SDK of Capsule ${ours}`,
  ];
}

const majorOf = (version: string) => version.split(".", 1)[0];

/** The version in the nearest such file at or above a folder. */
function nearest(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { version } = JSON.parse(readFileSync(join(at, name), "utf8")) as { version?: unknown };
      if (typeof version === "string") return version;
    } catch {
      // Not here, or nothing one can read.
    }
    if (dirname(at) === at) return undefined;
  }
}
