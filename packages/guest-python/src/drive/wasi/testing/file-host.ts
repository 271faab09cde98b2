import { decodeEffect, type EffectName, encodeAnswer, type FileStat } from "@capsule-run/protocol";
import type { FileHost } from "../index.ts";

/** The head and the payload of an answer. */
export type Answer = readonly [head: object, payload?: Uint8Array];
type Answers = (name: EffectName, head: Readonly<Record<string, unknown>>, payload: Uint8Array) => Answer;

/** A host for files whose answers a test makes up, and what it was asked for: with `path` or `handle`, and handles that were closed. */
export function fileHost(
  answers: Answers,
): FileHost & { readonly asked: [name: EffectName, what: unknown][]; readonly closed: number[] } {
  const asked: [name: EffectName, what: unknown][] = [];
  const closed: number[] = [];
  return {
    asked,
    closed,
    async ask(name, request) {
      const { head, payload } = decodeEffect(request) ?? { head: {}, payload: new Uint8Array(0) };
      asked.push([name, head.path ?? head.handle]);
      const [answer, bytes = new Uint8Array(0)] = answers(name, head, payload);
      return encodeAnswer({ ok: true, head: answer, payload: bytes });
    },
    post: (_name, request) => void closed.push(Number(decodeEffect(request)?.head.handle)),
  };
}

export const statOf = (size: number, kind: FileStat["kind"] = "file", inode = "7"): FileStat => ({
  ...{ kind, size, inode, device: "1", links: 1, writable: true },
  ...{ accessed: "-1", modified: "0", changed: "99" },
});
