import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { OnLoadResult, OnResolveArgs, OnResolveResult, PluginBuild } from "esbuild";
import { OWN } from "./own.ts";

/** Why modules of Node's are not in a sandbox, and what to use instead; none where there is nothing to say. */
const REASONS: Readonly<Record<string, string>> = {
  child_process: "a sandbox can't start processes",
  cluster: "a sandbox can't start processes; call async tasks to use several cores",
  dgram: "a sandbox has no sockets; use fetch",
  dns: "the host looks names up; use fetch",
  http2: "use fetch",
  inspector: "there is nothing to be inspected",
  net: "a sandbox has no sockets; use fetch or node:http",
  sqlite: "it is native code",
  tls: "a sandbox has no sockets; use fetch or node:https",
  v8: "a sandbox runs in another engine",
  vm: "it is native code; eval and new Function work",
  wasi: "there is no WebAssembly in a sandbox",
  worker_threads: "a sandbox is one thread; call async tasks to use several cores",
};

/** Modules without which what uses them can't do anything. A program that imports one itself is told when it is compiled. */
const HOPELESS = ["child_process", "cluster", "worker_threads"];

/** Packages whose only work is to load native addons. */
const ADDON_LOADERS = /^(?:bindings|node-gyp-build|prebuild-install|node-pre-gyp|@mapbox\/node-pre-gyp)$/;

const bareOf = (module: string): string => module.replace(/^node:/, "").split("/", 1)[0] as string;

/** Why a module is not there, as the end of a message. */
export const reasonOf = (module: string): string => {
  const reason = REASONS[bareOf(module)];
  return reason === undefined ? "" : `: ${reason}`;
};

/** The package a file belongs to; null for the user's own files. */
export function packageOf(file: string): string | null {
  const [, scope = "", name] = /.*[\\/]node_modules[\\/](@[^\\/]+[\\/])?([^\\/]+)/.exec(file) ?? [];
  return name === undefined ? null : scope.replace("\\", "/") + name;
}

/** Whether it is an `import` of a user's own file: what that names the program can't do without. */
const isOwn = ({ importer, kind }: OnResolveArgs): boolean =>
  kind === "import-statement" && packageOf(importer) === null;

/** The error of a user's own file that imports what can't work; null for others. */
export function hopeless(args: OnResolveArgs): string | null {
  const { path } = args;
  if (!isOwn(args)) return null;
  return HOPELESS.includes(bareOf(path))
    ? `"${path}" is not available inside a sandbox${reasonOf(path)}`
    : null;
}

/**
 * Native addons. A package may try one and go on without, so that requiring one throws in the program, which at its top level
 * is when it is compiled.
 */
export function addAddons(build: PluginBuild): void {
  const addon = ({ path, importer }: OnResolveArgs): OnResolveResult => ({
    path: `addon:${basename(path)}`,
    suffix: `?${packageOf(importer) ?? ""}`,
    namespace: OWN,
  });
  build.onResolve({ filter: /\.node$/ }, addon);
  build.onResolve({ filter: ADDON_LOADERS }, addon);
  build.onResolve({ filter: /^(?:@[^/:]+\/)?[^./@:][^/:]*(?:\/.*)?$/ }, (args) =>
    isOwn(args) && isAddon(args.path, args.resolveDir)
      ? { errors: [{ text: addonMessage("binding.gyp", packageNameOf(args.path)) }] }
      : undefined,
  );
  build.onLoad({ filter: /^addon:/, namespace: OWN }, ({ path, suffix }): OnLoadResult => {
    const name = path.slice("addon:".length);
    const text = JSON.stringify(addonMessage(name, suffix.slice(1)));
    const fail = `const fail = () => { throw new Error(${text}); };`;
    return {
      contents: name.endsWith(".node")
        ? `${fail} fail();`
        : `${fail} module.exports = Object.assign(fail, { default: fail, path: fail, resolve: fail, find: fail });`,
    };
  });
}

const packageNameOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

/** Whether an installed package is built around an addon: it has the addon's sources, and nothing for browsers. */
function isAddon(specifier: string, from: string): boolean {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, "node_modules", packageNameOf(specifier));
    if (existsSync(folder)) return existsSync(join(folder, "binding.gyp")) && !isForBrowsers(folder);
    if (dirname(at) === at) return false;
  }
}

function isForBrowsers(folder: string): boolean {
  try {
    const { browser, exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
      string,
      unknown
    >;
    return browser !== undefined || JSON.stringify(exports ?? null).includes('"browser"');
  } catch {
    return false;
  }
}

const addonMessage = (name: string, user: string): string =>
  `${user === "" ? "The program" : `The package "${user}"`} needs a native addon (${name}), which can't be loaded inside a sandbox: ` +
  "only JavaScript runs there";
