/** Programs in Python that a host program in TypeScript runs. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRuntime, type Output, type Runtime } from "@capsule-run/sdk/runner";
import { capsule as commandLine, folder } from "./support/capsule.ts";

const cwd = folder({
  "capsule.toml": "",
  "echo.py": `from capsule import task

@task
def main(*args):
    print("python")
    return [*args, 2**70]
`,
});

let runtime: Runtime;
before(async () => {
  runtime = await createRuntime({ cwd });
});
after(() => runtime.close());

test("programs in Python, with integers that only the text has exactly", async () => {
  let printed = "";
  const onOutput = ({ text }: Output): void => {
    printed += text;
  };
  for (let i = 0; i < 2; i++) {
    const answer = await runtime.run<unknown[]>({ file: "echo.py", args: [{ a: [1] }], onOutput });
    assert.equal(answer.resultJson?.replaceAll(" ", ""), '[{"a":[1]},1180591620717411303424]');
    assert.equal(answer.result?.[1], 2 ** 70);
  }
  assert.equal(printed, "python\npython\n");
});

test("an exported program in Python, and one that takes its place", async () => {
  const edition = async (n: number): Promise<void> => {
    writeFileSync(
      join(cwd, "moved.py"),
      `from capsule import task\n\n@task\ndef main(x):\n    return [${n}, x]\n`,
    );
    const built = await commandLine(["build", "--export", "moved.py"], { cwd });
    assert.equal(built.code, 0, built.stderr);
    rmSync(join(cwd, "moved.py"));
  };
  for (const n of [1, 2]) {
    await edition(n);
    for (let i = 0; i < 2; i++)
      assert.deepEqual((await runtime.run({ file: "moved.wasm", args: [i] })).result, [n, i]);
  }
});
