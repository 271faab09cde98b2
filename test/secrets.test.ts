/** Secrets: a sandbox has placeholders, the hosts of a secret get its value, and it comes back nowhere. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { capsule, type Ended, type Envelope, folder, program, readEnvelope } from "./support/capsule.ts";

/** Each has characters that encodings change, and is found in none of the others. */
const VALUES = {
  API_KEY: 'sk-4f"W9/x+Q=7z&LmT%2b',
  FILE_KEY: "file-R8t2Vw6Yb1Nc",
  SHELL_KEY: "shell-Zk3Jp9Qd5Xs",
} as const;
/** In which the value stands, too. */
const DATABASE = `postgres://user:${encodeURIComponent(VALUES.API_KEY)}@db.test/`;

interface Arrived {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that remembers what arrived and gives it back in every way. */
interface Echo {
  readonly host: string;
  readonly arrived: Arrived[];
  close(): void;
}

const CODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString("base64"),
  base64b: (text) => Buffer.from(`a${text}`).toString("base64"),
  base64c: (text) => Buffer.from(`ab${text}`).toString("base64url"),
  url: encodeURIComponent,
  json: (text) => JSON.stringify({ text }),
  hex: (text) => Buffer.from(text).toString("hex"),
};

async function openEcho(): Promise<Echo> {
  const arrived: Arrived[] = [];
  const server: Server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { url = "", headers } = request;
    arrived.push({ url, headers, body: Buffer.concat(pieces).toString() });
    const { pathname, searchParams: query } = new URL(url, "http://a.test");
    const value = String(headers["x-key"] ?? "");
    const to = query.get("to");
    response.setHeader("x-echo", value).setHeader("x-hex", CODINGS.hex?.(value) ?? "");
    if (pathname === "/redirect") response.writeHead(307, { location: to ?? "/" }).end(value);
    else if (pathname === "/leak")
      response.writeHead(302, { location: `${to}?k=${encodeURIComponent(value)}` }).end();
    else if (pathname === "/gzip") response.setHeader("content-encoding", "gzip").end(gzipSync(value));
    else if (pathname === "/split")
      for (const [i, letter] of [...value, ""].entries())
        setTimeout(() => (letter === "" ? response.end() : response.write(letter)), i * 3);
    else if (pathname === "/status")
      response.writeHead(500, `no ${value}`.replace(/[^\x20-\x7e]/g, "")).end(value);
    else if (pathname === "/cut") {
      response.writeHead(200, { "content-length": 1000 }).write(value);
      setTimeout(() => response.destroy(), 20);
    } else response.end(CODINGS[pathname.slice(1)]?.(value) ?? "fine");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, arrived, close: () => server.close() };
}

let mine: Echo;
let other: Echo;
before(async () => {
  [mine, other] = await Promise.all([openEcho(), openEcho()]);
});
after(() => {
  mine.close();
  other.close();
});

const toml = (): string => `
[secrets]
API_KEY = { hosts = ["${mine.host}"], query = true, body = true }
FILE_KEY = { hosts = ["${mine.host}"], file = "keys/key.txt" }
SHELL_KEY = { hosts = ["${mine.host}"], command = ["${process.execPath.replaceAll("\\", "/")}", "-p", "'shell-' + 'Zk3Jp9Qd5Xs'"] }
`;

/** All that went to a server, in one text. */
const all = ({ arrived }: Echo): string => JSON.stringify(arrived);

/** The ways in which a value could be found. */
const forms = (value: string): readonly string[] => [
  ...new Set(Object.values(CODINGS).map((code) => code(value).replace(/^\{"text":"|"\}$/g, ""))),
  // What the neighbours of a value leave of its base64.
  ...[0, 1, 2].map((before) =>
    Buffer.from(" ".repeat(before) + value)
      .toString("base64")
      .slice(4, -4),
  ),
];

function assertClean(text: string, what: string): void {
  for (const [name, value] of Object.entries(VALUES))
    for (const form of forms(value)) assert.ok(!text.includes(form), `${name} as ${form} in ${what}`);
}

const ROUTES = [...Object.keys(CODINGS), "gzip", "split", "status"];

const typescript = (): string =>
  program(`
    import { get } from "node:http";
    const NAMES = ["API_KEY", "FILE_KEY", "SHELL_KEY", "DATABASE"];
    const mine = "http://${mine.host}", other = "http://${other.host}";
    const failure = (error: any): string => [error, error?.cause].map((e) => \`\${e?.name} \${e?.message} \${e?.stack}\`).join();
    export const main = task({ name: "main", compute: "HIGH", allowedHosts: ["${mine.host}", "${other.host}"], envVariables: NAMES }, async () => {
      const { API_KEY: key = "", FILE_KEY: file = "", SHELL_KEY: shell = "", DATABASE: url } = process.env;
      const back: Record<string, unknown> = {};
      for (const route of ${JSON.stringify(ROUTES)}) {
        const answer = await fetch(\`\${mine}/\${route}\`, { headers: { "x-key": key } });
        back[route] = { text: await answer.text(), status: answer.statusText, headers: [...answer.headers] };
      }
      const ask = (url: string, init?: RequestInit) => fetch(url, init).then((r) => r.text());
      await ask(mine + "/all", { headers: { authorization: "Bearer " + key, cookie: "k=" + file, "x-shell": shell } });
      await ask(mine + "/basic", { headers: { authorization: "Basic " + btoa("user:" + key) } });
      await new Promise((done) => get(mine + "/userinfo", { auth: "user:" + key }, (answer) => answer.resume().on("end", done)));
      await ask(mine + "/query?key=" + key + "&file=" + file);
      await ask(mine + "/json", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ key, file }) });
      await ask(mine + "/form", { method: "POST", body: new URLSearchParams({ key }) });
      await ask(mine + "/path/" + key);
      await ask(other + "/other?k=" + key, { method: "POST", headers: { "x-key": key, authorization: "Basic " + btoa(key) }, body: key });
      await ask(mine + "/redirect?to=" + encodeURIComponent(other + "/redirected"), { headers: { "x-key": key } });
      await ask(mine + "/leak?to=" + encodeURIComponent(other + "/leaked"), { headers: { "x-key": key } });
      await ask(mine + "/redirect?to=" + encodeURIComponent(mine + "/again"), { headers: { "x-key": key } });
      const errors = [
        await ask(mine + "/cut", { headers: { "x-key": key } }).catch(failure),
        await ask("http://nowhere.test/" + key).catch(failure),
        await ask(mine + "/" + key, { headers: { "x-key": key, host: "a.test" } }).catch(failure),
      ];
      console.log(key, JSON.stringify(back));
      console.error(file, shell, url);
      return { key, file, shell, url, back, errors };
    });`);

const python = (): string => `
import base64, gzip, json, os, sys, urllib.error, urllib.parse, urllib.request
from capsule import http, task

MINE, OTHER = "http://${mine.host}", "http://${other.host}"

def ask(url, data=None, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, {k.replace("_", "-"): v for k, v in headers.items()})) as answer:
            return {"text": answer.read().decode("latin-1"), "status": answer.reason, "headers": answer.getheaders()}
    except urllib.error.HTTPError as error:
        return {"text": error.read().decode("latin-1"), "status": error.reason, "headers": list(error.headers.items())}

def failure(*args, **headers):
    try:
        return ask(*args, **headers)
    except Exception as error:
        return repr([type(error), str(error), repr(error.__context__)])

@task(name="main", compute="HIGH", allowed_hosts=["${mine.host}", "${other.host}"], env_variables=["API_KEY", "FILE_KEY", "SHELL_KEY", "DATABASE"])
def main():
    key, file, shell, url = (os.environ[name] for name in ["API_KEY", "FILE_KEY", "SHELL_KEY", "DATABASE"])
    quote = lambda text: urllib.parse.quote(text, safe="")
    back = {route: ask(f"{MINE}/{route}", x_key=key) for route in ${JSON.stringify(ROUTES)}}
    ask(MINE + "/all", authorization="Bearer " + key, cookie="k=" + file, x_shell=shell)
    http.get(MINE + "/basic", headers={"authorization": "Basic " + base64.b64encode(("user:" + key).encode()).decode()})
    http.get(MINE.replace("//", "//user:" + key + "@") + "/userinfo")
    ask(MINE + "/query?key=" + key + "&file=" + file)
    http.post(MINE + "/json", json={"key": key, "file": file})
    ask(MINE + "/form", urllib.parse.urlencode({"key": key}).encode())
    ask(MINE + "/path/" + key)
    ask(OTHER + "/other?k=" + key, key.encode(), x_key=key, authorization="Basic " + base64.b64encode(key.encode()).decode())
    http.get(MINE + "/redirect?to=" + quote(OTHER + "/redirected"), headers={"x-key": key})
    ask(MINE + "/leak?to=" + quote(OTHER + "/leaked"), x_key=key)
    http.get(MINE + "/redirect?to=" + quote(MINE + "/again"), headers={"x-key": key})
    errors = [
        failure(MINE + "/cut", x_key=key),
        failure("http://nowhere.test/" + key),
        failure(MINE + "/" + key, x_key=key, host="a.test"),
    ]
    print(key, json.dumps(back))
    print(file, shell, url, file=sys.stderr)
    return {"key": key, "file": file, "shell": shell, "url": url, "back": back, "errors": errors}
`;

interface Back {
  readonly text: string;
  readonly status: string;
  readonly headers: readonly (readonly [string, string])[];
}

interface Result {
  readonly key: string;
  readonly file: string;
  readonly shell: string;
  readonly url: string;
  readonly back: Readonly<Record<string, Back>>;
  readonly errors: readonly string[];
}

for (const file of ["main.ts", "main.py"])
  describe(`a program with secrets: ${file}`, () => {
    let cwd = "";
    let ended: Ended;
    let envelope: Envelope<Result>;
    let result: Result;
    const at = (path: string): Arrived => {
      const found = mine.arrived.find(({ url }) => url.startsWith(path));
      assert.ok(found, `${path} arrived`);
      return found;
    };
    before(async () => {
      for (const { arrived } of [mine, other]) arrived.length = 0;
      const source = file === "main.py" ? python() : typescript();
      cwd = folder({ [file]: source, "capsule.toml": toml(), "keys/key.txt": `${VALUES.FILE_KEY}\n` });
      const extra = { API_KEY: VALUES.API_KEY, DATABASE };
      ended = await capsule(["run", "--json", "--verbose", file], { cwd, extra });
      envelope = readEnvelope(ended);
      assert.equal(envelope.error, null, `${envelope.error?.message}\n${ended.stderr}`);
      result = envelope.result;
    });

    test("the variables hold placeholders as long as the values, from wherever these come", () => {
      for (const [name, value] of [
        [result.key, VALUES.API_KEY],
        [result.file, VALUES.FILE_KEY],
        [result.shell, VALUES.SHELL_KEY],
      ] as const) {
        assert.match(name, /^[A-Za-z0-9]+$/);
        assert.equal(name.length, value.length);
        assert.notEqual(name, value);
      }
      assert.equal(result.url, `postgres://user:${result.key}@db.test/`);
    });

    test("the values reach their host: in headers, Basic credentials, and where declared in queries and bodies", () => {
      const { authorization, cookie, "x-shell": shell } = at("/all").headers;
      assert.deepEqual(
        [authorization, cookie, shell],
        [`Bearer ${VALUES.API_KEY}`, `k=${VALUES.FILE_KEY}`, VALUES.SHELL_KEY],
      );
      const basic = `Basic ${btoa(`user:${VALUES.API_KEY}`)}`;
      assert.deepEqual(
        [at("/basic").headers.authorization, at("/userinfo").headers.authorization],
        [basic, basic],
      );
      const query = new URL(at("/query").url, "http://a.test").searchParams;
      assert.deepEqual([query.get("key"), query.get("file")], [VALUES.API_KEY, result.file]);
      const posted = mine.arrived.filter(({ url, body }) => url === "/json" && body !== "");
      assert.deepEqual(
        posted.map(({ body }) => JSON.parse(body)),
        [{ key: VALUES.API_KEY, file: result.file }],
      );
      assert.equal(new URLSearchParams(at("/form").body).get("key"), VALUES.API_KEY);
      assert.equal(at("/again").headers["x-key"], VALUES.API_KEY);
    });

    test("no other host gets a value, by no redirect; nor does a path", () => {
      assert.deepEqual(
        other.arrived.map(({ url }) => url.replace(/\?.*/, "")),
        ["/other", "/redirected", "/leaked"],
      );
      assertClean(all(other), "what another host got");
      assert.equal(other.arrived[0]?.headers["x-key"], result.key);
      assert.equal(at("/path").url, `/path/${result.key}`);
    });

    test("what a host sends back has the placeholder, however it is written", () => {
      for (const [route, { text, status, headers }] of Object.entries(result.back)) {
        const code = CODINGS[route] ?? ((value: string) => value);
        assert.equal(text, code(result.key), route);
        const named = Object.fromEntries(headers);
        assert.deepEqual([named["x-echo"], named["x-hex"]], [result.key, CODINGS.hex?.(result.key)], route);
        if (route === "status") assert.equal(status, `no ${result.key}`);
      }
    });

    test("nothing that anybody sees or keeps has a value in it", () => {
      assertClean(JSON.stringify(result), "the result");
      assertClean(ended.stdout, "stdout");
      assertClean(ended.stderr, "stderr");
      const requests = JSON.stringify(envelope.execution.host_requests);
      assert.ok(requests.includes("[secret API_KEY]"), requests);
      assert.ok(!requests.includes(result.key), "records have no placeholders either");
      assert.equal(result.errors.length, 3);
      for (const error of result.errors) assert.equal(typeof error, "string");
      const kept = readdirSync(join(cwd, ".capsule"), { recursive: true, withFileTypes: true });
      const files = kept.filter((entry) => entry.isFile());
      assert.ok(files.length > 1, "there is a cache and a record");
      for (const { parentPath, name } of files)
        assertClean(readFileSync(join(parentPath, name), "latin1"), name);
    });
  });

test("a failing task's error, its record and the table of runs have no value, and a placeholder at most", async () => {
  const source =
    program(`export const main = task({ name: "main", allowedHosts: ["${mine.host}"], envVariables: ["API_KEY"] }, async () => {
    const text = await (await fetch("http://${mine.host}/plain", { headers: { "x-key": process.env.API_KEY ?? "" } })).text();
    throw new TypeError("it said " + text, { cause: new Error(text) });
  });`);
  const cwd = folder({ "main.ts": source, "capsule.toml": toml() });
  const extra = { API_KEY: VALUES.API_KEY };
  const ended = await capsule(["run", "main.ts"], { cwd, extra });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /TypeError: it said [A-Za-z0-9]{22}/);
  const runs = await capsule(["runs", "--json"], { cwd });
  assertClean(ended.stderr + runs.stdout + runs.stderr, "what was told");
  assertClean(readFileSync(join(cwd, ".capsule", "runs.db"), "latin1"), "runs.db");
});

describe("a value that can't be had", () => {
  const cases: readonly (readonly [what: string, entry: string, said: RegExp])[] = [
    ["no variable", "", /has no value: neither the environment nor a \.env file/],
    ["no file", ', file = "none.txt"', /there is no file "none\.txt"/],
    ["a file that is too short", ', file = "short.txt"', /has 5 characters: a secret needs at least 8/],
    ["a command that fails", `, command = ["${process.execPath}", "-e", "process.exit(3)"]`, /ended with 3/],
    ["a command that is none", ', command = ["no-such-command-anywhere"]', /can't be run/],
  ];
  const source = program('export const main = task({ name: "main", envVariables: ["KEY"] }, () => "done");');
  for (const [what, entry, said] of cases)
    test(`${what}: exit 2`, async () => {
      const cwd = folder({
        "main.ts": source,
        "short.txt": "abcde",
        "capsule.toml": `[secrets]\nKEY = { hosts = ["a.test"]${entry.replaceAll("\\", "/")} }\n`,
      });
      const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, said);
      assert.match(stderr, /\[secret\]/);
      assert.ok(!stderr.includes("abcde"), "no part of a value is shown");
    });
});

test("no command runs for a secret that nobody may see: unasked for, beyond the ceiling, sealed", async () => {
  const cwd = folder({
    "touch.mjs":
      'import { appendFileSync } from "node:fs"; appendFileSync("ran.txt", "x"); console.log("a-secret-value");',
    "asks.ts": program(
      'export const main = task({ name: "main", envVariables: ["KEY"] }, () => process.env.KEY ?? "nothing");',
    ),
    "silent.ts": program('export const main = task({ name: "main" }, () => process.env.KEY ?? "nothing");'),
    "ran.txt": "",
  });
  const secrets = `[secrets]\nKEY = { hosts = ["a.test"], command = ["${process.execPath.replaceAll("\\", "/")}", "touch.mjs"] }\n`;
  const ran = (): string => readFileSync(join(cwd, "ran.txt"), "utf8");
  const run = (...args: readonly string[]) =>
    capsule(["run", ...args], { cwd, extra: { KEY: VALUES.FILE_KEY } });
  writeFileSync(join(cwd, "capsule.toml"), secrets);
  for (const args of [["silent.ts"], ["--sealed", "asks.ts"]]) {
    assert.equal((await run(...args)).stdout, "nothing\n");
    assert.equal(ran(), "");
  }
  writeFileSync(join(cwd, "capsule.toml"), `${secrets}[policy]\nenv_variables = []\n`);
  assert.equal((await run("asks.ts")).stdout, "nothing\n");
  assert.equal(ran(), "");
  writeFileSync(join(cwd, "capsule.toml"), secrets);
  assert.match((await run("asks.ts")).stdout, /^[A-Za-z0-9]{14}\n$/);
  assert.equal(ran(), "x");
});

test("no program has .env or capsule.toml put into it, by no name of a link", async () => {
  const names = [".env", "capsule.toml", "link.txt", "settings.txt", "kept/x.txt"];
  const cwd = folder({
    "main.py": `from capsule import task
def got(name):
    try:
        return open(name).read()
    except OSError:
        return None
@task(name="main")
def main():
    return [got(".env"), got("capsule.toml"), got("link.txt"), got("settings.txt"), got("kept/x.txt")]
`,
    "main.ts": program('export const main = task({ name: "main" }, () => "nothing");'),
    ".env": `API_KEY=${VALUES.FILE_KEY}`,
    ".capsule/x.txt": VALUES.FILE_KEY,
    "capsule.toml": '[workflow]\nname = "settings"\n',
  });
  symlinkSync(".env", join(cwd, "link.txt"));
  symlinkSync("capsule.toml", join(cwd, "settings.txt"));
  symlinkSync(".capsule", join(cwd, "kept"));
  const { stdout, stderr } = await capsule(["run", "main.py"], { cwd });
  assert.equal(stdout, "[null,null,null,null,null]\n", stderr);
  for (const name of names) {
    const source = `import text from "./${name}" with { type: "text" };\nexport const main = task({ name: "main" }, () => text);`;
    writeFileSync(join(cwd, "main.ts"), program(source));
    const refused = await capsule(["run", "main.ts"], { cwd });
    assert.deepEqual([refused.code, refused.stdout], [2, ""], name);
    assert.match(refused.stderr, /Hidden files can't be imported/);
  }
});
