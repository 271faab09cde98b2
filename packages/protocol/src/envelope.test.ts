import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, envelopeJson } from "./envelope.ts";
import { wholeCharacters } from "./utf8.ts";

const execution = {
  task_name: 'a"b\n',
  duration_ms: 3,
  retries: 0,
  fuel_consumed: 1,
  ram_used: 2,
  host_requests: [],
};

test("a success: one line, the result's text as it is", () => {
  const text = envelopeJson({ success: true, resultJson: '{"n":12345678901234567890}', execution });
  assert.ok(!text.includes("\n"));
  assert.ok(text.includes('"result":{"n":12345678901234567890},"error":null'));
  assert.deepEqual(Object.keys(JSON.parse(text)), ["success", "result", "error", "execution"]);
  assert.deepEqual(JSON.parse(text).execution, execution);
});

test("a failure: one line, whatever the message holds", () => {
  const error = { error_type: "task_error", message: 'Error: "x"\n  at \u2028 \ud800' } as const;
  const envelope: Envelope = { success: false, error, execution };
  const text = envelopeJson(envelope);
  assert.ok(!text.includes("\n"));
  assert.deepEqual(JSON.parse(text), { success: false, result: null, error, execution });
});

test("UTF-8 is cut between characters", () => {
  const text = Buffer.from("aé€😀b");
  const cuts = Array.from({ length: text.length + 2 }, (_, most) =>
    Buffer.from(wholeCharacters(text, most)).toString(),
  );
  assert.deepEqual(cuts, [
    "",
    "a",
    "a",
    "aé",
    "aé",
    "aé",
    "aé€",
    "aé€",
    "aé€",
    "aé€",
    "aé€😀",
    "aé€😀b",
    "aé€😀b",
  ]);
  assert.equal(wholeCharacters(text, -5).length, 0);
});
