/** A host process of its own: runs the program `argv[2]` in the folder `argv[3]` with the argument `argv[4]`, for ever. */
import { createRuntime } from "../runtime.ts";

const [file = "", cwd = "", how = ""] = process.argv.slice(2);
const runtime = await createRuntime({ cwd, cells: 2 });
await runtime.run({ file, args: [how], onOutput: () => process.stdout.write("begun\n") });
