/** The operator's ceiling: a program that nobody has read gets nothing beyond it, whatever it asks for. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { capsule, type Envelope, folder, program, readEnvelope } from "./support/capsule.ts";

const SECRET = "hunter2-of-the-operator";
const VARIABLES = { POLICY_TEST_KEY: SECRET };

let server: Server;
let host = "";
/** Requests that arrived. */
let hits = 0;
before(async () => {
  server = createServer((_, response) => {
    hits++;
    response.end(SECRET);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

/** What a task got hold of, by the way it took. */
type Loot = Readonly<Record<string, unknown>>;

/** Asks for everything, in `main` and in a sub-task, and tries every way to it. */
const typescript = (): string =>
  program(`
    import fs from "node:fs";
    const everything = { allowedHosts: ["*", "${host}"], allowedFiles: ["."], envVariables: ["POLICY_TEST_KEY", "HOME"] };
    const got = async (take: () => any): Promise<any> => { try { return await take(); } catch (error) { return null; } };
    const loot = async () => ({
      host: await got(async () => (await fetch("http://${host}/")).text()),
      variable: (await got(() => process.env.POLICY_TEST_KEY)) ?? null,
      variables: Object.keys(process.env).length,
      named: await got(() => fs.readFileSync("secret.txt", "utf8")),
      open: await got(() => fs.promises.readFile("sec" + "ret.txt", "utf8")),
      deep: await got(() => fs.readFileSync("/app/deep/secret.txt", "utf8")),
      outside: await got(() => fs.readFileSync("/etc/hostname", "utf8")),
      parent: await got(() => fs.readFileSync("../../etc/hostname", "utf8")),
      written: await got(() => fs.writeFileSync("made.txt", "x") ?? "written"),
      copied: await got(() => fs.copyFileSync("secret.txt", "copy.txt") ?? "copied"),
      listed: ((await got(() => fs.readdirSync("/app"))) ?? []).filter((name) => !/^(main|[.])/.test(name)).sort(),
    });
    const child = task({ name: "child", ...everything }, loot);
    export const main = task({ name: "main", ...everything }, async () => [await loot(), (await child()).result]);`);

const python = (): string => `
import os, shutil, urllib.request
from pathlib import Path
from capsule import task
EVERYTHING = dict(allowed_hosts=["*", "${host}"], allowed_files=["."], env_variables=["POLICY_TEST_KEY", "HOME"])

def got(take):
    try:
        return take()
    except Exception:
        return None

def loot():
    return {
        "host": got(lambda: urllib.request.urlopen("http://${host}/").read().decode()),
        "variable": os.environ.get("POLICY_TEST_KEY"),
        "variables": len(os.environ),
        # The first is named by a string, which would be packed with the program.
        "named": got(lambda: open("secret.txt").read()),
        "open": got(lambda: open("sec" + "ret" + ".txt").read()),
        "deep": got(lambda: Path("/app", "de" + "ep", "secret" + ".txt").read_text()),
        "outside": got(lambda: open("/etc/hostname").read()),
        "parent": got(lambda: open("../../etc/hostname").read()),
        "written": got(lambda: Path("made" + ".txt").write_text("x")),
        "copied": got(lambda: shutil.copy("sec" + "ret.txt", "copy" + ".txt")),
        "listed": sorted(name for name in os.listdir("/app") if not name.startswith(("main", "."))),
    }

@task(**EVERYTHING)
def child():
    return loot()

@task(**EVERYTHING)
def main():
    return [loot(), child()["result"]]
`;

interface Looted {
  readonly loot: readonly Loot[];
  readonly stderr: string;
  readonly hits: number;
  readonly cwd: string;
}

/** Runs a program in a project of its own, below a ceiling. */
async function run(file: string, toml: string, options: readonly string[] = []): Promise<Looted> {
  const files = { [file]: file === "main.py" ? python() : typescript(), "capsule.toml": toml };
  const cwd = folder({ ...files, "secret.txt": SECRET, "deep/secret.txt": SECRET });
  const before = hits;
  const ended = await capsule(["run", "--json", ...options, file], { cwd, extra: VARIABLES });
  const envelope: Envelope<readonly Loot[]> = readEnvelope(ended);
  assert.equal(envelope.error, null, `${envelope.error?.message}\n${ended.stderr}`);
  return { loot: envelope.result, stderr: ended.stderr, hits: hits - before, cwd };
}

const CEILING = "[policy]\nallowed_hosts = []\nallowed_files = []\nenv_variables = []\n";

for (const file of ["main.ts", "main.py"])
  describe(`a program that asks for everything: ${file}`, () => {
    test("without a ceiling it gets what it asks for, and no more", async () => {
      const { loot, hits } = await run(file, "");
      assert.equal(hits, 2);
      for (const each of loot) {
        assert.deepEqual([each.host, each.variable], [SECRET, SECRET]);
        assert.deepEqual([each.named, each.open, each.deep], [SECRET, SECRET, SECRET]);
        assert.deepEqual([each.outside, each.parent], [null, null]);
      }
    });

    for (const [how, toml, options] of [
      ["[policy] that allows nothing", CEILING, []],
      ["--sealed", "", ["--sealed"]],
      ["--sealed above a [policy] that allows everything", '[policy]\nallowed_hosts = ["*"]\n', ["--sealed"]],
    ] as const)
      test(`${how}: it reaches nothing, and --verbose says what was cut`, async () => {
        const { loot, hits, stderr, cwd } = await run(file, toml, ["--verbose", ...options]);
        assert.equal(hits, 0, "no request left");
        assert.equal(loot.length, 2);
        for (const { variables, listed, ...taken } of loot) {
          assert.deepEqual([variables, listed ?? []], [0, []]);
          for (const [way, got] of Object.entries(taken)) assert.equal(got, null, way);
        }
        assert.equal(readFileSync(join(cwd, "secret.txt"), "utf8"), SECRET);
        for (const task of ["main", "child"])
          assert.match(
            stderr,
            new RegExp(
              `${task} \\[[0-9.]+\\] asks for more than it may have: allowed_files: "\\." is cut to nothing; `,
            ),
          );
        assert.match(stderr, /allowed_hosts: "\*" is cut to nothing; .*env_variables: "POLICY_TEST_KEY"/);
      });

    test("what a ceiling allows it gets, and only that", async () => {
      const toml = `[policy]\nallowed_hosts = ["*", "127.0.0.1:1"]\nallowed_files = [{ path = "deep", mode = "ro" }]\nenv_variables = ["POLICY_TEST_KEY"]\n`;
      const { loot, hits } = await run(file, toml);
      assert.equal(hits, 0, "`*` is the public internet: it names no address of this machine");
      for (const each of loot) {
        assert.deepEqual([each.host, each.variable, each.variables], [null, SECRET, 1]);
        assert.deepEqual([each.named, each.open, each.deep], [null, null, SECRET]);
        assert.deepEqual([each.written, each.copied, each.listed], [null, null, ["deep"]]);
      }
    });
  });

test("data that TypeScript imports is held to the ceiling too", async () => {
  const source = program(
    'import secret from "./secret.json";\nexport const main = task({ name: "main" }, () => secret);',
  );
  const cwd = folder({ "main.ts": source, "secret.json": `["${SECRET}"]` });
  const free = await capsule(["run", "main.ts"], { cwd });
  assert.equal(free.stdout, `["${SECRET}"]\n`, free.stderr);
  const sealed = await capsule(["run", "--sealed", "main.ts"], { cwd });
  assert.deepEqual([sealed.code, sealed.stdout], [2, ""]);
  assert.match(sealed.stderr, /operator gives it no such file[\s\S]*main\.ts:2:\d+/);
  assert.ok(!sealed.stderr.includes(SECRET));
});

test("an artifact is held to the ceiling of where it runs", async () => {
  const cwd = folder({ "main.ts": typescript() });
  const built = await capsule(["build", "--export", "main.ts"], { cwd });
  assert.equal(built.code, 0, built.stderr);
  const exec = async (...options: readonly string[]) => {
    const ended = await capsule(["exec", "--json", ...options, "main.wasm"], { cwd, extra: VARIABLES });
    return readEnvelope<readonly Loot[]>(ended).result;
  };
  const before = hits;
  const nothing = (loot: readonly Loot[]): void => {
    assert.equal(loot.length, 2);
    for (const { variables, listed, ...taken } of loot)
      assert.deepEqual([variables, listed, new Set(Object.values(taken))], [0, [], new Set([null])]);
  };
  nothing(await exec("--sealed"));
  writeFileSync(join(cwd, "capsule.toml"), CEILING);
  nothing(await exec());
  assert.equal(hits, before);
});

const MOUNTS = `
from pathlib import Path
from capsule import task

def look():
    seen = {}
    for place in ["work", "keep", "other"]:
        folder = Path("/app") / place
        try:
            seen[place] = sorted(f.read_text() for f in folder.iterdir() if f.is_file())
        except OSError:
            seen[place] = None
        try:
            (folder / f"by-{place}.txt").write_text(place)
            seen[place].append("writable")
        except OSError:
            pass
    return seen

@task
def child():
    return look()

@task(allowed_files=[{"path": "data/" + "keep", "mode": "ro"}])
def careful():
    return look()

@task
def main():
    return [look(), child()["result"], careful()["result"]]
`;

test("--mount gives folders to all tasks, never wider than a task declares or a ceiling allows", async () => {
  const files = {
    "main.py": MOUNTS,
    "data/keep/k.txt": "kept",
    "data/d.txt": "data",
    "other/o.txt": "other",
  };
  const mounts = ["data::work:ro", "data/keep::keep", "other"].flatMap((mount) => ["--mount", mount]);
  const cwd = folder({ ...files, "capsule.toml": '[policy]\nallowed_files = ["data"]\n' });
  const ended = await capsule(["run", "--json", "--verbose", ...mounts, "main.py"], { cwd });
  const envelope = readEnvelope<readonly unknown[]>(ended);
  const plain = { work: ["data"], keep: ["kept", "writable"], other: null };
  assert.deepEqual(envelope.result?.[0], plain, ended.stderr);
  assert.deepEqual(
    envelope.result[1],
    { ...plain, keep: ["keep", "kept", "writable"] },
    "sub-tasks inherit them",
  );
  assert.deepEqual(envelope.result[2], { ...plain, keep: ["keep", "kept"] }, "read-only stays read-only");
  assert.equal(readFileSync(join(cwd, "data/keep/by-keep.txt"), "utf8"), "keep");
  assert.match(ended.stderr, /main \[0\] asks for more than it may have: mount: "other" is cut to nothing/);
});

test("tasks that call themselves for ever end with the budget of their run, in both languages", async () => {
  const toml = '[workflow]\nentrypoint = "main.py"\n[policy]\nmax_tasks = 12\n';
  const twice = program(`
    const twice = task({ name: "twice" }, (): unknown => { twice(); return twice().error; });
    export const main = task({ name: "main" }, () => { twice(); return twice().error; });`);
  const zweimal = `
from capsule import task
@task
def twice():
    twice()
    return twice()["error"]
@task
def main():
    twice()
    return twice()["error"]
`;
  const cwd = folder({ "main.ts": twice, "main.py": zweimal, "capsule.toml": toml });
  for (const file of ["main.ts", ""]) {
    const { code, stdout, stderr } = await capsule(["run", ...(file ? [file] : [])], { cwd });
    assert.equal(code, 0, stderr);
    const failure = JSON.parse(stdout) as { error_type: string; message: string };
    assert.equal(failure.error_type, "limit_exceeded");
    assert.match(failure.message, /12 task executions, retries included: `max_tasks`/);
  }
});

test("what ends by an amount that the operator has lowered says whose it is", async () => {
  const source = program(`
    export const main = task({ name: "main", compute: "HIGH", timeout: "1m" }, async (how: string) => {
      while (how === "spin");
      await new Promise((go) => setTimeout(go, 60_000));
    });`);
  const toml = '[policy]\nmax_compute = "LOW"\nmax_timeout = "2s"\n';
  const cwd = folder({ "main.ts": source, "capsule.toml": toml });
  for (const [how, said] of [
    ["spin", /units of fuel; that is what `max_compute` of the policy leaves of it/],
    ["wait", /its timeout of 2s; that is what `max_timeout` of the policy leaves of it/],
  ] as const) {
    const { code, stderr } = await capsule(["run", "main.ts", how], { cwd });
    assert.equal(code, 1);
    assert.match(stderr, said);
  }
});
