/** What the compiler promises to users of `task`: this file is checked by `tsc`, and runs as a smoke test. */
import test from "node:test";
import { type TaskOptions, type TaskResult, task } from "./index.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._proof: Same<A, B> extends true ? [] : ["the types differ"]): void {}

test("types of calls", () => {
  const sync = task({ name: "sync" }, (a: number, b = "x", ...rest: boolean[]) => ({ a, b, rest }));
  same<
    typeof sync,
    (a: number, b?: string, ...rest: boolean[]) => TaskResult<{ a: number; b: string; rest: boolean[] }>
  >();
  const async_ = task({ name: "async" }, async (a: number[]) => a.length);
  same<typeof async_, (a: number[]) => Promise<TaskResult<number>>>();
  const wide = task({ name: "wide" }, (dataset: number[]): object => ({ dataset }));
  same<typeof wide, (dataset: number[]) => TaskResult<object>>();
  const recursive = task({ name: "recursive" }, (n: number): number => {
    const before = n > 0 ? recursive(n - 1) : null;
    return before?.success ? before.result + 1 : 0;
  });
  same<typeof recursive, (n: number) => TaskResult<number>>();
  const recursiveLater = task({ name: "recursive" }, async (n: number): Promise<number> => {
    const before = n > 0 ? await recursiveLater(n - 1) : null;
    return before?.success ? before.result + 1 : 0;
  });
  same<typeof recursiveLater, (n: number) => Promise<TaskResult<number>>>();
  const optional = task({ name: "optional" }, (a?: string, ...[b]: [b?: number]) => [a, b]);
  same<typeof optional, (a?: string, b?: number) => TaskResult<(string | number | undefined)[]>>();
  function named(a: Date | null): Map<string, number> {
    return new Map([["a", Number(a)]]);
  }
  same<ReturnType<typeof task<typeof named>>, (a: Date | null) => TaskResult<Map<string, number>>>();
  const never = task({ name: "never" }, (): never => {
    throw new Error("always");
  });
  same<ReturnType<typeof never>, TaskResult<never>>();
  const nothing = task({ name: "nothing" }, () => {});
  same<ReturnType<typeof nothing>, TaskResult<void>>();
  const unknown_ = task({ name: "unknown" }, (text: string): unknown => JSON.parse(text));
  same<ReturnType<typeof unknown_>, TaskResult<unknown>>();
  const either = task({ name: "either" }, (now: boolean) => (now ? 1 : Promise.resolve(1)));
  same<ReturnType<typeof either>, TaskResult<number>>();
});

test("types narrow on success", () => {
  const result = task({ name: "one" }, (): number => 1)();
  if (result.success) {
    same<typeof result.result, number>();
    same<typeof result.error, null>();
  } else {
    same<typeof result.result, null>();
    same<typeof result.error.message, string>();
  }
});

test("wrong uses do not compile", () => {
  const wrong = (): void => {
    const sync = task({ name: "sync" }, (a: number) => a);
    // @ts-expect-error the argument is missing
    sync();
    // @ts-expect-error the argument has another type
    sync("1");
    // @ts-expect-error one argument too many
    sync(1, 2);
    // @ts-expect-error the name is missing
    task({}, () => 1);
    // @ts-expect-error there is no such option
    task({ name: "x", rma: "1GB" }, () => 1);
    // @ts-expect-error not an amount of compute
    task({ name: "x", compute: "low" }, () => 1);
    // @ts-expect-error not a function
    task({ name: "x" }, 1);
    // @ts-expect-error a failed execution has no result
    sync(1).result.toFixed();
    const options: TaskOptions = { name: "x", compute: "5000000", ram: 1, timeout: "1s", allowedFiles: [] };
    // @ts-expect-error options are for reading
    options.name = "y";
  };
  void wrong;
});
