/** Which module of the workspace imports which, and what the house allows. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/**
 * For each part of the workspace the only parts it may import beside itself; the longest name that fits a file holds.
 * `npm` stands for packages from the registry and Node's own modules.
 */
export const HOUSE: Readonly<Record<string, readonly string[]>> = {
  wasm: [],
  protocol: [],
  config: ["npm", "protocol"],
  scheduler: ["protocol"],
  artifact: ["npm", "protocol", "wasm/src/host"],
  lifecycle: ["npm", "protocol"],
  host: ["npm", "protocol"],
  "engine-javascript": ["npm", "wasm"],
  "engine-python": ["npm", "wasm"],
  "guest-javascript": ["npm", "protocol", "wasm/src/host"],
  "guest-javascript/src/drive": [
    ...["npm", "protocol", "wasm/src/host"],
    ...["guest-javascript/src/door.ts", "guest-javascript/src/guest/parts.ts"],
  ],
  "guest-python": ["npm", "protocol"],
  "guest-python/src/drive": [
    ...["npm", "protocol", "wasm/src/host"],
    ...["guest-python/src/door.ts", "guest-python/src/files.ts"],
  ],
  cell: ["npm", "protocol", "wasm/src/host", "guest-javascript/src/drive", "guest-python/src/drive"],
  runtime: [
    ...["npm", "protocol", "wasm", "config", "scheduler", "artifact", "lifecycle", "host"],
    ...["engine-javascript", "guest-javascript", "engine-python", "guest-python", "cell"],
  ],
  code: ["npm", "protocol", "host", "runtime"],
  // Programs, as those of users are.
  "code/src/guest": ["npm", "sdk"],
  "tools/src/declare": ["protocol"],
  "tools/src/describe": ["protocol", "tools/src/declare"],
  "tools/src/host": ["npm", "protocol", "guest-javascript/src/guest", "tools/src/declare"],
  cli: ["npm", "protocol", "config", "runtime", "code", "tools"],
  sdk: ["npm", "protocol", "guest-javascript/src/guest", "tools/src/declare", "tools/src/describe"],
  adapter: ["npm", "sdk"],
};

/** Imports, re-exports and dynamic imports, types too. */
const IMPORTS = [
  /^(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm,
  /^import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']\s*\)/g,
];

export function importsOf(source: string): string[] {
  // Comments and template strings may hold whole programs.
  const code = source.replace(/\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^\\`])*`/g, '""').replace(/^\s*\/\/.*$/gm, "");
  return IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] as string));
}

const SCOPE = "@capsule-run/";

/** The path below `packages` that an import means; `npm` for what is not in the workspace. */
export function targetOf(packages: string, file: string, specifier: string): string {
  if (specifier.startsWith(".")) {
    const path = relative(packages, resolve(dirname(file), specifier))
      .split(sep)
      .join("/");
    return path.startsWith("../") ? "outside the packages" : path;
  }
  if (!specifier.startsWith(SCOPE)) return "npm";
  const [name = "", ...rest] = specifier.slice(SCOPE.length).split("/");
  const { exports } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const entry: unknown = exports?.[rest.length > 0 ? `./${rest.join("/")}` : "."];
  return join(name, typeof entry === "string" ? entry : "src/index.ts")
    .split(sep)
    .join("/");
}

const within = (path: string, part: string): boolean => path === part || path.startsWith(`${part}/`);

/** The part of the house a file belongs to. */
function partOf(path: string): string | undefined {
  const parts = Object.keys(HOUSE).filter((part) => within(path, part));
  return parts.sort((a, b) => b.length - a.length)[0];
}

/** What is shipped, not what tests it. */
const isShipped = (path: string): boolean =>
  /\/src\/.*\.ts$/.test(path) && !/\.test\.ts$|\/testing[./]|\.d\.ts$/.test(path);

/** Every import that the house does not allow, in words. */
export function violations(packages: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync(packages, { recursive: true, encoding: "utf8" })) {
    const path = name.split(sep).join("/");
    if (path.includes("node_modules/") || !isShipped(path)) continue;
    const file = join(packages, name);
    if (!statSync(file).isFile()) continue;
    const part = partOf(path);
    if (part === undefined) {
      found.push(`${path}: this package has no place in the house; give it one in test/support/imports.ts`);
      continue;
    }
    const allowed = [part, ...(HOUSE[part] ?? [])];
    for (const specifier of importsOf(readFileSync(file, "utf8"))) {
      const target = targetOf(packages, file, specifier);
      if (!allowed.some((other) => within(target, other)))
        found.push(
          `${path} imports ${specifier} (${target}), but ${part} may import only ${allowed.join(", ")}`,
        );
    }
  }
  return found;
}
