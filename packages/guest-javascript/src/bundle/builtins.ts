import type { OnLoadResult, OnResolveArgs, OnResolveResult, PluginBuild, ResolveResult } from "esbuild";
import { nodeModule } from "../guest/parts.ts";
import { hopeless, packageOf, reasonOf } from "./impossible.ts";
import { OWN } from "./own.ts";

/** What Node calls its own modules without `node:`. Fixed here, so that a bundle does not depend on the Node that makes it. */
const BUILTINS =
  `assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel
dns domain events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline
repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib`.split(
    /\s+/,
  );

/** Members of built-in modules that are globals in a sandbox, or of one: the module's name, then member or `member=global`. */
const LIVE: Readonly<Record<string, readonly string[]>> = {
  crypto: ["webcrypto=crypto", "randomUUID=crypto.randomUUID", "getRandomValues=crypto.getRandomValues"],
  perf_hooks: ["performance"],
};

/** Gives the parts of the library that are Node's modules. */
export const MODULE = 'globalThis[Symbol.for("capsule.module")]';

const filter = new RegExp(`^(?:node:.*|(?:${BUILTINS.join("|")})(?:/.*)?)$`);

/**
 * Node's built-in modules are parts of the engine's library where a sandbox has them: see `NODE_MODULES`. Of the others
 * many packages import some that they use only on Node, so importing one is allowed: it gives a stand-in that can be
 * imported, destructured and extended, and throws `"node:net" is not available inside a sandbox`, with the package and the
 * reason, as soon as something of it is called. An npm package of the same name that is installed is used for the bare name of a module that a sandbox does not have (`zlib`), as bundlers for
 * browsers do; of one that it has (`events`, `buffer`) Node's comes first, as in Node. A package that maps `fs` to
 * false in its `browser` field gets the empty module it asked for.
 */
export function addBuiltins(build: PluginBuild): void {
  const trying = { capsuleBuiltins: true };
  build.onResolve({ filter }, async (args: OnResolveArgs): Promise<OnResolveResult | undefined> => {
    if (args.pluginData === trying) return undefined;
    const problem = hopeless(args);
    if (problem !== null) return { errors: [{ text: problem }] };
    if (!args.path.startsWith("node:")) {
      const { importer, resolveDir, kind } = args;
      const found = await build.resolve(args.path, { importer, resolveDir, kind, pluginData: trying });
      if (found.errors.length === 0 && !(nodeModule(args.path) && isPackage(args.path, found)))
        return undefined;
    }
    const path = args.path.startsWith("node:") ? args.path : `node:${args.path}`;
    const user = nodeModule(path) ? null : packageOf(args.importer);
    return { path, namespace: OWN, ...(user === null ? {} : { suffix: `?${user}` }) };
  });
  build.onLoad(
    { filter: /^node:/, namespace: OWN },
    ({ path, suffix }): OnLoadResult => ({ contents: standIn(path, suffix.slice(1)), loader: "js" }),
  );
}

/** Whether what a bare name was resolved to is the npm package of that name, and no substitute that somebody chose. */
const isPackage = (name: string, { namespace, path }: ResolveResult): boolean =>
  namespace === "file" && path.replaceAll("\\", "/").includes(`/node_modules/${name.split("/", 1)[0]}/`);

/** @param user the package that imports it; empty for the program itself */
function standIn(name: string, user: string): string {
  const found = nodeModule(name);
  if (found)
    return `module.exports = ${MODULE}(${JSON.stringify(found.part)})${found.member && `.${found.member}`};`;
  const bare = name.slice("node:".length);
  const live = (LIVE[bare] ?? []).map((entry) => entry.split("="));
  const globals = Object.fromEntries(live.map(([member, global]) => [member, global ?? member]));
  const end = (user === "" ? "" : `; the package "${user}" needs it`) + reasonOf(name);
  return `${STAND_IN}module.exports = standIn(${JSON.stringify(name)}, "", ${JSON.stringify(globals)}, ${JSON.stringify(end)});`;
}

// A function underneath, so that what is read from it can be called, constructed and extended. Namespace objects of
// ES imports inherit from the module's prototype, hence `getPrototypeOf`; its own does not, or `instanceof` would
// never end.
const STAND_IN = `
function standIn(module, path, live, end, leaf) {
  const fail = () => {
    throw new Error(JSON.stringify(module) + " is not available inside a sandbox" + (path && " (" + path + ")") + end);
  };
  const handler = {
    get(target, key) {
      if (Object.hasOwn(target, key) && key !== "name" && key !== "length") return target[key];
      if (key === Symbol.toPrimitive) return fail;
      if (typeof key === "symbol" || key === "__esModule" || key === "then" || key === "toJSON") return undefined;
      if (key === "default" && !path) return self;
      if (key === "bind") return () => self;
      const there = live[key]?.split(".").reduce((from, name) => from?.[name], globalThis);
      if (there !== undefined) return there;
      return standIn(module, path ? path + "." + key : key, {}, end, true);
    },
    apply: fail,
    construct: fail,
  };
  if (!leaf) handler.getPrototypeOf = () => standIn(module, path, live, end, true);
  const self = new Proxy(function () {}, handler);
  return self;
}
`;
