import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { duration } from "../format.ts";
import type { Desk } from "./desk.ts";
import { executionResult } from "./execution.ts";
import { closeInput, createSessionInput, listSessionsInput, OUTPUTS, runInput } from "./schemas.ts";
import type { SessionView } from "./sessions.ts";
import { grant } from "./wishes.ts";
import { languageWords, limitWords, networkWords } from "./words.ts";

const answer = (text: string, structuredContent: Record<string, unknown>): CallToolResult => ({
  content: [{ type: "text", text }],
  structuredContent,
});

const line = ({ session_id, idle_seconds, calls, busy }: SessionView): string =>
  `${session_id}: ${calls} calls, ${busy ? "busy" : `idle for ${idle_seconds} s`}`;

function addCreate(server: McpServer, desk: Desk): void {
  const { settings } = desk;
  const { maxSessions, sessionIdleMs } = settings;
  server.registerTool(
    "create_session",
    {
      title: "Open a session",
      description: [
        "Opens a sandbox that lives on: variables, functions, imports and the files in its folder workspace/ stay from call to call, as in a notebook. Returns its session_id for run_in_session, write_file, read_file and list_files.",
        `Python: ${languageWords.python} JavaScript: ${languageWords.javascript}`,
        `Each call has ${limitWords(settings)}. ${networkWords(settings)}`,
        `At most ${maxSessions} are open at once; one that is not used for ${duration(sessionIdleMs)} is closed.`,
      ].join(" "),
      inputSchema: createSessionInput(settings),
      outputSchema: OUTPUTS.session,
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    ({ language, ...wishes }, context) =>
      desk.answer(context, async (_, signal) => {
        const { limits, hosts } = grant(wishes, settings);
        const runtime = await desk.runtime();
        const made = await desk.sessions.open(language, () =>
          runtime.openSession({ language, limits, hosts }),
        );
        // Nobody hears of a session whose call was cancelled.
        if (signal.aborted) await desk.sessions.close(made.session_id);
        const { session_id } = made;
        return answer(`${session_id} is open`, { session_id, language });
      }),
  );
}

function addRun(server: McpServer, desk: Desk): void {
  const open = desk.settings.hosts.length > 0;
  server.registerTool(
    "run_in_session",
    {
      title: "Run code in a session",
      description: [
        "Runs code in an open session, in its language, and returns what it prints, the value of its last expression, rich outputs and images, or its traceback. What it defines is there in the next call.",
        "An exception keeps what was done before it. A call that is stopped (time, fuel, memory, cancelled) takes back what it changed in memory; files stay.",
        "Calls of one session run one after the other.",
      ].join(" "),
      inputSchema: runInput,
      outputSchema: OUTPUTS.execution,
      // Code can overwrite variables and delete files of the session.
      annotations: {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: open,
      },
    },
    ({ session_id, code }, context) =>
      desk.answer(context, (reporter, signal) =>
        desk.sessions.use(session_id, async (session) => {
          const onOutput = reporter.output;
          return executionResult(await session.run(code, { signal, onOutput }), { session: true });
        }),
      ),
  );
}

function addList(server: McpServer, desk: Desk): void {
  server.registerTool(
    "list_sessions",
    {
      title: "List open sessions",
      description: "Lists the sessions that are open, with language, age and use.",
      inputSchema: listSessionsInput,
      outputSchema: OUTPUTS.sessions,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (_, context) =>
      desk.answer(context, async () => {
        const sessions = desk.sessions.list();
        const text = sessions.length === 0 ? "no session is open" : sessions.map(line).join("\n");
        return answer(text, { sessions, max_sessions: desk.settings.maxSessions });
      }),
  );
}

function addClose(server: McpServer, desk: Desk): void {
  server.registerTool(
    "close_session",
    {
      title: "Close a session",
      description:
        "Closes a session: what runs in it is cancelled, its variables and the files in its workspace are gone.",
      inputSchema: closeInput,
      outputSchema: OUTPUTS.closed,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ session_id }, context) =>
      desk.answer(context, async () => {
        await desk.sessions.close(session_id);
        return answer(`${session_id} is closed`, { session_id, closed: true });
      }),
  );
}

/** `create_session`, `run_in_session`, `list_sessions`, `close_session`. */
export function addSessionTools(server: McpServer, desk: Desk): void {
  addCreate(server, desk);
  addRun(server, desk);
  addList(server, desk);
  addClose(server, desk);
}
