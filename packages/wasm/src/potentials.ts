import type { Body } from "./body.ts";
import type { Callees } from "./checks.ts";
import { cost, type Instruction } from "./instruction.ts";
import { Op } from "./opcodes.ts";

/** Which way a branch usually goes, by the index of the instruction in its body; see profile.ts. */
export type UsualBranches = ReadonlyMap<number, { readonly fallsThrough: boolean }>;

/** More is never charged at once: a path with many calls on it, whose functions check, is cut again. */
const MAX_POTENTIAL = 100_000;

const NO_PROFILE: UsualBranches = new Map();

/**
 * Chooses what is charged where, so that every path through the body pays exactly what it costs and the
 * paths usually taken pay nothing on their way.
 *
 * Each point of the body has a potential: the cost from there to the next cut along an assumed path, which
 * is already paid when the point is reached. An edge that leaves the assumed path charges the difference
 * between the potentials at its ends, which may be negative. Cuts, where the potential is 0, are the exits,
 * the back edges of loops, the starts of handlers and the targets of tables.
 *
 * An exception leaves behind what was paid in advance, and potentials are never negative where one may be
 * thrown: it can only be charged too much, never too little.
 *
 * Needs `placeChecks` to have run; fills `charge`, `edgeCharge` and `roundCharge`.
 *
 * @returns the potential at the entry.
 */
export function placeCharges(body: Body, callees: Callees, usual: UsualBranches = NO_PROFILE): number {
  const { instructions, root } = body;
  let potential = 0;
  for (let i = instructions.length - 1; i >= 0; i--) {
    const instruction = instructions[i] as Instruction;
    if (instruction.cut || (potential < 0 && mayThrow(instruction)) || potential > MAX_POTENTIAL) {
      instruction.charge += potential - instruction.level;
      potential = instruction.level;
    }
    potential = before(instruction, potential, i);
  }
  return potential;

  /** The potential just before an instruction, from the one just behind it. */
  function before(instruction: Instruction, after: number, i: number): number {
    switch (instruction.opcode) {
      case Op.end:
      case Op.delegate:
        instruction.potential = instruction.opener === root ? 0 : after;
        return instruction.potential;
      case Op.else:
        instruction.potential = after;
        return instruction.opener?.closer?.potential ?? 0;
      case Op.catch:
      case Op.catchAll:
        return instruction.opener?.closer?.potential ?? 0;
      case Op.loop:
        return beforeLoop(instruction, after);
      case Op.if:
        return cost(instruction) + splitIf(instruction, after, usual.get(i)?.fallsThrough);
      case Op.br:
      case Op.return:
        return cost(instruction) + labelPotential(instruction.target);
      case Op.brIf:
        return cost(instruction) + splitBranch(instruction, after, usual.get(i)?.fallsThrough);
      case Op.brTable:
        return cost(instruction) + instruction.level;
      case Op.unreachable:
      case Op.throw:
      case Op.rethrow:
      case Op.throwRef:
      case Op.returnCallIndirect:
        return cost(instruction);
      case Op.returnCall:
        return cost(instruction) + (callees.prepaid[instruction.immediate] as number);
      case Op.call:
        return after + cost(instruction) + (callees.prepaid[instruction.immediate] as number);
      default:
        return after + cost(instruction);
    }
  }
}

function mayThrow({ opcode }: Instruction): boolean {
  return opcode === Op.call || opcode === Op.callIndirect;
}

function beforeLoop(loop: Instruction, after: number): number {
  if (loop.loopChecks === "backEdges") loop.roundCharge = after;
  if (loop.loopChecks !== "dispatch" || after === 0) return after;
  loop.charge += after;
  return 0;
}

/** Branches to a loop go to its start, where the potential is that of a cut or charged on the edge. */
function labelPotential(target: Instruction | undefined): number {
  if (target === undefined || target.opcode === Op.loop) return 0;
  return target.closer?.potential ?? 0;
}

/** The arms of an `if` start with the same potential; the unusual one, or the longer one, pays the rest. */
function splitIf(instruction: Instruction, thenPotential: number, usuallyThen: boolean | undefined): number {
  const { otherwise, closer } = instruction;
  const elsePotential = (otherwise ?? closer)?.potential ?? 0;
  const assumed = assume(thenPotential, elsePotential, usuallyThen);
  instruction.charge += thenPotential - assumed;
  if (otherwise) otherwise.charge += elsePotential - assumed;
  else instruction.edgeCharge = elsePotential - assumed;
  return assumed;
}

function splitBranch(instruction: Instruction, next: number, usuallyNext: boolean | undefined): number {
  const { target } = instruction;
  const taken = labelPotential(target);
  // With values for the label nothing can be charged on the edge without juggling them.
  const assumeTaken = target?.opcode === Op.loop || !target?.labelIsVoid;
  const assumed = assumeTaken ? taken : assume(next, taken, usuallyNext);
  instruction.charge += next - assumed;
  instruction.edgeCharge = taken - assumed;
  return assumed;
}

function assume(straight: number, branch: number, usuallyStraight: boolean | undefined): number {
  if (usuallyStraight === undefined) return Math.min(straight, branch);
  return usuallyStraight ? straight : branch;
}
