import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { bundleProgram } from "./index.ts";

const place = realpathSync(mkdtempSync(join(tmpdir(), "capsule-confine-")));
const root = join(place, "project");

function write(path: string, text: string): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const sdk = write("sdk/sdk.js", "export const task = 1;");
write("secret.txt", "hunter2");
write("secret.json", '{"key":"hunter2"}');
write("outside.ts", "export default 1;");
write("project/.env", "KEY=hunter2");
write("project/.git/config", "hunter2");
write("project/.hidden/code.ts", "export default 'fine';");
write("project/data.json", "[1]");
write("project/deep/inside.ts", "export default 'fine';");
write("project/node_modules/evil/index.js", 'export { default } from "../../../secret.json";');
write("project/node_modules/good/index.js", "export default 'fine';");
write("node_modules/hoisted/index.js", "export default 'fine';");
write("libraries/linked/index.js", "export default 'fine';");
write("libraries/linked/package.json", '{"name":"linked"}');
symlinkSync(join(place, "libraries/linked"), join(root, "node_modules/linked"));
symlinkSync(join(place, "secret.txt"), join(root, "innocent.txt"));

const bundle = (line: string, data?: readonly string[]) => {
  const file = write("project/main.ts", `${line}\nconsole.log(x);\n`);
  return bundleProgram({ file, root, sdk, cwd: root, data });
};

for (const [what, line, message] of [
  [
    "an absolute path",
    `import x from "${place}/secret.txt" with { type: "text" };`,
    /outside of the project/,
  ],
  ["a path that climbs", 'import x from "../secret.json";', /outside of the project/],
  ["code beside the project", 'import x from "../outside.ts";', /outside of the project/],
  ["a link out of the project", 'import x from "./innocent.txt";', /outside of the project/],
  ["a package that climbs", 'import x from "evil";', /outside of the project/],
  ["a hidden file", 'import x from "./.env" with { type: "text" };', /Hidden files/],
  ["a file in a hidden folder", 'import x from "./.git/config" with { type: "text" };', /Hidden files/],
] as const)
  test(`a program can't import ${what}`, async () => {
    await assert.rejects(bundle(line), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.slug, "outside-project");
      assert.match(error.text, message);
      assert.ok(error.place, "the error stands at the import");
      assert.doesNotMatch(JSON.stringify({ ...error, cause: null }), /hunter2/);
      return true;
    });
  });

for (const [what, line] of [
  ["a file of the project", 'import x from "./deep/inside.ts";'],
  ["data of the project", 'import x from "./data.json";'],
  ["code in a hidden folder", 'import x from "./.hidden/code.ts";'],
  ["an installed package", 'import x from "good";'],
  ["a package installed further up", 'import x from "hoisted";'],
  ["a package that is linked", 'import x from "linked";'],
] as const)
  test(`a program may import ${what}`, async () => {
    assert.match((await bundle(line)).code, /fine|1/);
  });

write("project/open/in.csv", "fine");
symlinkSync(join(root, "data.json"), join(root, "open/link.json"));
write("project/node_modules/good/package.json", '{"name":"good","fine":1}');

test("what an operator keeps from a program can't be imported into it", async () => {
  const closed = ['import x from "./data.json";', 'import x from "./data.json" with { type: "text" };'];
  for (const line of [...closed, 'import x from "./open/in.csv";'])
    await assert.rejects(bundle(line, []), /operator gives it no such file/);
  for (const line of [...closed, 'import x from "./open/link.json";'])
    await assert.rejects(bundle(line, ["open"]), /operator gives it no such file/);
  const fine = ['import x from "./deep/inside.ts";', 'import x from "good/package.json";'];
  for (const line of fine) assert.match((await bundle(line, [])).code, /fine/);
  assert.match((await bundle('import x from "./open/in.csv";', ["open"])).code, /fine/);
  assert.match((await bundle('import x from "./data.json";', ["."])).code, /1/);
});
