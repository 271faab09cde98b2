import { type Grain, reachOf } from "./grain.ts";
import type { Need, Needs } from "./needs.ts";
import { placeMarks, spanOf } from "./place.ts";
import { CONSTANT, type Definition } from "./values.ts";

/**
 * Moves needs up: what a local holds where paths meet can be marked on each of them before, which costs less if it is
 * marked there anyway.
 */
export function beforeMerges(found: Needs, grain: Grain): readonly Need[] {
  const { blocks, definitions, needs } = found;
  const byRoot = new Map<number, Need[]>();
  const add = (need: Need) => {
    const list = byRoot.get(need.root);
    if (list) list.push(need);
    else byRoot.set(need.root, [need]);
  };
  for (const need of needs) add(need);
  // A merge's inputs come from earlier blocks: the latest first.
  const merges = definitions.filter(({ inputs }) => inputs.length > 0).sort((a, b) => b.block - a.block);
  for (const merge of merges) {
    const group = byRoot.get(merge.index);
    const moved = group && movedUp(merge, group);
    if (group === undefined || moved === undefined) continue;
    const price = moved.reduce(
      (sum, need) => sum + (isMet(need) ? 0 : (blocks.weight[need.block] as number)),
      0,
    );
    if (price >= placeMarks(blocks, group, grain).cost) continue;
    byRoot.delete(merge.index);
    for (const need of moved) add(need);
  }
  return [...byRoot.values()].flat();

  /** Whether a need that is there comes before this one on all ways, and one mark can do for both. */
  function isMet({ root, low, high, block }: Need): boolean {
    if (root === CONSTANT && low >>> grain.shift === 0) return true;
    const reach = 2 * reachOf(grain);
    return (byRoot.get(root) ?? []).some(
      (other) =>
        Math.max(high, other.high) - Math.min(low, other.low) <= reach &&
        blocks.dominates(other.block, block),
    );
  }

  function movedUp(merge: Definition, group: readonly Need[]): Need[] | undefined {
    const { low, high } = spanOf(group);
    if (high - low > 2 * reachOf(grain)) return undefined;
    return merge.inputs.map(({ block, definition }) => {
      const { root, offset } = definition;
      return {
        ...{ root, low: offset + low, high: offset + high },
        definition: root === CONSTANT ? undefined : definition,
        ...{ block, at: blocks.last[block] as number, behind: false },
      };
    });
  }
}
