import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Runs the whole suite on the oldest Node that Capsule supports, which is installed beside the others when missing. */
const VERSION = "24.21.0";

const root = fileURLToPath(new URL("..", import.meta.url));
const home = join(root, "node_modules", ".node24");
const bin = join(home, "node_modules", "node", "bin");

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(bin, "node"))) {
  mkdirSync(home, { recursive: true });
  const manifest = { private: true, allowScripts: { node: true }, dependencies: { node: VERSION } };
  writeFileSync(join(home, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--prefix", home], process.env);
}
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
run(join(bin, "node"), [join(root, "scripts", "test.ts"), ...process.argv.slice(2)], env);
