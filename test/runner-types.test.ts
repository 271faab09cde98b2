/** The types of the runner, which the SDK offers without knowing the runtime: here the compiler holds them to the runtime's. */
import { test } from "node:test";
import type * as Bare from "@capsule-run/runtime";
import * as root from "@capsule-run/sdk";
import * as runner from "@capsule-run/sdk/runner";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._proof: Same<A, B> extends true ? [] : ["the types differ"]): void {}

test("requests, events and output are the runtime's", () => {
  same<runner.PolicyOptions, Bare.PolicyOptions>();
  same<runner.RunEvent["type"], Bare.RunEvent["type"]>();
  same<
    Exclude<keyof Bare.RunRequest, "argsJson" | "root" | "disk" | "beforeFiles">,
    Exclude<keyof runner.RunOptions, "gate">
  >();
  same<keyof Bare.Output, Exclude<keyof runner.Output, "text">>();
});

test("results have the type that is asked for, and narrow on success", () => {
  const use = async (): Promise<void> => {
    const answer = await runner.run<{ sum: number }>({ file: "x.ts", signal: new AbortController().signal });
    if (answer.success) same<typeof answer.result, { sum: number }>();
    else same<typeof answer.result, null>();
    same<typeof answer.resultJson, string | null>();
    const unknown_ = await root.run({ file: "x.ts" });
    if (unknown_.success) same<typeof unknown_.result, unknown>();
    // @ts-expect-error there is no such option
    await root.run({ file: "x.ts", arguments: [] });
    // @ts-expect-error the file is missing
    await runner.run({});
    await using capsule = await root.createRuntime({ concurrency: 1 });
    // @ts-expect-error only a runtime's own options say where the command line is
    await capsule.run({ file: "x.ts", capsulePath: "x" });
  };
  void use;
});
