import type { Body } from "../body.ts";
import type { BranchHabit } from "../profile.ts";
import type { Module } from "../sections.ts";
import { findNeeds } from "./find.ts";
import type { Grain } from "./grain.ts";
import { planPlacement } from "./kept.ts";
import type { Demand, Demands } from "./needs.ts";

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
