import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecrets, type RunSecrets } from "./index.ts";

const KEY = "sk-proj-T3st_abcDEF0123456789xyzXYZ";

const secretsOf = (...values: readonly string[]) =>
  createSecrets(
    values.map((value, i) => ({ name: `S${i}`, value, hosts: ["a.example"], query: true, body: true })),
    "seed",
  );

/** A body that comes in pieces, and what the sandbox gets of it. */
function through(secrets: RunSecrets, pieces: readonly Uint8Array[]): { given: Buffer; mostKept: number } {
  const scrubber = secrets.onTheWay().scrubber();
  assert.ok(scrubber);
  let into = 0;
  let out = 0;
  let mostKept = 0;
  const given: Uint8Array[] = [];
  for (const piece of pieces) {
    const some = scrubber.push(piece);
    given.push(some.slice());
    into += piece.length;
    out += some.length;
    mostKept = Math.max(mostKept, into - out);
  }
  given.push(scrubber.end());
  return { given: Buffer.concat(given), mostKept };
}

/** Every value that is hard in its own way. */
const VALUES: readonly string[] = [
  KEY,
  "12345678",
  "aaaaaaaaaaaa",
  "abcabcabcabcabd",
  "p@ss w0rd/\"\\%+&=?#<>'`",
  "$&.*[a](b)|^{2}\\",
  "100%25sure\\u0041&amp;",
  "pässwörd-ÿ!",
  "пароль-密码-🔑🔑",
];

const spaced = (value: string): string => encodeURIComponent(value).replaceAll("%20", "+");
const allPercent = (value: string): string =>
  [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const allUnicode = (value: string): string =>
  value
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
const html = (value: string): string =>
  value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#039;");
const base64 = (before: string, after: string) => (value: string) =>
  Buffer.from(before + value + after).toString("base64");

const ENCODINGS: Readonly<Record<string, (value: string) => string>> = {
  plain: (value) => value,
  "URL-encoded": encodeURIComponent,
  "URL-encoded in small letters": (value) =>
    encodeURIComponent(value).replace(/%../g, (each) => each.toLowerCase()),
  "form-encoded": spaced,
  "URLSearchParams'": (value) => new URLSearchParams([["", value]]).toString().slice(1),
  "URL-encoded throughout": allPercent,
  JSON: (value) => JSON.stringify(value).slice(1, -1),
  "JSON with \\/": (value) => JSON.stringify(value).slice(1, -1).replaceAll("/", "\\/"),
  "JSON throughout": allUnicode,
  "JSON throughout in capitals": (value) => allUnicode(value).toUpperCase().replaceAll("U", "u"),
  HTML: html,
  hexadecimal: (value) => Buffer.from(value).toString("hex"),
  "hexadecimal in capitals": (value) => Buffer.from(value).toString("hex").toUpperCase(),
  ...Object.fromEntries(
    ["", "u", "us", "user:", "user1:", "\xff\xfe", "ÿÿ?"].flatMap((before) =>
      ["", "~", "~~", "~~~", "\xff"].map((after) => [
        `base64 after ${JSON.stringify(before)} before ${JSON.stringify(after)}`,
        base64(before, after),
      ]),
    ),
  ),
  base64url: (value) => Buffer.from(`user:${value}~~`).toString("base64url"),
  "base64 in a URL": (value) => encodeURIComponent(base64("user:", "~~")(value)),
  "base64 in JSON with \\/": (value) => base64("user:", "~~")(value).replaceAll("/", "\\/"),
};

test("a value is replaced in every encoding, and decodes to its placeholder", () => {
  const DECODE: readonly [RegExp, (text: string) => string][] = [
    [/^base64/, (text) => Buffer.from(decodeURIComponent(text.replaceAll("\\/", "/")), "base64").toString()],
    [/^hexadecimal/, (text) => Buffer.from(text, "hex").toString()],
    [/^URL|^form/, decodeURIComponent],
    [/^JSON/, (text) => JSON.parse(`"${text}"`) as string],
    [/./, (text) => text],
  ];
  for (const value of VALUES) {
    const secrets = secretsOf(value);
    const placeholder = secrets.placeholder("S0") as string;
    for (const [name, encode] of Object.entries(ENCODINGS)) {
      const echo = encode(value);
      const scrubbed = secrets.scrub(echo);
      const decode = DECODE.find(([pattern]) => pattern.test(name))?.[1] ?? String;
      assert.ok(decode(scrubbed).includes(placeholder), `${value} ${name}: ${echo} became ${scrubbed}`);
      if (/^(plain|hexadecimal|base64 after)/.test(name))
        assert.equal(Buffer.byteLength(scrubbed), Buffer.byteLength(echo), `${value} ${name}`);
      assert.equal(
        secrets.onTheWay().redact(`<<${echo}>>`).includes("[secret S0]"),
        true,
        `${value} ${name}`,
      );
    }
  }
});

test("a value is replaced wherever a body is cut", () => {
  for (const value of VALUES) {
    const secrets = secretsOf(value);
    for (const encode of Object.values(ENCODINGS)) {
      const text = Buffer.from(`<a b="c">${encode(value)}</a> ${encode(value)}${encode(value)}`);
      const whole = through(secrets, [text]).given;
      assert.ok(!whole.includes(encode(value)));
      for (let cut = 0; cut <= text.length; cut += value === KEY ? 1 : 7)
        assert.deepEqual(through(secrets, [text.subarray(0, cut), text.subarray(cut)]).given, whole);
      assert.deepEqual(
        through(
          secrets,
          [...text].map((byte) => Uint8Array.of(byte)),
        ).given,
        whole,
      );
    }
  }
});

let state = 1;
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >> 8) % below;
}

test("of many values that overlap, the first and longest is replaced, however a body is cut", () => {
  const word = (): string => Array.from({ length: 8 + random(5) }, () => "ab"[random(2)]).join("");
  for (let round = 0; round < 40; round++) {
    const values = [...new Set(Array.from({ length: 6 }, word))];
    const secrets = secretsOf(...values);
    const text = Array.from({ length: 3000 }, () => "aaaabbbb-\n"[random(10)]).join("") + values.join("");
    const byLength = values.toSorted((a, b) => b.length - a.length).join("|");
    const expected = text.replace(
      new RegExp(byLength, "g"),
      (value) => secrets.placeholder(`S${values.indexOf(value)}`) as string,
    );
    assert.equal(secrets.scrub(text), expected);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < text.length; ) {
      const next = at + 1 + random(20);
      pieces.push(Buffer.from(text.slice(at, next)));
      at = next;
    }
    assert.equal(through(secrets, pieces).given.toString(), expected);
  }
});

test("everything else comes through as it is, in random pieces", () => {
  const secrets = secretsOf(KEY);
  // Letters of the value only, so that there are many beginnings of it; and bytes.
  for (const letters of [Buffer.from(KEY), Buffer.from("sk-proj"), Buffer.from([...Array(256).keys()])])
    for (let round = 0; round < 50; round++) {
      const text = Uint8Array.from({ length: 2000 }, () => letters[random(letters.length)] as number);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < text.length; ) {
        const next = at + 1 + random(300);
        pieces.push(text.subarray(at, next));
        at = next;
      }
      const { given, mostKept } = through(secrets, pieces);
      assert.deepEqual(given, Buffer.from(text));
      // The longest form of the value is \uXXXX for each of its characters.
      assert.ok(mostKept < KEY.length * 6, `${mostKept} bytes were kept back`);
    }
});

test("a value with one character changed is none", () => {
  for (const value of VALUES) {
    const secrets = secretsOf(value);
    for (let at = 0; at < value.length; at++) {
      const other = `${value.slice(0, at)}~${value.slice(at + 1)}`;
      if (other.isWellFormed()) assert.equal(secrets.scrub(other), other);
    }
  }
});

test("events and lines come through at once", () => {
  for (const value of [KEY, VALUES[4] as string]) {
    const scrubber = secretsOf(value).onTheWay().scrubber();
    for (const event of ['data: {"delta":"Hello"}\n\n', "data: sk-proj-\n\n", "data: [DONE]\n\n", "line\r\n"])
      assert.equal(Buffer.from(scrubber?.push(Buffer.from(event)) ?? []).toString(), event);
  }
});

test("what is kept back does not tell how a value goes on", () => {
  // A server of the program's own sends guesses; whether one came through at once must not depend on the value.
  const kept = (secrets: RunSecrets, guess: string): number => {
    const scrubber = secrets.onTheWay().scrubber();
    return guess.length - (scrubber?.push(Buffer.from(guess)).length ?? 0);
  };
  const real = secretsOf(KEY);
  const other = secretsOf(KEY.split("").reverse().join(""));
  for (let length = 1; length < KEY.length; length++)
    for (const frame of ["", "data: ", "xxxx", " "]) {
      const guess = frame + KEY.slice(0, length);
      assert.equal(kept(real, guess), kept(other, guess), guess);
      const wrong = `${guess.slice(0, -1)}!`;
      assert.equal(kept(real, wrong), kept(other, wrong), wrong);
    }
});

test("of two secrets that begin alike the longer one is replaced", () => {
  const secrets = secretsOf("sk-12345678", "sk-12345678-admin", "12345678");
  const [short, long, inner] = [0, 1, 2].map((i) => secrets.placeholder(`S${i}`));
  assert.equal(
    secrets.scrub("sk-12345678-admin, sk-12345678-adm, x12345678"),
    `${long}, ${short}-adm, x${inner}`,
  );
});

test("a piece that the caller uses again does no harm", () => {
  const scrubber = secretsOf(KEY).onTheWay().scrubber();
  const piece = Buffer.from(KEY.slice(0, 20));
  const first = Buffer.from(scrubber?.push(piece) ?? []).toString();
  piece.fill(0);
  const rest = Buffer.from(scrubber?.push(Buffer.from(KEY.slice(20))) ?? []).toString();
  const all = first + rest + Buffer.from(scrubber?.end() ?? []).toString();
  assert.equal(all, secretsOf(KEY).placeholder("S0"));
});

test("header values come as one character for each byte", () => {
  const value = "пароль-ä";
  const secrets = secretsOf(value);
  const raw = Buffer.from(`session=${value}; path=/`).toString("latin1");
  assert.equal(secrets.scrub(raw), `session=${secrets.placeholder("S0")}; path=/`);
});

test("text without values stays the same, lone surrogates included", () => {
  const text = "\ud800 sk-proj-T3st \udfff ÿ";
  assert.equal(secretsOf(KEY).scrub(text), text);
  assert.equal(secretsOf(KEY).onTheWay().redact(text), text);
});

test("a secret that is a common word is replaced wherever it stands", () => {
  const secrets = secretsOf("password");
  assert.equal(secrets.scrub('{"password":1}'), `{"${secrets.placeholder("S0")}":1}`);
});

test("100 MB in which nothing matches pass quickly", () => {
  const text = Buffer.from(
    JSON.stringify(Array.from({ length: 5000 }, (_, id) => ({ id, url: `https://a.example/%20/${id}` }))),
  );
  const scrubber = secretsOf(...VALUES)
    .onTheWay()
    .scrubber();
  const start = performance.now();
  for (let sent = 0; sent < 100e6; sent += 65_536) scrubber?.push(text.subarray(0, 65_536));
  const ms = performance.now() - start;
  // It takes 60 ms; 200 MB/s would be 500. A busy machine gets more.
  assert.ok(ms < 3000, `${ms} ms`);
});
