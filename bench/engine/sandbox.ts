/** Runs in a process with a cell's V8 flags: times the steps of a sandbox's life. The first pass is with cold code. */
import { openEngine } from "@capsule-run/guest-javascript/drive";
import type { GuestHost } from "@capsule-run/protocol";
import { LIMITS } from "@capsule-run/protocol";

export type Step = "open" | "create" | "prepare" | "reset" | "resetEngine" | "turn";
export type StepTimes = Readonly<Record<Step, readonly number[]>>;

const [folder = "", source = "", passes = "100"] = process.argv.slice(2);

const host: GuestHost = {
  pause: async () => true,
  call: () => 1,
  effect: () => 1,
  wait: async () => null,
  rest: async () => null,
  revoke: () => {},
  output: () => {},
  random: (length) => new Uint8Array(length),
};
const POLICY = { fuel: 100_000_000, ram: 64 * 1024 ** 2 };

const times: Record<Step, number[]> = {
  open: [],
  create: [],
  prepare: [],
  reset: [],
  resetEngine: [],
  turn: [],
};
async function step<T>(name: Step, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  times[name].push(performance.now() - start);
  return result;
}

const engine = await step("open", () => openEngine(folder));
const loader = openEngine(folder).create(host);
loader.reset(null, LIMITS.load, 0);
const loaded = await loader.load(Buffer.from(source, "base64"));
if ("state" in loaded) throw new Error(`loading ended as ${loaded.state}`);
const { image } = loaded;

for (let pass = 0; pass < Number(passes); pass++) {
  if (pass > 0 && pass < 10) await step("open", () => openEngine(folder));
  const prepared = await step("prepare", () =>
    engine.prepare({ ...image, snapshot: "after", bundle: new Uint8Array(0) }),
  );
  const instance = await step("create", () => engine.create(host));
  // The first reset writes pages that the kernel has yet to give: it belongs to making an instance.
  instance.reset(null, POLICY, Date.now());
  await step("resetEngine", () => instance.reset(null, POLICY, Date.now()));
  await step("reset", () => instance.reset(prepared, POLICY, Date.now()));
  const end = await step("turn", () => instance.start("main", Buffer.from("[]")));
  if (end.state !== "result") throw new Error(`a turn ended as ${end.state}`);
}
process.stdout.write(JSON.stringify(times));
