import assert from "node:assert/strict";
import { test } from "node:test";
import type { EffectAnswer, FileStat, Loaded } from "@capsule-run/protocol";
import { AMPLE, resultOf, TestGuest } from "./testing/guest.ts";

const FS = 'const fs = globalThis[Symbol.for("capsule.module")]("fs");\n';

const stat = (size: number, kind: FileStat["kind"] = "file"): FileStat => ({
  ...{ kind, size, inode: "1", device: "2", links: 1, writable: true },
  ...{ accessed: "1000000001", modified: "2000000002", changed: "3000000003" },
});

const answer = (head: object, payload: Uint8Array = new Uint8Array(0)): EffectAnswer => ({
  ok: true,
  head,
  payload,
});

/** Runs a body as a task; gives its result and what it asked for, without the paths. */
async function run(body: string, respond: TestGuest["onEffect"]) {
  const guest = new TestGuest();
  const image = await guest.load(`${FS}task({ name: "main" }, async () => { ${body} });`);
  guest.reset(image);
  guest.onEffect = respond;
  const result = resultOf(await guest.run("main"));
  return { result, asked: guest.effects.map(({ mode, name }) => `${mode} ${name}`), effects: guest.effects };
}

const small = (name: string): EffectAnswer =>
  name === "file.open" ? answer({ handle: 7, stat: stat(3), whole: true }, Buffer.from("abc")) : answer({});

test("reading a small file is one round trip; nobody waits for its closing", async () => {
  const sync = await run('return fs.readFileSync("x", "utf8")', small);
  assert.deepEqual([sync.result, sync.asked], ["abc", ["sync file.open", "post file.close"]]);
  assert.equal(sync.effects[0]?.head?.path, "/app/x");
  const promise = await run('return (await fs.promises.readFile("/app/x")).toString("hex")', small);
  assert.deepEqual([promise.result, promise.asked], ["616263", ["async file.open", "post file.close"]]);
});

test("a large file is read in pieces, each asked for by its place", async () => {
  const size = 20_000_000;
  const { result, effects } = await run('return fs.readFileSync("x").length', (name, head) => {
    if (name === "file.open") return answer({ handle: 7, stat: stat(size), whole: false });
    const { at, length } = head as { at: number; length: number };
    return answer({}, new Uint8Array(Math.min(length, size - at)));
  });
  assert.equal(result, size);
  const read = effects.filter(({ name }) => name === "file.read").map(({ head }) => head?.at);
  assert.deepEqual(read.slice(0, 3), [0, 8_388_608, 16_777_216]);
});

test("a file that was written to is asked for again", async () => {
  const { result, asked } = await run(
    'const fd = fs.openSync("x", "r"); fs.writeFileSync("y", "z"); const b = Buffer.alloc(3); return [fs.readSync(fd, b), b.toString()]',
    (name) =>
      name === "file.read"
        ? answer({}, Buffer.from("new"))
        : name === "file.write"
          ? answer({ at: 0, written: 1, size: 1 })
          : small(name),
  );
  assert.deepEqual(result, [3, "new"]);
  assert.ok(asked.includes("sync file.read"));
});

test("a file that is opened to be cut is asked for again by who has it open", async () => {
  const { result, asked } = await run(
    'const fd = fs.openSync("x", "r"); fs.closeSync(fs.openSync("./x", "w")); return fs.readSync(fd, Buffer.alloc(3))',
    (name) => (name === "file.read" ? answer({}) : small(name)),
  );
  assert.equal(result, 0);
  assert.ok(asked.includes("sync file.read"));
});

test("what the host says of limits and reasons is passed on, without its paths", async () => {
  const said = async (code: string, message: string): Promise<unknown> =>
    (
      await run('try { fs.statSync("x") } catch (e) { return [e.code, e.errno ?? null, e.message] }', () => ({
        ok: false,
        code,
        message,
      }))
    ).result;
  assert.deepEqual(await said("ELIMIT", "limit exceeded: 10,000"), [
    "ELIMIT",
    null,
    "limit exceeded: 10,000",
  ]);
  assert.deepEqual(
    await said("EACCES", "EACCES: permission denied (a symlink with an absolute target), stat '/app/x'"),
    ["EACCES", -13, "EACCES: permission denied (a symlink with an absolute target), stat 'x'"],
  );
  const large = "EOVERFLOW: value too large for defined data type";
  assert.deepEqual(
    await said("EOVERFLOW", `${large} (the folder holds more than 1000000 names), scandir '/app/x'`),
    ["EOVERFLOW", -75, `${large} (the folder holds more than 1000000 names), stat 'x'`],
  );
});

test("errors say where the program asked, also when nothing of it is on the stack any more", async () => {
  const refuse = (): EffectAnswer => ({ ok: false, code: "ENOENT", message: "" });
  const stackOf = async (call: string): Promise<unknown> =>
    (
      await run(
        `async function asks() { return ${call} }
         try { await asks() } catch (e) { return [e.stack, Object.keys(e).includes("stack")] }`,
        refuse,
      )
    ).result;
  const promised = ["readFile", "open", "rm", "opendir"].map((name) => `fs.promises.${name}("x")`);
  for (const call of ['fs.readFileSync("x")', 'fs.statSync("x")', ...promised]) {
    const [stack, listed] = (await stackOf(call)) as [string, boolean];
    assert.match(stack, /^Error: ENOENT: [^\n]*\n {4}at asks \(capsule:program:\d+:\d+\)\n {4}at /, call);
    assert.equal(listed, false);
  }
});

test("a program's own prepareStackTrace is asked for errors only", async () => {
  const { result } = await run(
    `let asked = 0; Error.prepareStackTrace = () => { asked++; return "mine" };
     await fs.promises.readFile("x"); return asked`,
    small,
  );
  assert.equal(result, 0);
});

test("a handle is the sandbox's own number, and one that is closed is none", async () => {
  const { result } = await run(
    `const tell = (run) => { try { return run() } catch (e) { return e.code } };
     const fd = fs.openSync("x"); fs.closeSync(fd);
     return [fd !== 7, tell(() => fs.readSync(fd, Buffer.alloc(1))), tell(() => fs.closeSync(fd)), tell(() => fs.readSync(7, Buffer.alloc(1))),
       tell(() => fs.readSync(-1, Buffer.alloc(1))), tell(() => fs.readSync("7", Buffer.alloc(1))), tell(() => fs.fstatSync(1e10)), fs.writeSync(1, "printed")]`,
    small,
  );
  assert.deepEqual(result, [
    ...[true, "EBADF", "EBADF", "EBADF", "ERR_OUT_OF_RANGE", "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE", 7],
  ]);
});

test("numbers of files are used again, and never for two", async () => {
  let handles = 0;
  const { result, effects } = await run(
    `const [a, b, c] = ["a", "b", "c"].map((name) => fs.openSync(name));
     fs.closeSync(a); fs.closeSync(b);
     const more = ["d", "e", "f"].map((name) => fs.openSync(name));
     for (const fd of [c, ...more]) fs.fstatSync(fd);
     return [a, b, c, ...more.toSorted()].map((fd) => fd - a);`,
    (name) =>
      name === "file.open" ? answer({ handle: ++handles, stat: stat(3), whole: false }) : answer(stat(3)),
  );
  assert.deepEqual(result, [0, 1, 2, 0, 1, 3]);
  const asked = effects.filter(({ name }) => name === "file.stat").map(({ head }) => head?.handle);
  assert.deepEqual(asked, [3, 4, 5, 6]);
});

test("/tmp holds 10,000 files and folders, 1,024 of them open, and gives back what is gone", async () => {
  const { result, asked } = await run(
    `const full = (make) => { for (let i = 0; ; i++) try { make(i) } catch (e) { return [i, e.code] } };
     fs.mkdirSync("/tmp/d");
     const files = full((i) => fs.writeFileSync("/tmp/d/" + i, ""));
     const folders = full((i) => fs.mkdirSync("/tmp/" + i));
     fs.unlinkSync("/tmp/d/5");
     const one = full((i) => fs.mkdirSync("/tmp/" + i));
     const fds = [];
     const open = full(() => fds.push(fs.openSync("/tmp/d/7")));
     fs.closeSync(fds[3]);
     return [files, folders, one, open, full(() => fs.openSync("/tmp/d/7"))];`,
    small,
  );
  assert.deepEqual(result, [
    [9999, "ENOSPC"],
    [0, "ENOSPC"],
    [1, "ENOSPC"],
    [1024, "EMFILE"],
    [1, "EMFILE"],
  ]);
  assert.deepEqual(asked, []);
});

test("/tmp asks the host nothing, and is no part of a snapshot unless loading wrote to it", async () => {
  const { result, asked } = await run(
    'fs.mkdirSync("/tmp/a"); fs.writeFileSync("/tmp/a/b", "x"); fs.appendFileSync("/app/../tmp/a/b", "y"); return [fs.readFileSync("/tmp/a/./b", "utf8"), fs.readdirSync("/tmp"), fs.statSync("/tmp/a/b").size]',
    small,
  );
  assert.deepEqual([result, asked], [["xy", ["a"], 2], []]);
});

test("files that are asked for while loading are refused, and the snapshot comes before the program", async () => {
  const guest = new TestGuest();
  const top = 'let seen; try { fs.readFileSync("config.json") } catch (e) { seen = e.message }';
  guest.instance.reset(null, AMPLE, 0);
  const source = `const task = globalThis[Symbol.for("capsule.task")];${FS}${top}; task({ name: "main" }, () => seen);`;
  const loaded = (await guest.instance.load(Buffer.from(source))) as Loaded;
  assert.deepEqual([loaded.snapshot, loaded.reasons], ["before", ["files"]]);
  const { image, snapshot } = loaded;
  guest.instance.reset(guest.engine.prepare({ ...image, snapshot, bundle: Buffer.from(source) }), AMPLE, 0);
  const refused = `${FS}task({ name: "main" }, () => 1); fs.readFileSync("config.json");`;
  const end = await new TestGuest().load(refused).catch((error: unknown) => String(error));
  assert.match(String(end), /top-level code has no files while the program is compiled: use them in a task/);
  guest.onEffect = () => ({ ok: false, code: "ENOENT", message: "" });
  assert.equal(resultOf(await guest.run("main")), "ENOENT: no such file or directory, open 'config.json'");
});
