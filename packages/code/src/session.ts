import { UsageError } from "@capsule-run/protocol";
import type { Runtime, Session, ToolHost } from "@capsule-run/runtime";
import type { CodeCallOptions, CodeSession, Execution } from "./api.ts";
import { callOf, inOurWords, putFiles } from "./call.ts";
import { executionOf, Printed } from "./execution.ts";
import { checkCode, type SandboxSettings } from "./options.ts";
import { programFile } from "./parts.ts";
import { makePlace, WORKSPACE } from "./place.ts";
import { watch } from "./scan.ts";
import { workspaceAt } from "./workspace.ts";

/** @param closed told when it is */
export async function openCodeSession(
  host: Runtime,
  { language, policy, disk, hosts, env, files }: SandboxSettings,
  tools: ToolHost | undefined,
  closed: () => void,
): Promise<CodeSession> {
  const place = await makePlace(disk, hosts);
  let session: Session;
  try {
    await putFiles(place, files);
    // A session can't change its engine later without losing what it holds.
    const file = programFile(language === "python" ? "science" : "javascript");
    session = await inOurWords(
      host.openSession({ file, root: place.root, disk: place.disk, policy, mounts: [WORKSPACE], env: {} }),
    );
  } catch (error) {
    await place.remove();
    throw error;
  }
  let ending: Promise<void> | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const open = (): void => {
    if (ending) throw new UsageError("runtime-closed", "the session was closed; open another one");
  };
  /** One after the other: what a call wrote is seen by comparing the files before it touched any and after it. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };

  const call = async (code: string, options: CodeCallOptions): Promise<Execution> => {
    open();
    const files = watch(place.workspace);
    const printed = new Printed(options.onOutput);
    const request = await callOf({ tools, ...options }, language, code, env, printed);
    const { envelope, memory } = await session.run({ ...request, beforeFiles: files.begin });
    return executionOf({ envelope, memory, printed, ...(await files.end()) });
  };

  const close = async (): Promise<void> => {
    try {
      await session.close();
    } finally {
      await place.remove();
      closed();
    }
  };

  const { folder, ...workspace } = workspaceAt(place);
  /** Operations on files of a session that is closed would make its folder anew. */
  const whileOpen = <A extends unknown[], R>(operation: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      open();
      return operation(...args);
    };
  };

  return {
    language,
    workspace: folder,
    async run(given, options = {}) {
      open();
      const code = checkCode(given);
      return inTurn(() => call(code, options));
    },
    importFile: whileOpen(workspace.importFile),
    exportFile: whileOpen(workspace.exportFile),
    writeFile: whileOpen(workspace.writeFile),
    readFile: whileOpen(workspace.readFile),
    deleteFile: whileOpen(workspace.deleteFile),
    listFiles: whileOpen(workspace.listFiles),
    async reset() {
      open();
      await inTurn(() => session.reset());
    },
    close: () => {
      ending ??= close();
      return ending;
    },
    [Symbol.asyncDispose]: () => {
      ending ??= close();
      return ending;
    },
  };
}
