/** What Node's own functions reject with when a signal ends them. */
export const abortError = (reason: unknown): Error =>
  Object.assign(new Error("The operation was aborted", { cause: reason }), {
    name: "AbortError",
    code: "ABORT_ERR",
  });
