/** Bundles what runs inside the sandbox. The same sources give the same bytes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { nodeModule, PARTS, type PartName } from "./parts.ts";

/** The guest's code as script sources for the engine. */
export interface GuestSources {
  /** Evaluated first; its completion value is the entry function. */
  readonly prelude: string;
  /** What `door.library(name)` answers, by name. */
  readonly libraries: Readonly<Record<PartName, string>>;
  /** What they are made of. Paths are relative to `GUEST_FOLDER`. */
  readonly metafiles: readonly Metafile[];
}

interface Bundled {
  readonly text: string;
  readonly metafile: Metafile;
}

/** The folder of what runs inside the sandbox. */
export const GUEST_FOLDER = fileURLToPath(new URL(".", import.meta.url));

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Puts `libraries/utf8.ts` in place of the package's own UTF-8, which it falls back to. */
const nativeUtf8: Plugin = {
  name: "native-utf8",
  setup({ onResolve }) {
    const ours = file("libraries/utf8.ts");
    onResolve({ filter: /^@exodus\/bytes\/utf8\.js$/ }, ({ importer }) =>
      importer === ours ? undefined : { path: ours },
    );
  },
};

/**
 * The tables of international domains in a form that is four times cheaper to load: the engine parses JSON faster than
 * code, and compiles an expression when it is loaded, used or not.
 */
const cheapTables: Plugin = {
  name: "cheap-tables",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]tr46[\\/]lib[\\/]mappingTable\.json$/ }, ({ path }) => ({
      contents: `module.exports = JSON.parse(${JSON.stringify(readFileSync(path, "utf8"))})`,
    }));
    onLoad({ filter: /[\\/]tr46[\\/]lib[\\/]regexes\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(
        /^const (\w+) = \/(.*)\/(\w*);$/gm,
        (_, name, text, flags) =>
          `let ${name}_; const ${name} = { test: (s) => (${name}_ ??= new RegExp(${JSON.stringify(text)}, "${flags}")).test(s) };`,
      ),
    }));
  },
};

/** Gives the errors of `URL` what Node's have: packages look at their `code`. */
const errorsOfUrl: Plugin = {
  name: "errors-of-url",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]whatwg-url[\\/]lib[\\/]URL-impl\.js$/ }, ({ path }) => {
      let count = 0;
      const contents = readFileSync(path, "utf8").replace(
        /new TypeError\(`Invalid (?:base )?URL: \$\{(\w+)\}`\)/g,
        (_, given: string) => {
          count++;
          const input = given === "v" ? "input: v" : "input: url, ...(base === undefined ? {} : { base })";
          return `Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", ${input} })`;
        },
      );
      if (count !== 3) throw new Error(`${path} has other errors than it had`);
      return { contents };
    });
  },
};

interface BundleOptions extends Pick<BuildOptions, "alias" | "plugins" | "define"> {
  readonly banner?: string;
  readonly footer?: string;
}

/** One script whose completion value is what the module `path` exports as `name`. */
async function bundle(path: string, name: string, more: BundleOptions = {}): Promise<Bundled> {
  const { banner, footer, ...options } = more;
  const result = await build({
    entryPoints: [path],
    absWorkingDir: GUEST_FOLDER,
    bundle: true,
    metafile: true,
    write: false,
    format: "cjs",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    minifyWhitespace: true,
    minifySyntax: true,
    treeShaking: true,
    charset: "ascii",
    legalComments: "none",
    logLevel: "silent",
    plugins: [nativeUtf8],
    ...options,
    banner: { js: banner ?? '(()=>{"use strict";const module={exports:{}},exports=module.exports;' },
    footer: { js: footer ?? `return module.exports.${name}})()` },
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error(`no output for ${path}`);
  return { text: output.text, metafile: result.metafile };
}

/**
 * What the parts that are Node's modules import: each other, by the kit, and the globals in place of packages that would
 * bring them.
 */
const nodeParts: Plugin = {
  name: "node-parts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^capsule:kit$/ }, () => ({ path: "kit", namespace: "capsule" }));
    onResolve({ filter: /^(?:node:)?[a-z_]+(?:\/[a-z]*)?$/ }, ({ path }) => {
      const name = path.replace(/^node:|\/$/g, "");
      return nodeModule(name) || name in REPLACED ? { path: name, namespace: "capsule" } : undefined;
    });
    onLoad({ filter: /.*/, namespace: "capsule" }, ({ path }) => {
      const found = nodeModule(path);
      const expression = found
        ? `__kit.loadPart("node-${found.part}")${found.member && `.${found.member}`}`
        : REPLACED[path];
      return { contents: `module.exports = ${expression};` };
    });
  },
};

/** Expressions in place of modules. */
const REPLACED: Readonly<Record<string, string>> = {
  kit: "{ kit: __kit }",
  "abort-controller": "globalThis",
  /** Of `EventEmitterAsyncResource`: there is nothing that could be followed. */
  async_hooks: "{ AsyncResource: class {} }",
};

/** Nobody who uses `url.parse` wants to hear of it. */
const NO_WARNINGS = { "console.warn": "Boolean" };

/** A part that is one of Node's modules: a function from the kit to the module. */
const bundleNode = (name: string): Promise<Bundled> =>
  bundle(file(`node/${name}.ts`), "default", {
    plugins: [nodeParts],
    // What these packages look for in it is not for users; a look would cost a program its snapshot.
    define: { global: "globalThis", "process.env": "{}", ...(name === "url" ? NO_WARNINGS : {}) },
    banner: '(__kit=>{"use strict";const module={exports:{}},exports=module.exports;',
    footer: "return module.exports.default})",
  });

/** What the URL part does without: encodings other than UTF-8 in queries, and IDNA tables before they are needed. */
const URL_ALIAS = {
  "@exodus/bytes/encoding.js": file("libraries/percent.ts"),
  "@exodus/bytes/whatwg.js": file("libraries/percent.ts"),
  tr46: file("libraries/domains.ts"),
};

const OPTIONS: Partial<Record<PartName, BundleOptions>> = {
  url: { alias: URL_ALIAS, plugins: [nativeUtf8, errorsOfUrl] },
  idna: { plugins: [nativeUtf8, cheapTables] },
};

/** Bundles the prelude and every part of the library. Takes under a second. */
export async function buildGuest(): Promise<GuestSources> {
  const names = Object.keys(PARTS) as PartName[];
  const all = await Promise.all([
    bundle(file("prelude.ts"), "entry"),
    ...names.map((name) =>
      name.startsWith("node-")
        ? bundleNode(name.slice("node-".length))
        : bundle(file(`libraries/${name}.ts`), "make", OPTIONS[name] ?? {}),
    ),
  ]);
  const [prelude, ...parts] = all.map(({ text }) => text);
  const libraries = Object.fromEntries(names.map((name, i) => [name, parts[i] as string]));
  return {
    prelude: prelude as string,
    libraries: libraries as Record<PartName, string>,
    metafiles: all.map(({ metafile }) => metafile),
  };
}
