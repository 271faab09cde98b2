/** The runtimes of all calls that ask for none of their own, by the folder of the command line: one, unless somebody uses two. */
export interface SharedRuntimes<R> {
  /** Opened by the first call; one that could not be opened is tried again by the next. Ends with the process. */
  get(cli: string): Promise<R>;
  /** Closes them; the next call opens another one. */
  closeAll(): Promise<void>;
}

/** @param open opens the runtime of a command line */
export function sharedRuntimes<R extends { close(): Promise<void> }>(
  open: (cli: string) => Promise<R>,
): SharedRuntimes<R> {
  const shared = new Map<string, Promise<R>>();
  const close = async (opening: Promise<R>): Promise<void> => (await opening.catch(() => null))?.close();
  return {
    get(cli) {
      const known = shared.get(cli);
      if (known) return known;
      const opening = open(cli);
      shared.set(cli, opening);
      opening.catch(() => shared.delete(cli));
      // The process is about to end by itself: what a runtime does at its end is done now.
      process.once("beforeExit", () => {
        shared.delete(cli);
        void close(opening);
      });
      return opening;
    },
    async closeAll() {
      const open = [...shared.values()];
      shared.clear();
      await Promise.all(open.map(close));
    },
  };
}
