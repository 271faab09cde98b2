/** The types of the adapter are its own, because it is published: here the compiler holds them to what code gives. */
import { test } from "node:test";
import type * as adapter from "@capsule-run/adapter";
import type * as code from "@capsule-run/code";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._proof: Same<A, B> extends true ? [] : ["the types differ"]): void {}

test("what a call gives is what code gives", () => {
  same<adapter.Language, code.CodeLanguage>();
  same<adapter.Limits, code.CodeLimits>();
  same<adapter.CodeOutput, code.CodeOutput>();
  same<adapter.RichOutput, code.RichOutput>();
  same<adapter.WorkspaceFile, code.WorkspaceFile>();
  same<adapter.CodeError, code.CodeError>();
  same<adapter.Execution["metrics"], code.Execution["metrics"]>();
  same<Omit<adapter.Execution, "metrics">, Omit<code.Execution, "metrics">>();
});

test("a sandbox can be opened with all that code takes", () => {
  same<
    Exclude<keyof adapter.SandboxOptions, "capsulePath" | "gate">,
    Exclude<keyof code.CodeSandboxOptions, "language">
  >();
});
