/** `node:process`: the global. */
export default globalThis.process;
