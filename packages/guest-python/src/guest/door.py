"""The one way out of the sandbox. See `../door.ts`."""

from _host import call


def start_call(payload):
    """Starts a call of an async task; gives its id."""
    return int(call(b"c" + payload))


def wait_call(payload):
    """Calls a sync task: suspends the sandbox until it has ended. Gives its envelope as JSON."""
    return call(b"w" + payload)


def rest(wake, pending):
    """Suspends the sandbox until the next event and gives it: a completion or that the time `wake` has come."""
    return call(b"r%s,%d" % (wake, pending))


def give_up(call_id):
    """Gives up a pending call: its task is cancelled."""
    call(b"x%d" % call_id)


def tell(word):
    """Tells the drive, while a program is loaded, what may make its snapshot `before`."""
    call(b"?" + word)
