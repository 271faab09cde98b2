"""The one way out of the sandbox. See `../door.ts`."""

from json import dumps, loads

from _host import call


def start_call(payload):
    """Starts a call of an async task; gives its id."""
    return int(call(b"c" + payload))


def wait_call(payload):
    """Calls a sync task: suspends the sandbox until it has ended. Gives its envelope as JSON."""
    return call(b"w" + payload)


def effect(name, head, payload=b""):
    """Asks for a file or an HTTP exchange and waits for it. Gives the head and the payload of the answer."""
    return answer_of(call(b"h" + _request(name, head, payload)))


def start_effect(name, head, payload=b""):
    """Starts an effect; gives its id. Its answer comes as the envelope of a call does: see `answer_of`."""
    return int(call(b"i" + _request(name, head, payload)))


def post_effect(name, head):
    """An effect that nobody waits for."""
    call(b"p" + _request(name, head, b""))


def _request(name, head, payload):
    text = dumps(head).encode()
    return b"".join((name.encode(), b"\0", len(text).to_bytes(4, "little"), text, payload))


def answer_of(data):
    """Takes an answer apart. Raises `EffectFailed`."""
    length = int.from_bytes(data[:4], "little")
    head = loads(data[4 : 4 + length])
    if not head["ok"]:
        raise EffectFailed(head["code"], head["message"])
    return head, data[4 + length :]


class EffectFailed(Exception):
    """`code` and `message` as in `EffectFailure` of the protocol."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def rest(wake, pending):
    """Suspends the sandbox until the next event and gives it: a completion or that the time `wake` has come."""
    return call(b"r%s,%d" % (wake, pending))


def give_up(call_id):
    """Gives up a pending call: its task is cancelled."""
    call(b"x%d" % call_id)


def tell(word):
    """Tells the drive, while a program is loaded, what may make its snapshot `before`."""
    call(b"?" + word)
