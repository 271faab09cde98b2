/** Cells that do what a test says, hostile ones above all: scripts in the place of the real one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CellParts } from "@capsule-run/cell";
import { type FromCell, NO_SURROUNDINGS } from "@capsule-run/protocol";
import type { Of, SandboxListener } from "../cell.ts";
import { CellPool, type OpenRequest, type PoolOptions } from "../cells.ts";

/** What a script has at hand: `send(head, body)`, `raw(bytes)`, and `hear(message)` to replace. */
const COMMON = `
const fs = require("node:fs");
const raw = (bytes) => { for (let at = 0; at < bytes.length; ) at += fs.writeSync(1, bytes, at); };
const lengths = (rest, head) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(rest, 0);
  bytes.writeUInt32LE(head, 4);
  return bytes;
};
const frame = (head, body = "") => {
  const [h, b] = [Buffer.from(JSON.stringify(head)), Buffer.from(body)];
  return Buffer.concat([lengths(4 + h.length + b.length, h.length), h, b]);
};
const send = (head, body) => raw(frame(head, body));
const ready = () => send({ type: "ready", engine: "fake" });
const ended = (sandbox, json = "1") =>
  send({ type: "ended", sandbox, ok: true, error: "", plain: false, lacks: "", memory: "", parked: 0, image: 0, fuel: 1, ram: 1 }, json);
let hear = () => {};
let rest = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  while (rest.length >= 8 && rest.length >= 4 + rest.readUInt32LE(0)) {
    const length = 4 + rest.readUInt32LE(0);
    const head = rest.subarray(8, 8 + rest.readUInt32LE(4));
    rest = rest.subarray(length);
    hear(JSON.parse(head.toString()));
  }
});
process.stdin.on("end", () => process.exit(0));
`;

/** A cell that ends each attempt with the result 1. */
export const GOOD = `ready(); hear = (m) => {
  if (m.type === "open") ended(m.sandbox);
  if (m.type === "ping") send({ type: "pong", n: m.n });
};`;

/** A pool whose first cells are the given scripts; those after them are good. */
export function fakePool(scripts: readonly string[], options: Partial<PoolOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "capsule-cells-"));
  mkdirSync(join(folder, "engine"));
  let started = 0;
  const parts: CellParts = {
    engine: join(folder, "engine"),
    variant: "full",
    get script() {
      const path = join(folder, `${started}.cjs`);
      writeFileSync(path, COMMON + (scripts[started] ?? GOOD));
      started++;
      return path;
    },
  };
  const pool = new CellPool({ parts, engine: "fake", most: 1, ...options });
  return {
    pool,
    get started() {
      return started;
    },
    [Symbol.dispose]() {
      pool.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const REQUEST: OpenRequest = {
  artifact: {
    hash: "a",
    globals: [],
    pages: new Uint8Array(8),
    snapshot: "after",
    bundle: new Uint8Array(0),
  },
  task: "main",
  args: Buffer.from("[]"),
  limits: { fuel: 1000, ram: null },
  granted: 1000,
  seed: "00".repeat(32),
  surroundings: NO_SURROUNDINGS,
  seat: null,
};

/** A listener that keeps what it hears. */
export class Ear implements SandboxListener {
  readonly heard: (FromCell["type"] | "started" | "lost")[] = [];
  reason = "";
  onCall: (message: Of<"call">) => void = () => {};
  #resolve: () => void = () => {};
  /** Settles when the sandbox is over. */
  readonly over = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });
  #waiting: { readonly what: string; resolve(): void } | null = null;

  /** Resolves when `what` is heard next. */
  next(what: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { what, resolve };
    });
  }

  started(): void {
    this.#note("started");
  }
  grown(): void {
    this.#note("grown");
  }
  used(): void {
    this.#note("used");
  }
  took(): void {
    this.#note("took");
  }
  call(message: Of<"call">): void {
    this.#note("call");
    this.onCall(message);
  }
  effect(): void {
    this.#note("effect");
  }
  revoke(): void {
    this.#note("revoke");
  }
  output(): void {
    this.#note("output");
  }
  idle(): void {
    this.#note("idle");
  }
  ended(): void {
    this.#note("ended");
    this.#resolve();
  }
  loaded(): void {
    this.#note("loaded");
    this.#resolve();
  }
  lost(reason: string): void {
    this.reason = reason;
    this.#note("lost");
    this.#resolve();
  }

  #note(what: Ear["heard"][number]): void {
    this.heard.push(what);
    if (this.#waiting?.what === what) this.#waiting.resolve();
  }
}
