import { join } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import { createRuntime, mentionsFull, type Runtime, userCacheFolder } from "@capsule-run/runtime";
import type {
  CodeLanguage,
  CodeRuntime,
  CodeRuntimeOptions,
  CodeSandboxOptions,
  CodeSession,
  Execution,
} from "./api.ts";
import { callOf, inOurWords, putFiles } from "./call.ts";
import { executionOf, Printed } from "./execution.ts";
import { checkCode, type SandboxSettings, settingsOf, wrong } from "./options.ts";
import { type ProgramName, programFile } from "./parts.ts";
import { makePlace, type Place, removeAbandoned, WORKSPACE } from "./place.ts";
import { watch } from "./scan.ts";
import { openCodeSession } from "./session.ts";
import { exportWritten, targetOf } from "./take-out.ts";
import { workspaceAt } from "./workspace.ts";

/** Makes what runs code. Nothing is started before the first call. */
export function createCodeRuntime(options: CodeRuntimeOptions = {}): CodeRuntime {
  let made: Promise<Runtime> | null = options.runtime ? Promise.resolve(options.runtime) : null;
  let closed = false;
  const sessions = new Set<CodeSession>();

  const runtime = (): Promise<Runtime> => {
    if (closed) throw new UsageError("runtime-closed", "the runtime was closed; make another one");
    if (made) return made;
    void removeAbandoned();
    const { cacheDir = join(userCacheFolder(), "code"), concurrency, onWarning, onProgress } = options;
    made = createRuntime({ cacheDir, record: false, concurrency, onWarning, onProgress });
    return made;
  };

  return {
    async execute(given, options = {}) {
      const code = checkCode(given);
      const settings = settingsOf(options);
      const { language, policy, env, files } = settings;
      const target = options.exportTo === undefined ? null : await targetOf(options.exportTo);
      const host = await runtime();
      return withPlace(settings, async (place) => {
        const watched = watch(place.workspace, Object.keys(files).length === 0);
        const printed = new Printed(options.onOutput);
        const call = await callOf(options, language, code, env, printed);
        const file = programFile(programFor(language, code));
        const { root, disk } = place;
        const own = { env: {}, beforeFiles: watched.begin };
        const { envelope } = await inOurWords(
          host.run({ ...call, ...own, file, root, disk, policy, mounts: [WORKSPACE] }),
        );
        const found = await watched.end();
        if (target !== null) await exportWritten(place, found.files, target);
        await options.onWorkspace?.(workspaceAt(place));
        return executionOf({ envelope, memory: null, printed, ...found });
      });
    },
    async openSession(options: CodeSandboxOptions = {}): Promise<CodeSession> {
      const settings = settingsOf(options);
      const host = await runtime();
      const session = await openCodeSession(host, settings, options.tools, () => sessions.delete(session));
      sessions.add(session);
      return session;
    },
    async load(language) {
      const programs = PROGRAMS[language];
      if (!programs) throw wrong(`there is no language ${JSON.stringify(language)}`);
      const host = await runtime();
      for (const name of programs) await host.load(programFile(name));
      for (const code of WARMING[language]) await this.execute(code, { language });
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function close(): Promise<void> {
    closed = true;
    await Promise.all([...sessions].map((session) => session.close()));
    if (!options.runtime) await (await made)?.close();
  }
}

const PROGRAMS: Readonly<Record<CodeLanguage, readonly ProgramName[]>> = {
  python: ["python", "science"],
  javascript: ["javascript"],
};

/** Code whose first run takes longer: a sandbox of each program. */
const WARMING: Readonly<Record<CodeLanguage, readonly string[]>> = {
  python: ["", "import numpy"],
  javascript: [""],
};

/** The scientific packages take more memory: only code that names one of them gets them. */
const programFor = (language: CodeLanguage, code: string): ProgramName =>
  language === "javascript" ? "javascript" : mentionsFull(code) ? "science" : "python";

/** A folder for one call, with files in it. */
async function withPlace(
  { hosts, disk, files }: SandboxSettings,
  use: (place: Place) => Promise<Execution>,
): Promise<Execution> {
  const place = await makePlace(disk, hosts);
  try {
    await putFiles(place, files);
    return await use(place);
  } finally {
    await place.remove();
  }
}
