/** A program that changes what speaks for it, in a cell that others have their sandboxes in, too. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createRuntime } from "@capsule-run/runtime";
import { folder } from "./support/capsule.ts";

/** Replaces each of the prelude's functions that write JSON, or answer for it. */
const CHANGED = (text: string, names: string): string => `
import gc, sys, types, capsule.place
def change():
    seen, waiting, changed = set(), [capsule.place], []
    frame = sys._getframe()
    while frame is not None:
        waiting.append(frame.f_globals)
        frame = frame.f_back
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, types.FunctionType) and "capsule" in each.__code__.co_filename and each.__name__ in ${names}:
            changed.append(each)
        if isinstance(each, (types.ModuleType, types.FunctionType, types.MethodType, dict, type, tuple)):
            waiting.extend(gc.get_referents(each))
    for each in changed:
        try:
            each.__code__ = (lambda *args, **options: ${text}).__code__
            each.__defaults__ = each.__kwdefaults__ = None
        except ValueError:
            pass
    assert changed, "found none"
`;
/** Says something else of itself when it was loaded. */
const LOADED = (text: string): string =>
  `import json\njson.dumps = lambda *args, **options: '${text}'\ndef main():\n    return 1\n`;
const ATTACKS: Readonly<Record<string, string>> = {
  "a result that is no JSON": `${CHANGED('b"[1,"', '("to_json",)')}
def main():
    change()
    return 1
`,
  "arguments that are none": `${CHANGED('b"{1"', '("to_json", "arguments_json")')}
from capsule import task
@task
def child(x):
    return x
def main():
    change()
    for n in range(3):
        child(n)
    return 1
`,
  "an idle end that never was": `${CHANGED('b"I,1e300"', '("finished", "turn")')}
def main():
    change()
    return 1
`,
  "a report of no words": `${CHANGED(`b'E{"name":5,"message":{},"stack":"' + b'x' * 600000 + b'"}'`, '("failed", "report")')}
def main():
    change()
    raise ValueError("x")
`,
  "a report of any depth": `${CHANGED(`b'E{"name":"E","message":"m","stack":"s","cause":' + b'[' * 200000 + b']' * 200000 + b'}'`, '("failed", "report")')}
def main():
    change()
    raise ValueError("x")
`,
  "a report that is no object": `${CHANGED("b'Enull'", '("failed", "report")')}
def main():
    change()
    raise ValueError("x")
`,
  "tasks that are none": LOADED('{"tasks":null,"entry":5,"notice":{}}'),
  "an entry of any length": LOADED(`{"tasks":[],"entry":"${"m".repeat(5000)}","notice":""}`),
};

test("harms nobody else there", { timeout: 60_000 }, async () => {
  const cwd = folder();
  writeFileSync(join(cwd, "capsule.toml"), "");
  writeFileSync(join(cwd, "victim.py"), "import time\ndef main(s):\n    time.sleep(s)\n    return 'well'\n");
  await using runtime = await createRuntime({ cwd, record: false, cells: 1 });
  await runtime.load("victim.py");
  for (const [what, text] of Object.entries(ATTACKS)) {
    writeFileSync(join(cwd, "attack.py"), text);
    await runtime.load("attack.py").catch(() => {});
    const victim = runtime.run({ file: "victim.py", args: [0.6] });
    const attack = await runtime.run({ file: "attack.py" }).then(
      ({ envelope }) => (envelope.success ? "success" : envelope.error.message),
      (error: Error) => error.message,
    );
    const { envelope } = await victim;
    assert.ok(envelope.success, `${what}: ${envelope.success || envelope.error.message}`);
    assert.doesNotMatch(attack, /cell (broke|ended|was)|TypeError/, what);
  }
});
