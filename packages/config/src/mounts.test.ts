import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileGrant, UsageError } from "@capsule-run/protocol";
import { limitMounts, mountsOf, type ProjectMount, parseMounts } from "./mounts.ts";

const rw = (path: string): FileGrant => ({ path, mode: "read-write" });
const ro = (path: string): FileGrant => ({ path, mode: "read-only" });
/** A mount as it is shown: `host::guest:mode`. */
const shown = ({ host, guest, mode }: ProjectMount): string =>
  `${host}::${guest}:${mode === "read-only" ? "ro" : "rw"}`;

const mount = (text: string): string => parseMounts([text]).map(shown).join();

test("the forms of a mount", () => {
  for (const [text, expected] of [
    ["data", "data::data:rw"],
    ["./data/", "data::data:rw"],
    ["data:ro", "data::data:ro"],
    ["data:rw", "data::data:rw"],
    ["sessions/a::workspace:ro", "sessions/a::workspace:ro"],
    ["sessions/a::workspace", "sessions/a::workspace:rw"],
    ["data::ro", "data::ro:rw"],
    ["data::ro:ro", "data::ro:ro"],
    [".", ".::.:rw"],
    [".::all:ro", ".::all:ro"],
    ["a/../b", "b::b:rw"],
    ["a b::ü:ro", "a b::ü:ro"],
  ] as const)
    assert.equal(mount(text), expected);
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ["", /has no HOST/],
  [":ro", /has no HOST/],
  ["::x", /has no HOST/],
  ["x::", /has no GUEST/],
  ["/etc", /HOST that is not inside the project/],
  ["..", /HOST that is not inside/],
  ["a/../../b", /HOST that is not inside/],
  ["a::/etc", /GUEST that is not inside/],
  ["a::../b", /GUEST that is not inside/],
  ["a\0", /HOST that is not inside/],
  ["C:\\x", /has a :/],
  ["\\\\host\\share", /HOST that is not inside/],
  ["a:rx", /has a : with neither/],
  ["a:", /has a : with neither/],
  ["a::b::c", /more than one ::/],
  ["a::b:ro:rw", /has a :/],
];

for (const [text, message] of WRONG)
  test(`no mount: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseMounts([text]),
      (error) => {
        assert.ok(error instanceof UsageError && error.slug === "mount");
        assert.match(error.message, message);
        return true;
      },
    );
  });

test("each place is taken once, and there are not too many", () => {
  assert.throws(() => parseMounts(["a::x", "b::./x"]), /"a::x" and "b::\.\/x" are at one place, "x"/);
  assert.throws(() => parseMounts(Array.from({ length: 101 }, (_, i) => `a${i}`)), /100 mounts, not 101/);
});

const limited = (texts: readonly string[], ceiling: readonly FileGrant[] | null): string[] =>
  limitMounts(parseMounts(texts), ceiling).mounts.map(shown);

test("a ceiling holds for mounts too", () => {
  assert.deepEqual(limited(["data::x"], null), ["data::x:rw"]);
  assert.deepEqual(limited(["data::x"], []), []);
  assert.deepEqual(limited(["data::x"], [ro(".")]), ["data::x:ro"]);
  assert.deepEqual(limited(["data::x:ro"], [rw(".")]), ["data::x:ro"]);
  assert.deepEqual(limited([".::all"], [rw("data"), ro("docs/a")]), [
    "data::all/data:rw",
    "docs/a::all/docs/a:ro",
  ]);
  assert.deepEqual(limited(["data::."], [rw("data/x")]), ["data/x::x:rw"]);
  assert.deepEqual(limited(["data"], [rw("."), ro("data/keep")]), [
    "data::data:rw",
    "data/keep::data/keep:ro",
  ]);
});

test("what a ceiling cuts of mounts is said", () => {
  const { cuts } = limitMounts(parseMounts(["data::x", "docs", "keep:ro"]), [ro("data"), rw("keep")]);
  assert.deepEqual(cuts, ['mount: "data" is cut to "data" (read-only)', 'mount: "docs" is cut to nothing']);
});

const seen = (declared: readonly FileGrant[], texts: readonly string[], granted = declared): string[] =>
  mountsOf(declared, granted, parseMounts(texts)).map(shown);

test("a task sees what it is granted at its own place, and the mounts of its run", () => {
  assert.deepEqual(seen([rw("data"), ro(".")], []), [".::.:ro", "data::data:rw"]);
  assert.deepEqual(seen([rw("data"), ro("data")], []), ["data::data:ro"]);
  assert.deepEqual(seen([], ["sessions/a::workspace:ro"]), ["sessions/a::workspace:ro"]);
  assert.deepEqual(seen([rw("data")], ["other::data"]), ["other::data:rw"], "the mount is seen");
});

test("a mount never widens what a task declares", () => {
  assert.deepEqual(seen([ro("data")], ["data::x"]), ["data::data:ro", "data::x:ro"]);
  assert.deepEqual(seen([ro(".")], ["data::x"]), [".::.:ro", "data::x:ro"]);
  assert.deepEqual(seen([ro("."), rw("data")], ["data::x"]), [".::.:ro", "data::data:rw", "data::x:rw"]);
  assert.deepEqual(seen([ro("a/b")], [".::all"]), ["a/b::a/b:ro", "a/b::all/a/b:ro", ".::all:rw"]);
  assert.deepEqual(seen([ro("a/b")], ["a"]), ["a/b::a/b:ro", "a::a:rw"]);
  assert.deepEqual(seen([ro("a/b")], ["a::."], []), ["a/b::b:ro", "a::.:rw"], "also without a grant");
  assert.deepEqual(seen([ro("docs")], ["other::docs", ".::all"]), [
    "other::docs:rw",
    "docs::all/docs:ro",
    ".::all:rw",
  ]);
});
