/**
 * Plain JavaScript, and sync tasks: a call blocks until the sub-task has ended, as a function call would.
 *
 *     npx capsule run examples/pipeline.js "To be, or not to be, that is the question"
 */
import { task } from "@capsule-run/sdk";

const words = task({ name: "words", compute: "LOW" }, (text) => text.toLowerCase().match(/[a-z]+/g) ?? []);

const tally = task({ name: "tally", compute: "LOW" }, (list) => {
  const counts = {};
  for (const word of list) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
});

/** The result of a task that must not fail. */
function value({ success, result, error }) {
  if (!success) throw new Error(error.message);
  return result;
}

export const main = task({ name: "main", compute: "LOW" }, (text = "one two two") =>
  value(tally(value(words(text)))),
);
