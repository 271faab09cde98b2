/** The examples that reach files, hosts, variables and secrets, and those that run into limits, each in both languages. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { capsule, cleanEnvironment, type Envelope, readEnvelope } from "./support/capsule.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const LANGUAGES = ["ts", "py"] as const;

interface Request {
  readonly url: string;
  readonly status: number | null;
}

async function runExample<T>(file: string, extra: NodeJS.ProcessEnv = {}): Promise<Envelope<T>> {
  const ended = await capsule(["run", "--json", `examples/${file}`], { cwd: root, extra });
  const envelope = readEnvelope<T>(ended);
  assert.equal(envelope.error, null, ended.stderr);
  assert.equal(ended.code, 0);
  return envelope;
}

const requestsOf = ({ execution }: Envelope): readonly Request[] =>
  execution.host_requests as readonly Request[];

/** Runs a server of the examples while the tests of a suite run. */
function withServer(file: string, extra: NodeJS.ProcessEnv = {}): void {
  let server: ChildProcess | undefined;
  before(async () => {
    server = spawn(process.execPath, [`${root}/examples/${file}`], {
      env: cleanEnvironment(extra),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await Promise.race([
      once(server.stdout as NonNullable<typeof server.stdout>, "data"),
      once(server, "exit"),
    ])) as [unknown];
    assert.ok(said instanceof Buffer, `examples/${file} does not start`);
  });
  after(() => void server?.kill());
}

describe("files", () => {
  const digest = `${root}/examples/files/out/digest.md`;
  for (const language of LANGUAGES)
    test(`digest.${language}: reads one folder, writes another, and can't cross over`, async () => {
      rmSync(digest, { force: true });
      const { result } = await runExample<string>(`files/digest.${language}`);
      assert.match(result, /^2 notes in out\/digest\.md; reading them from here: .*[Nn]o such file/);
      assert.equal(readFileSync(digest, "utf8"), "- Monday: 10 words\n- Tuesday: 15 words\n");
      rmSync(digest);
    });
});

describe("http", () => {
  withServer("http/server.ts");
  for (const language of LANGUAGES)
    test(`weather.${language}: asks the host it names, and reaches no other`, async () => {
      const envelope = await runExample<string>(`http/weather.${language}`);
      const [oslo, lagos, lima, atlantis, metadata] = envelope.result.split("\n");
      assert.deepEqual([oslo, lagos, lima], ["Oslo: 4 °C", "Lagos: 31 °C", "Lima: 19 °C"]);
      assert.equal(atlantis, "404: no weather for Atlantis");
      assert.match(metadata ?? "", /^refused: "169\.254\.169\.254" is not among the hosts/);
      const statuses = requestsOf(envelope).map(({ status }) => status);
      assert.deepEqual(statuses, [200, 200, 200, 404, null]);
    });
});

describe("environment", () => {
  for (const language of LANGUAGES)
    test(`env.${language}: sees the variables it names`, async () => {
      const { result } = await runExample<string>(`env.${language}`, { GREETING: "Hello", NAME: "Ada" });
      assert.equal(result, "Hello, Ada! I can see GREETING, NAME.");
      const bare = await capsule(["run", `examples/env.${language}`], { cwd: root });
      assert.match(bare.stdout, /^Hi, you! I can see nothing\./);
    });
});

describe("secrets", () => {
  const SERVICE_KEY = "correct-horse-battery";
  withServer("secrets/server.ts", { SERVICE_KEY });
  for (const language of LANGUAGES)
    test(`whoami.${language}: is known by a key that it never has`, async () => {
      const envelope = await runExample<{ user: string; iHold: string; theServiceGotWhatISee: boolean }>(
        `secrets/whoami.${language}`,
        { SERVICE_KEY },
      );
      const { user, iHold, theServiceGotWhatISee } = envelope.result;
      assert.deepEqual([user, theServiceGotWhatISee], ["ada", true]);
      assert.equal(iHold.length, SERVICE_KEY.length);
      assert.ok(!JSON.stringify(envelope).includes(SERVICE_KEY));
    });
});

describe("agents", () => {
  withServer("agents/model.ts");
  for (const language of LANGUAGES)
    test(`agents.${language}: a planner, researchers and a writer`, async () => {
      const { result } = await runExample<string>(`agents/agents.${language}`);
      assert.match(result, /^In short: WebAssembly has .* Fuel counts .* A journal lets /);
    });
});

describe("limits", () => {
  for (const language of LANGUAGES)
    test(`limits.${language}: runs into each, and goes on`, async () => {
      const { result } = await runExample<Record<string, string>>(`limits/limits.${language}`);
      const types = Object.entries(result).map(([limit, end]) => [limit, /^"?([a-z_]+)/.exec(end)?.[1]]);
      assert.deepEqual(Object.fromEntries(types), {
        fuel: "out_of_fuel",
        memory: "out_of_memory",
        time: "timeout",
        stack: "stack_overflow",
        result: "invalid_result",
        files: "task_error",
        hosts: "task_error",
        tasks: "limit_exceeded",
      });
      assert.match(result.files ?? "", /[Nn]o such file/);
      assert.match(result.hosts ?? "", /"localhost" is not among the hosts/);
    });
});
