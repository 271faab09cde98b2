import { leb } from "./edit.ts";
import type { Random } from "./random.ts";

/**
 * A module that was damaged in one to four places: bytes and opcodes changed, sections moved, cut off, doubled, integers
 * made longer or huge. Some come out valid, most don't.
 */
export function mutated(wasm: Uint8Array, random: Random): Uint8Array {
  let bytes = wasm;
  for (let n = random.once(3) ? 1 + random.below(4) : 1; n > 0; n--)
    bytes = random.pick(MUTATIONS)(bytes, random);
  return bytes;
}

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const place = (bytes: Uint8Array, random: Random): number => random.below(Math.max(1, bytes.length));

function spliced(bytes: Uint8Array, at: number, removed: number, added: ArrayLike<number> = []): Uint8Array {
  const out = new Uint8Array(
    Math.min(at, bytes.length) + added.length + Math.max(0, bytes.length - at - removed),
  );
  out.set(bytes.subarray(0, at));
  out.set(added, Math.min(at, bytes.length));
  out.set(bytes.subarray(Math.min(bytes.length, at + removed)), Math.min(at, bytes.length) + added.length);
  return out;
}

const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array =>
  spliced(bytes, at, 1, [value & 255]);

/** Bytes that mean something in many places. */
const TELLING = [
  0, 1, 2, 3, 5, 6, 0x0b, 0x0c, 0x0e, 0x10, 0x11, 0x12, 0x1a, 0x1b, 0x20, 0x28, 0x3f, 0x40, 0x41, 0x7f, 0x7e,
  0x7b, 0x70, 0x80, 0xfc, 0xfd, 0xff,
];

const HUGE = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0x80, 0x80, 0x04],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = place(bytes, random);
    return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  (bytes, random) => changed(bytes, place(bytes, random), random.bits()),
  (bytes, random) => changed(bytes, place(bytes, random), random.pick(TELLING)),
  (bytes, random) => changed(bytes, place(bytes, random), random.pick(TELLING)),
  (bytes, random) => inCode(bytes, random, (code, at) => changed(code, at, random.pick(TELLING))),
  (bytes, random) => inCode(bytes, random, (code, at) => changed(code, at, 0x45 + random.below(0x80))),
  (bytes, random) =>
    inCode(bytes, random, (code, at) => spliced(code, at, random.below(4), random.bytes(random.below(4)))),
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => spliced(bytes, place(bytes, random), 1 + random.below(9)),
  (bytes, random) => spliced(bytes, place(bytes, random), 0, random.bytes(1 + random.below(9))),
  (bytes, random) => spliced(bytes, place(bytes, random), 1, random.pick(HUGE)),
  overlong,
  moved,
  (bytes, random) => withSections(bytes, (sections) => sections.filter(() => !random.once(sections.length))),
  (bytes, random) => withSections(bytes, (sections) => [...sections, random.pick(sections)]),
  (bytes, random) =>
    withSections(bytes, (sections) =>
      sections.flatMap((section) => (random.once(2) ? [custom(random), section] : [section])),
    ),
];

/** An integer in more bytes than it needs, which is allowed up to a length. */
function overlong(bytes: Uint8Array, random: Random): Uint8Array {
  const at = place(bytes, random);
  const value = bytes[at] ?? 0;
  if (value >= 0x80) return bytes;
  const sign = random.once(2) && value & 0x40 ? 0x7f : 0;
  const more = new Array<number>(random.below(5)).fill(0x80 | sign);
  return spliced(bytes, at, 1, [value | 0x80, ...more, sign]);
}

function moved(bytes: Uint8Array, random: Random): Uint8Array {
  return withSections(bytes, (sections) => {
    const [from, to] = [random.below(sections.length), random.below(sections.length)];
    const others = sections.filter((_, i) => i !== from);
    return [...others.slice(0, to), ...sections.slice(from, from + 1), ...others.slice(to)];
  });
}

/** Custom sections of any content, with names that mean something. */
function custom(random: Random): Uint8Array {
  const name = random.pick(["name", "", "metadata.code.branch_hint", "dylink.0", "\u{1f600}"]);
  const text = new TextEncoder().encode(name);
  const content = [text.length, ...text, ...random.bytes(random.below(20))];
  return Uint8Array.from([0, content.length, ...content]);
}

/** Sections with their headers; what is no section at the end goes. */
function withSections(bytes: Uint8Array, change: (sections: Uint8Array[]) => Uint8Array[]): Uint8Array {
  const sections = sectionsOf(bytes);
  return sections.length === 0 ? bytes : Buffer.concat([bytes.subarray(0, 8), ...change(sections)]);
}

/** Each section of a module, with its header, as far as there are whole ones. */
export function sectionsOf(bytes: Uint8Array): Uint8Array[] {
  const sections: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; ) {
    const [size, content] = leb(bytes, at + 1);
    if (content + size > bytes.length) break;
    sections.push(bytes.subarray(at, content + size));
    at = content + size;
  }
  return sections;
}

/** Changes a place in a function body, and sets the sizes right again. */
function inCode(
  bytes: Uint8Array,
  random: Random,
  change: (code: Uint8Array, at: number) => Uint8Array,
): Uint8Array {
  return withSections(bytes, (sections) =>
    sections.map((section) => {
      if (section[0] !== 10) return section;
      const [, content] = leb(section, 1);
      const [count, first] = leb(section, content);
      if (count === 0 || count > 100_000) return section;
      const chosen = random.below(count);
      let at = first;
      for (let n = 0; n < chosen; n++) {
        const [size, start] = leb(section, at);
        at = start + size;
      }
      const [size, start] = leb(section, at);
      const body = change(section.subarray(start, start + size), random.below(Math.max(1, size)));
      const code = Buffer.concat([
        section.subarray(content, at),
        Uint8Array.from(unsigned(body.length)),
        body,
        section.subarray(start + size),
      ]);
      return Buffer.concat([Uint8Array.from([10, ...unsigned(code.length)]), code]);
    }),
  );
}

function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return [...out, rest];
}
