import type { Blocks } from "./blocks.ts";
import { type Grain, reachOf } from "./grain.ts";
import type { Need } from "./needs.ts";
import { CONSTANT, type Definition } from "./values.ts";

/** A mark by a local's value. */
export interface Mark {
  /** What is marked is `offset` from what this local holds then; without one it is at `offset`. */
  readonly definition: Definition | undefined;
  readonly offset: number;
  /** Before an instruction, or behind it. */
  readonly at: number;
  readonly behind: boolean;
  /** How often it is made for one call of the function, roughly. */
  readonly weight: number;
  /** The needs it is for: their root, and the distances from it. */
  readonly root: number;
  readonly low: number;
  readonly high: number;
}

/** A mark is moved to where it covers others if it costs less there by this factor. */
const WORTHWHILE = 0.95;

/** Longer ways are not looked along for a better place. */
const MAX_STEPS = 100;

/** Marks, and how often they are made for one call of the function, roughly. */
export interface Placement {
  readonly marks: readonly Mark[];
  readonly cost: number;
}

/**
 * Chooses marks so that on every way to a need there is one near it, for as little as can be: a mark may stand
 * anywhere between the point where a local gets the address and the need.
 */
export function placeMarks(blocks: Blocks, needs: readonly Need[], grain: Grain): Placement {
  const groups = new Map<number, Need[]>();
  for (const need of needs) {
    const [key, known] = need.root === CONSTANT ? onPage(need, grain) : [need.root, need];
    // Page 0 counts as marked.
    if (key === FIRST_PAGE) continue;
    const group = groups.get(key);
    if (group) group.push(known);
    else groups.set(key, [known]);
  }
  const marks: Mark[] = [];
  for (const group of groups.values()) {
    if (group[0]?.root === CONSTANT) placeWindow(blocks, group, grain, marks);
    else for (const window of windows(group, reachOf(grain))) placeWindow(blocks, window, grain, marks);
  }
  return { marks, cost: marks.reduce((sum, { weight }) => sum + weight, 0) };
}

/** What `onPage` gives for page 0; roots are not negative. */
const FIRST_PAGE = -1;

/** Needs by constants are met by a page: that of an address from which a mark reaches them. */
function onPage(need: Need, grain: Grain): [key: number, need: Need] {
  const address = within({ ...need, reach: reachOf(grain) }, need.low);
  return [-1 - (address >>> grain.shift), { ...need, low: address, high: address }];
}

/** Parts of a group each of which one mark can do for. */
function windows(group: Need[], reach: number): Need[][] {
  if (group.length === 1) return [group];
  const sorted = [...group].sort((a, b) => a.low - b.low);
  const result: Need[][] = [];
  let window: Need[] = [];
  let [from, to] = [0, 0];
  for (const need of sorted) {
    to = Math.max(to, need.high);
    if (window.length > 0 && to - from <= 2 * reach) window.push(need);
    else {
      window = [need];
      [from, to] = [need.low, need.high];
      result.push(window);
    }
  }
  return result;
}

/** A block on the way from a definition to needs. */
interface Node {
  /** The local that holds the address, apart from a distance, at the block's end; none for constants. */
  readonly definition: Definition | undefined;
  /** The first need in the block. */
  need: Need | undefined;
  /** What marks cost in the blocks that this one dominates. */
  below: number;
  /** A mark goes here. */
  chosen: boolean;
}

function placeWindow(blocks: Blocks, window: readonly Need[], grain: Grain, marks: Mark[]): void {
  const range = { root: window[0]?.root ?? CONSTANT, ...spanOf(window), reach: reachOf(grain) };
  const nodes = new Map<number, Node>();
  for (const need of window) addWay(blocks, need, nodes);
  const order = [...nodes.keys()].sort((a, b) => a - b);
  for (let n = order.length - 1; n >= 0; n--) {
    const block = order[n] as number;
    const node = nodes.get(block) as Node;
    const weight = blocks.weight[block] as number;
    node.chosen = node.need !== undefined || weight < node.below * WORTHWHILE;
    const above = block === 0 ? undefined : nodes.get(blocks.dominator[block] as number);
    if (above) above.below += node.chosen ? weight : node.below;
  }
  const marked = new Set<number>();
  for (const block of order) {
    const node = nodes.get(block) as Node;
    if (block !== 0 && marked.has(blocks.dominator[block] as number)) marked.add(block);
    else if (node.chosen) {
      marked.add(block);
      marks.push(markIn(blocks, block, node, range));
    }
  }
}

/** From the lowest to the highest distance. There may be more needs than a call takes arguments. */
export function spanOf(needs: readonly Need[]): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const need of needs) {
    low = Math.min(low, need.low);
    high = Math.max(high, need.high);
  }
  return { low, high };
}

/** Adds the blocks between a need and the definition of its address. */
function addWay(blocks: Blocks, need: Need, nodes: Map<number, Node>): void {
  let definition = need.definition;
  let block = need.block;
  for (let step = 0; step < MAX_STEPS; step++) {
    // The definition that the way goes on with from here: one that holds at the block's start.
    let above = definition;
    while (above?.block === block && above.at >= 0) above = above.source;
    const known = nodes.get(block);
    if (known === undefined) nodes.set(block, { definition, need: undefined, below: 0, chosen: false });
    if (step === 0) {
      const node = nodes.get(block) as Node;
      if (node.need === undefined || comesFirst(need, node.need)) node.need = need;
    }
    if (known !== undefined || block === 0) return;
    if (need.definition !== undefined && (above === undefined || above.block === block)) return;
    definition = above;
    block = blocks.dominator[block] as number;
  }
}

function comesFirst(a: Need, b: Need): boolean {
  return a.at < b.at || (a.at === b.at && !a.behind && b.behind);
}

/** Distances from a root of the needs of a window. */
interface Range {
  readonly root: number;
  readonly low: number;
  readonly high: number;
  readonly reach: number;
}

/** The distance at which to mark: `wanted`, if a mark there reaches all that is needed. */
export function within({ low, high, reach }: Omit<Range, "root">, wanted: number): number {
  return wanted >= high - reach && wanted <= low + reach ? wanted : Math.max(low, high - reach);
}

function markIn(blocks: Blocks, block: number, node: Node, range: Range): Mark {
  const { need } = node;
  const definition = need ? need.definition : node.definition;
  const { at, behind } = need ?? placeIn(blocks, block, definition);
  const { root, low, high } = range;
  const mark = { definition, at, behind, weight: blocks.weight[block] as number, root, low, high };
  if (definition === undefined) return { ...mark, offset: range.low };
  return { ...mark, offset: within(range, definition.offset) - definition.offset };
}

/** Just behind what sets the local, or the start of the block. */
function placeIn(
  { first }: Blocks,
  block: number,
  definition: Definition | undefined,
): { at: number; behind: boolean } {
  if (definition?.block === block && definition.at >= 0) return { at: definition.at, behind: true };
  return block === 0 ? { at: 0, behind: false } : { at: (first[block] as number) - 1, behind: true };
}
