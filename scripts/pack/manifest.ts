/** What of a package's `package.json` is published. */
import { posix } from "node:path";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly description?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, Entry>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: Readonly<Record<string, unknown>>;
}

type Entry = string | { readonly types: string; readonly default: string };

/** What only those need who work on the package. */
const LEFT_OUT = new Set(["private", "scripts", "devDependencies", "publishConfig"]);

/** A declaration for those who `require` the package: a copy, because what it says holds for both. */
export const commonDeclaration = (path: string): string => path.replace(/\.d\.ts$/, ".d.cts");

/** The declarations that the entries of a package lead to, by their paths in it: the compiler writes more. */
export function declarationsOf(
  { exports, publishConfig }: Manifest,
  read: (path: string) => string,
): ReadonlySet<string> {
  const entries = (publishConfig?.exports ?? exports ?? {}) as NonNullable<Manifest["exports"]>;
  const found = new Set<string>();
  const follow = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const [, name = ""] of read(path).matchAll(/(?:from|import\() ?"(\.{1,2}\/[^"]+)\.js"/g))
      follow(posix.join(posix.dirname(path), `${name}.d.ts`));
  };
  for (const entry of Object.values(entries))
    if (typeof entry !== "string") follow(posix.normalize(entry.types));
  return found;
}

/** The text of such a copy, whose neighbours are copies too. */
export const commonText = (text: string): string =>
  text.replaceAll(/((?:from|import\() ?"\.{1,2}\/[^"]+)\.js"/g, '$1.cjs"');

/**
 * The manifest that goes into the tarball: `publishConfig` in place of what the workspace uses, nothing that only
 * developers need, and for each entry with types those of ES modules and of CommonJS: Node gives `require` the same module.
 * @param released names of the packages of this workspace that are published
 * @throws Error for what would not work at the user's
 */
export function publishedManifest(
  manifest: Manifest,
  released: ReadonlySet<string>,
): Record<string, unknown> {
  const all = { ...manifest, ...manifest.publishConfig } as Manifest & Record<string, unknown>;
  const wrong = (what: string): Error => new Error(`${manifest.name} ${what}`);
  for (const field of ["license", "description", "engines", "files"] as const)
    if (all[field] === undefined) throw wrong(`has no field "${field}"`);
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies"] as const)
    for (const [name, range] of Object.entries(all[field] ?? {})) {
      if (!name.startsWith("@capsule-run/")) continue;
      if (!released.has(name)) throw wrong(`needs ${name}, which is not published`);
      if (range !== manifest.version) throw wrong(`needs ${name} ${range}, but this is ${manifest.version}`);
    }
  const kept = Object.entries(all).filter(([field]) => !LEFT_OUT.has(field));
  const entries = Object.entries(all.exports ?? {}).map(([path, entry]) => [path, bothWays(entry)]);
  return { ...Object.fromEntries(kept), ...(all.exports ? { exports: Object.fromEntries(entries) } : {}) };
}

function bothWays(entry: Entry): unknown {
  if (typeof entry === "string") return entry;
  const { types, default: file } = entry;
  return {
    import: { types, default: file },
    require: { types: commonDeclaration(types), default: file },
    default: file,
  };
}
