/** Programs in Python that a host program in TypeScript runs. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRuntime, type Output, type Runtime } from "@capsule-run/sdk/runner";
import { folder } from "./support/capsule.ts";

const cwd = folder({
  "capsule.toml": "",
  "data/in.txt": "data",
  "limits.py": `import asyncio, os
from capsule import task

@task(compute="100000000")
async def compute():
    while True: pass

@task(ram="64MB")
async def ram():
    return len([bytearray(b"x" * 1_000_000) for _ in range(200)])

@task(compute="HIGH", timeout="100ms")
async def timeout():
    while True: pass

@task(max_retries=1)
async def retries():
    raise ValueError("again")

@task(allowed_files=[{"path": "data", "mode": "ro"}])
async def files():
    text = open("data/in.txt").read()
    try:
        open("data/in.txt", "w")
    except OSError as error:
        return f"{text} {type(error).__name__}"

@task(env_variables=["SEEN"])
async def variables():
    return f"{os.environ.get('SEEN')} {os.environ.get('HIDDEN')}"

@task
async def main():
    tasks = {"compute": compute, "ram": ram, "timeout": timeout, "retries": retries, "files": files, "variables": variables}
    ended = await asyncio.gather(*[each() for each in tasks.values()])
    told = [each["result"] if each["success"] else each["error"]["error_type"] for each in ended]
    return {name: f"{end} 1" if name == "retries" and each["execution"]["retries"] == 1 else end
        for name, end, each in zip(tasks, told, ended)}
`,
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

test("limits of tasks in Python hold on every call", async () => {
  for (let i = 0; i < 3; i++) {
    const { result } = await runtime.run<Record<string, string>>({
      file: "limits.py",
      env: { SEEN: "yes", HIDDEN: "no" },
    });
    assert.deepEqual(result, {
      ...{ compute: "out_of_fuel", ram: "out_of_memory", timeout: "timeout" },
      ...{ files: "data OSError", variables: "yes None", retries: "task_error 1" },
    });
  }
});

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
