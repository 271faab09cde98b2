import type { Body } from "./body.ts";
import { planPlacement } from "./mark-kept.ts";
import type { Need, Needs } from "./mark-needs.ts";
import { findNeeds } from "./mark-needs.ts";
import type { Grain } from "./mark-place.ts";
import type { BranchHabit } from "./profile.ts";
import type { Module } from "./sections.ts";

/**
 * What the callers of a function mark for it: addresses from `low` to `high` bytes from one of its parameters. They
 * often store there, too, or have marked it long before.
 */
export interface Demand {
  readonly param: number;
  readonly low: number;
  readonly high: number;
}

/** By the function's index. A function that may be called in other ways than directly has none. */
export type Demands = Map<number, readonly Demand[]>;

/** Marks made in so few calls of a function are its own business. */
const NEARLY_ALWAYS = 0.9;

/** What a function would rather have marked by its callers: all that it marks in nearly every call. */
export function demandsOf(
  module: Module,
  body: Body,
  habits: ReadonlyMap<number, BranchHabit>,
  grain: Grain,
  known: Demands,
): readonly Demand[] {
  const found = findNeeds(module, body, habits, known);
  if (found.params === 0) return [];
  const params = new Map<number, number>();
  for (let param = 0; param < found.params; param++) params.set(found.entry(param).root, param);
  const demands: Demand[] = [];
  for (const { root, low, high, weight } of planPlacement(found, grain).marks) {
    const param = params.get(root);
    if (param !== undefined && weight >= NEARLY_ALWAYS) demands.push({ param, low, high });
  }
  return demands;
}

/** The needs that a function's callers have not seen to. */
export function withoutDemands(
  found: Needs,
  needs: readonly Need[],
  demands: readonly Demand[],
): readonly Need[] {
  if (demands.length === 0) return needs;
  const met = (need: Need) =>
    demands.some(
      ({ param, low, high }) => need.root === found.entry(param).root && need.low >= low && need.high <= high,
    );
  return needs.filter((need) => !met(need));
}
