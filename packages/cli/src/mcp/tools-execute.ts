import type { CodeLanguage, Workspace, WorkspaceFile } from "@capsule-run/code";
import type { McpServer } from "@modelcontextprotocol/server";
import { imageContent } from "./content.ts";
import type { Desk } from "./desk.ts";
import { executionResult, type ImageContent } from "./execution.ts";
import { MCP_LIMITS } from "./limits.ts";
import { executeInput, OUTPUTS } from "./schemas.ts";
import { grant } from "./wishes.ts";
import { languageWords, limitWords, networkWords } from "./words.ts";

const IMAGE_FILE = /\.(?:png|jpe?g|gif|webp)$/i;

/** The images among the files that code wrote, which are gone with its workspace. */
async function writtenImages(workspace: Workspace): Promise<readonly ImageContent[]> {
  const images: ImageContent[] = [];
  const isCandidate = ({ path, size }: WorkspaceFile): boolean =>
    IMAGE_FILE.test(path) && size <= MCP_LIMITS.imageBytes;
  for (const { path } of (await workspace.listFiles()).filter(isCandidate).slice(0, MCP_LIMITS.images)) {
    const image = imageContent(path, await workspace.readFile(path, MCP_LIMITS.imageBytes));
    if (image) images.push(image);
  }
  return images;
}

const NAMES = { python: "Python", javascript: "JavaScript" } as const;

function addExecute(server: McpServer, desk: Desk, language: CodeLanguage): void {
  const { settings } = desk;
  const sealed = settings.hosts.length === 0;
  server.registerTool(
    `execute_${language}`,
    {
      title: `Run ${NAMES[language]} code`,
      description: [
        `Runs ${NAMES[language]} code in a fresh sandbox and returns what it prints, the value of its last expression, rich outputs and images, or its traceback.`,
        languageWords[language],
        `Nothing is kept afterwards, files neither; images that it writes into workspace/ are returned. Use create_session to keep state.`,
        `It has ${limitWords(settings)}. ${networkWords(settings)}`,
      ].join(" "),
      inputSchema: executeInput(settings),
      outputSchema: OUTPUTS.execution,
      // Without hosts nothing outside of the sandbox, which is thrown away, can change.
      annotations: {
        readOnlyHint: sealed,
        destructiveHint: !sealed,
        idempotentHint: sealed,
        openWorldHint: !sealed,
      },
    },
    ({ code, ...wishes }, context) =>
      desk.answer(context, async (reporter, signal) => {
        const { limits, hosts } = grant(wishes, settings);
        const runtime = await desk.runtime();
        let written: readonly ImageContent[] = [];
        const execution = await runtime.execute(code, {
          ...{ language, limits, hosts, signal },
          onOutput: (output) => reporter.output(output),
          onWorkspace: async (workspace) => {
            // What can't be listed or read is in no way worse than the answer without it.
            written = await writtenImages(workspace).catch(() => []);
          },
        });
        return executionResult(execution, { session: false, written });
      }),
  );
}

/** `execute_python`, `execute_javascript`. */
export function addExecuteTools(server: McpServer, desk: Desk): void {
  addExecute(server, desk, "python");
  addExecute(server, desk, "javascript");
}
