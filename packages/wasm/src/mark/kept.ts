import { type Grain, reachOf } from "./grain.ts";
import { beforeMerges } from "./merges.ts";
import { type Demand, type Need, type Needs, withoutDemands } from "./needs.ts";
import { type Placement, placeMarks } from "./place.ts";
import { CONSTANT, type Definition } from "./values.ts";

/**
 * Places a function's marks. Some locals, like a pointer that goes round a loop, are cheaper to mark wherever they
 * are set than wherever they are stored by: then all that they may hold is marked.
 * @param demands what the function's callers have marked
 */
export function planPlacement(found: Needs, grain: Grain, demands: readonly Demand[] = []): Placement {
  const { blocks } = found;
  const needs = beforeMerges(found, grain);
  const plain = placeMarks(blocks, withoutDemands(found, needs, demands), grain);
  const kept = chooseKept(found, plain);
  if (kept.size === 0) return plain;
  const other = placeMarks(
    blocks,
    withoutDemands(found, needsWith(kept, needs, found, grain), demands),
    grain,
  );
  return other.cost < plain.cost ? other : plain;
}

/** The locals for which marks at what sets them seem to cost less. */
function chooseKept({ blocks, sets, params }: Needs, plain: Placement): Set<number> {
  const costs = new Map<number, number>();
  for (const { definition, weight } of plain.marks) {
    const locals = new Set(originsOf(definition).map(({ local }) => local));
    for (const local of locals) costs.set(local, (costs.get(local) ?? 0) + weight);
  }
  const kept = new Set(costs.keys());
  const bySetter = new Map<number, Definition[]>();
  for (const set of sets) {
    const list = bySetter.get(set.local);
    if (list) list.push(set);
    else if (kept.has(set.local)) bySetter.set(set.local, [set]);
  }
  for (let before = -1; before !== kept.size; ) {
    before = kept.size;
    for (const local of kept) {
      let cost = local < params ? 1 : 0;
      for (const set of bySetter.get(local) ?? [])
        if (!isCopy(set, kept)) cost += blocks.weight[set.block] as number;
      if (cost >= (costs.get(local) ?? 0)) kept.delete(local);
    }
  }
  return kept;
}

/** A definition and those it was computed from. */
function originsOf(definition: Definition | undefined): Definition[] {
  const origins: Definition[] = [];
  for (let origin = definition; origin !== undefined; origin = origin.source) origins.push(origin);
  return origins;
}

/** Whether a local is set to just what one that is always marked holds. */
function isCopy({ source, root, offset }: Definition, kept: ReadonlySet<number>): boolean {
  return source !== undefined && kept.has(source.local) && source.root === root && source.offset === offset;
}

/** Instead of the stores by the locals that are kept marked, what sets them. */
function needsWith(kept: ReadonlySet<number>, before: readonly Need[], found: Needs, grain: Grain): Need[] {
  const reach = reachOf(grain);
  const needs: Need[] = [];
  let [low, high] = [0, 0];
  for (const need of before) {
    const by = originsOf(need.definition).find(
      ({ local, offset }) => kept.has(local) && need.low >= offset - reach && need.high <= offset + reach,
    );
    if (by) {
      low = Math.min(low, need.low - by.offset);
      high = Math.max(high, need.high - by.offset);
    } else needs.push(need);
  }
  const keep = (definition: Definition, block: number, at: number, behind: boolean) => {
    const { root, offset } = definition;
    // A constant is marked by its own page: what is stored by it is near.
    const constant = root === CONSTANT;
    const distance = constant ? { low: offset, high: offset } : { low: offset + low, high: offset + high };
    needs.push({ root, ...distance, definition: constant ? undefined : definition, block, at, behind });
  };
  for (const set of found.sets)
    if (kept.has(set.local) && !isCopy(set, kept)) keep(set, set.block, set.at, true);
  for (const local of kept) if (local < found.params) keep(found.entry(local), 0, 0, false);
  return needs;
}
