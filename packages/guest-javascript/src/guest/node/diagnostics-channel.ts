/** `node:diagnostics_channel`: within the sandbox. */
import channels from "unenv/node/diagnostics_channel";

export default channels;
