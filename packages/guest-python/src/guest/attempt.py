"""Where the one attempt that this sandbox executes stands."""


class Attempt:
    # Tasks may still be defined: the program's top-level code has not finished.
    open = True
    # The name of the running task; None while the program is loading.
    running = None


attempt = Attempt()
