import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { test } from "node:test";
import type { Language, Variant } from "@capsule-run/protocol";
import { type Engine, type EngineSource, Fleet } from "./engines.ts";

/** Engines of a language with two variants and of one with a single one; none of them is ever started. */
function source(): EngineSource & { asked: string[]; broken: boolean } {
  return {
    asked: [],
    broken: false,
    release: async (language) => language,
    async engine(language: Language, variant: Variant): Promise<Engine> {
      this.asked.push(`${language} ${variant}`);
      if (this.broken) throw new Error("no network");
      const own = language === "javascript" ? "full" : variant;
      const parts = { module: "m", globals: 0, image: async () => new Uint8Array(0), licences: () => "" };
      return {
        language,
        variant: own,
        hash: `${language} ${own}`,
        floor: 1,
        script: "s",
        folder: "f",
        parts,
      };
    },
  };
}

const cell = () => {
  const killed: string[] = [];
  return { killed, process: { kill: (signal: string) => killed.push(signal) } as unknown as ChildProcess };
};

test("each engine has one crew, however its variant is asked for", async () => {
  const engines = source();
  const fleet = new Fleet({ engines, most: 1 });
  const core = await fleet.crew("python", "core");
  assert.equal(await fleet.crew("python", "core"), core);
  assert.notEqual(await fleet.crew("python", "full"), core);
  assert.equal(await fleet.crew("javascript", "core"), await fleet.crew("javascript", "full"));
  assert.deepEqual(engines.asked, ["python core", "python full", "javascript core", "javascript full"]);
  const [one, two] = await Promise.all([fleet.crew("python", "core"), fleet.crew("python", "core")]);
  assert.equal(one, two);
  fleet.close();
});

test("an engine that can't be had is looked for again", async () => {
  const engines = source();
  const fleet = new Fleet({ engines, most: 1 });
  engines.broken = true;
  await assert.rejects(fleet.crew("python", "core"), /no network/);
  engines.broken = false;
  assert.equal((await fleet.crew("python", "core")).engine.variant, "core");
});

test("a cell that was started early goes to the first crew, or ends if that is another engine's", async () => {
  for (const [variant, killed] of [
    ["core", []],
    ["full", ["SIGKILL"]],
  ] as const) {
    const early = cell();
    const given = { cell: early.process, language: "python", variant: "core" } as const;
    const fleet = new Fleet({ engines: source(), most: 1, early: given });
    await fleet.crew("python", variant);
    assert.deepEqual(early.killed, killed, variant);
  }
});

test("closing ends a cell that nobody took", () => {
  const early = cell();
  const given = { cell: early.process, language: "python", variant: "core" } as const;
  new Fleet({ engines: source(), most: 1, early: given }).close();
  assert.deepEqual(early.killed, ["SIGKILL"]);
});
