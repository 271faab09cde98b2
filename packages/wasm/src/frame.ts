import { Reader } from "./binary.ts";
import type { Body } from "./body.ts";
import type { Instruction } from "./instruction.ts";
import { Op } from "./opcodes.ts";

/** The constants by which a function moves the stack pointer, each an `i32.const`, and their values. */
export type FrameSizes = ReadonlyMap<Instruction, number>;

const [I32_ADD, I32_SUB] = [0x6a, 0x6b];

/**
 * Finds the frame of a function that begins as compilers let it, with the stack pointer's old value less a
 * constant, in a local too, and before every exit sets it to the local plus a constant. Such a frame can be
 * made larger by changing the constants alone. `undefined` if anything else is done with the stack pointer.
 */
export function findFrame(body: Body, stackPointer: number, bytes: Uint8Array): FrameSizes | undefined {
  const [get, size, sub, tee, set] = body.instructions;
  if (!isGlobal(get, Op.globalGet, stackPointer) || size?.opcode !== Op.i32Const) return undefined;
  if (sub?.opcode !== I32_SUB || tee?.opcode !== Op.localTee) return undefined;
  if (!isGlobal(set, Op.globalSet, stackPointer)) return undefined;
  const releases = findReleases(body, stackPointer, tee.immediate);
  if (releases === undefined || !new ExitFinder(body, new Set(releases.keys())).allRaised()) return undefined;
  return new Map(
    [size, ...releases.values()].map((instruction) => [instruction, constant(instruction, bytes)]),
  );
}

/** Everything that sets the stack pointer behind the start, with the constant that is added to the local. */
function findReleases(
  body: Body,
  stackPointer: number,
  local: number,
): Map<Instruction, Instruction> | undefined {
  const { instructions } = body;
  const releases = new Map<Instruction, Instruction>();
  for (let i = 5; i < instructions.length; i++) {
    const instruction = instructions[i] as Instruction;
    if (!isGlobal(instruction, Op.globalSet, stackPointer)) continue;
    const [get, size, add] = instructions.slice(i - 3, i);
    if (get?.opcode !== Op.localGet || get.immediate !== local || add?.opcode !== I32_ADD) return undefined;
    if (size?.opcode !== Op.i32Const) return undefined;
    releases.set(instruction, size);
  }
  return releases;
}

function isGlobal(instruction: Instruction | undefined, opcode: number, global: number): boolean {
  return instruction?.opcode === opcode && instruction.immediate === global;
}

function constant({ start, end }: Instruction, bytes: Uint8Array): number {
  return new Reader(bytes, start + 1, end).s32();
}

type State = "lowered" | "raised" | "dead";

/** Follows a body from its start: whether the stack pointer has been raised again wherever it is left. */
class ExitFinder {
  private readonly body: Body;
  private readonly stores: ReadonlySet<Instruction>;
  private state: State = "lowered";
  /** The state in which each label is reached, that of a loop at its start. */
  private readonly labels = new Map<Instruction, State>();
  /** The state in front of each `if`. */
  private readonly branches = new Map<Instruction, State>();
  private agrees = true;

  constructor(body: Body, stores: ReadonlySet<Instruction>) {
    this.body = body;
    this.stores = stores;
  }

  allRaised(): boolean {
    const { root, instructions } = this.body;
    this.labels.set(root, "raised");
    for (const instruction of instructions) {
      this.step(instruction);
      if (!this.agrees) return false;
    }
    return true;
  }

  private step(instruction: Instruction): void {
    const { opcode, opener, target, targets } = instruction;
    switch (opcode) {
      case Op.try:
      case Op.tryTable:
        // A handler is reached in whichever state something was thrown.
        this.agrees = false;
        return;
      case Op.loop:
        this.labels.set(instruction, this.state);
        return;
      case Op.if:
        this.branches.set(instruction, this.state);
        return;
      case Op.else:
        if (opener) this.reach(opener);
        this.state = (opener && this.branches.get(opener)) ?? "dead";
        return;
      case Op.end:
        if (opener) this.close(opener);
        return;
      case Op.globalSet:
        if (this.stores.has(instruction) && this.state === "lowered") this.state = "raised";
        return;
      case Op.br:
      case Op.brIf:
      case Op.brTable:
        for (const label of target ? [target] : targets) this.reach(label);
        if (opcode !== Op.brIf) this.state = "dead";
        return;
      case Op.return:
      case Op.returnCall:
      case Op.returnCallIndirect:
        this.reach(this.body.root);
        this.state = "dead";
        return;
      case Op.unreachable:
      case Op.throw:
      case Op.throwRef:
        this.state = "dead";
        return;
    }
  }

  private close(opener: Instruction): void {
    // The end of a loop is not where its label is.
    if (opener.opcode === Op.loop) return;
    this.reach(opener);
    const skipped = opener.opcode === Op.if && !opener.otherwise ? this.branches.get(opener) : undefined;
    if (skipped) {
      this.state = skipped;
      this.reach(opener);
    }
    this.state = this.labels.get(opener) ?? "dead";
  }

  private reach(label: Instruction): void {
    if (this.state === "dead") return;
    const known = this.labels.get(label);
    if (known === undefined || known === "dead") {
      if (label.opcode === Op.loop) this.agrees = false;
      else this.labels.set(label, this.state);
    } else if (known !== this.state) this.agrees = false;
  }
}
