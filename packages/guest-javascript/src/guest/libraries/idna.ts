/** `util.inspect` and what `console` needs of it: Node's own code. */
export { make };

const make = (): unknown => ({});
