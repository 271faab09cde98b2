/**
 * Cells under attack, for longer than `npm test` does: `npm run test:long -- cells [--seeds=300] [--from=1]
 * [--runs=600]`. First cells that break the protocol as each seed says, then programs of both languages whose cells are
 * killed and stopped. Prints what the host took meanwhile; ends with 1 if an attempt was harmed or something is left.
 */

import { bombard } from "../../packages/runtime/src/testing/bombard.ts";
import { attack } from "../../packages/runtime/src/testing/hostile.ts";
import { childrenOf } from "../../packages/runtime/src/testing/project.ts";

const option = (name: string, otherwise: number): number => {
  const word = process.argv.find((each) => each.startsWith(`--${name}=`));
  return word === undefined ? otherwise : Number(word.slice(name.length + 3));
};
const [seeds, from, runs] = [option("seeds", 300), option("from", 1), option("runs", 600)];
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const wrong: string[] = [];
const totals: Record<string, number> = {};
const rss: number[] = [];
let [cells, stalled, worst] = [0, 0, 0];
for (let seed = from; seed < from + seeds; seed++) {
  const { outcomes, harmed, twice, stalledMs, ...more } = await attack(seed);
  cells += more.cells;
  for (const [how, count] of Object.entries(outcomes)) totals[how] = (totals[how] ?? 0) + count;
  if (harmed.length > 0) wrong.push(`seed ${seed}: ${harmed.join("; ")}`);
  if (twice > 0) wrong.push(`seed ${seed}: ${twice} attempts ended twice`);
  if (stalledMs > 3000) wrong.push(`seed ${seed}: the host did nothing else for ${stalledMs.toFixed(0)} ms`);
  if (stalledMs > stalled) [stalled, worst] = [stalledMs, seed];
  rss.push(process.memoryUsage().rss);
  if ((seed - from + 1) % 25 === 0)
    say(
      `${seed - from + 1} seeds · ${cells} cells · ${JSON.stringify(totals)} · host ${megabytes(rss.at(-1) ?? 0)}`,
    );
}
say(`the longest the host did nothing else: ${stalled.toFixed(0)} ms, with seed ${worst}`);
// The heap finds its size in the first tenth; from then on nothing may add up.
const [early, late] = [rss[Math.floor(seeds / 10)] ?? 0, rss.at(-1) ?? 0];
if (late > early + 150e6) wrong.push(`the host grew from ${megabytes(early)} to ${megabytes(late)}`);

const { outcomes, signals, afterwards, left } = await bombard({ seed: from, runs });
say(
  `${runs} runs under ${signals} signals: ${JSON.stringify(outcomes)} · host ${megabytes(process.memoryUsage().rss)}`,
);
for (const how of Object.keys(outcomes))
  if (!/^(a|b|internal_error|timeout)$/.test(how)) wrong.push(`a run ended with ${how}`);
if (afterwards.join() !== "a,b") wrong.push(`afterwards: ${afterwards.join()}`);
if (left.length > 0) wrong.push(`left: ${left.join(", ")}`);
const children = childrenOf(process.pid);
if (children.length > 0) wrong.push(`processes left: ${children.join(", ")}`);
for (const text of wrong) say(text);
process.exit(wrong.length > 0 ? 1 : 0);
