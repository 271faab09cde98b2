import { decodeBody } from "../../src/body.ts";
import { decodeModule, type Module, SectionId } from "../../src/sections.ts";
import { bytesOf, edited, sectionOf, withBodies } from "./edit.ts";
import { sectionsOf } from "./mutate.ts";

/** Whether a module still fails as the first one did. */
export type StillFails = (wasm: Uint8Array) => Promise<boolean>;

/** Makes a module that fails smaller, as long as it still fails and until `deadline` (of `Date.now`). */
export async function reduced(
  wasm: Uint8Array,
  stillFails: StillFails,
  deadline: number,
): Promise<Uint8Array> {
  let smallest = wasm;
  for (let size = Number.POSITIVE_INFINITY; smallest.length < size && Date.now() < deadline; ) {
    size = smallest.length;
    for (const step of [withoutSections, withoutBodies, withoutExports, withoutInstructions, withoutBytes])
      smallest = await step(smallest, stillFails, deadline);
  }
  return smallest;
}

type Step = (wasm: Uint8Array, stillFails: StillFails, deadline: number) => Promise<Uint8Array>;

/** Leaves out runs of items, long ones first. */
async function fewer<T>(
  items: readonly T[],
  build: (kept: readonly T[]) => Uint8Array,
  { wasm, stillFails, deadline }: { wasm: Uint8Array; stillFails: StillFails; deadline: number },
): Promise<Uint8Array> {
  let smallest = wasm;
  let kept = items;
  for (let run = Math.max(1, kept.length >> 1); run >= 1; run >>= 1) {
    for (let at = 0; at < kept.length && Date.now() < deadline; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + run)];
      const candidate = build(rest);
      if (candidate.length < smallest.length && (await stillFails(candidate))) {
        kept = rest;
        smallest = candidate;
      } else at += run;
    }
  }
  return smallest;
}

const withoutSections: Step = (wasm, stillFails, deadline) =>
  fewer(sectionsOf(wasm), (kept) => Buffer.concat([wasm.subarray(0, 8), ...kept]), {
    wasm,
    stillFails,
    deadline,
  });

/** Bodies that only trap. */
const withoutBodies: Step = async (wasm, stillFails, deadline) => {
  const module = decoded(wasm);
  if (module === undefined) return wasm;
  let smallest = wasm;
  let bodies = module.bodies.map((range) => bytesOf(module, range));
  for (let n = 0; n < bodies.length && Date.now() < deadline; n++) {
    if ((bodies[n]?.length ?? 0) <= 3) continue;
    const candidate = bodies.with(n, Uint8Array.of(0, 0, 0x0b));
    const built = withBodies(module, candidate);
    if (!(await stillFails(built))) continue;
    bodies = candidate;
    smallest = built;
  }
  return smallest;
};

const withoutExports: Step = (wasm, stillFails, deadline) => {
  const module = decoded(wasm);
  if (module === undefined || module.exports.length === 0) return Promise.resolve(wasm);
  const build = (kept: Module["exports"]) => {
    const items = kept.map(({ name, kind, index }) => {
      const text = new TextEncoder().encode(name);
      return [...unsigned(text.length), ...text, kind, ...unsigned(index)];
    });
    return edited(module, { sections: new Map([[SectionId.export, sectionOf(items)]]) });
  };
  return fewer(module.exports, build, { wasm, stillFails, deadline });
};

const withoutInstructions: Step = async (wasm, stillFails, deadline) => {
  let smallest = wasm;
  for (let n = 0; ; n++) {
    const module = decoded(smallest);
    if (module === undefined || n >= module.bodies.length || Date.now() > deadline) return smallest;
    let body: ReturnType<typeof decodeBody>;
    try {
      body = decodeBody(module, n);
    } catch {
      continue;
    }
    const bodies = module.bodies.map((range) => bytesOf(module, range));
    const start = module.bodies[n]?.start ?? 0;
    const head = module.bytes.subarray(start, body.instructions[0]?.start ?? start);
    const pieces = body.instructions.map((range) => module.bytes.subarray(range.start, range.end));
    const build = (kept: readonly Uint8Array[]) =>
      withBodies(module, bodies.with(n, Buffer.concat([head, ...kept])));
    smallest = await fewer(pieces, build, { wasm: smallest, stillFails, deadline });
  }
};

/** For what is no module: any bytes. */
const withoutBytes: Step = (wasm, stillFails, deadline) => {
  if (decoded(wasm) !== undefined && WebAssembly.validate(wasm as BufferSource)) return Promise.resolve(wasm);
  return fewer([...wasm], (kept) => Uint8Array.from(kept), { wasm, stillFails, deadline });
};

function decoded(wasm: Uint8Array): Module | undefined {
  try {
    return decodeModule(wasm);
  } catch {
    return undefined;
  }
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
