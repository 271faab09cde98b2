/** `fs.constants`, those of Linux. */
import * as constants from "unenv/node/internal/fs/constants";

export default { ...constants };
