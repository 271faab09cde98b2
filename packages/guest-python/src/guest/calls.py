"""Calls of other tasks. A call does not raise: whatever goes wrong is in the envelope."""

from asyncio import get_running_loop

from capsule.envelopes import failure, invalid_arguments, unmetered
from capsule.show import quote
from capsule.values import NotJson, arguments_json, from_json

from . import door
from .output import flush

# Calls and effects that the host has not completed yet: id -> the future that waits.
_waiting = {}


def pending_calls():
    return len(_waiting)


def call_sync(definition, args, kwargs):
    payload, refused = _payload(definition, args, kwargs)
    if refused is not None:
        return refused
    flush()
    return from_json(door.wait_call(payload).decode())


def call_async(definition, args, kwargs):
    """A coroutine that gives the envelope. The call begins when it is awaited or made a task of asyncio."""
    payload, refused = _payload(definition, args, kwargs)
    coroutine = _give(refused) if refused is not None else _send(definition.name, payload)
    fn = definition.fn
    coroutine.__name__ = getattr(fn, "__name__", definition.name)
    coroutine.__qualname__ = getattr(fn, "__qualname__", definition.name)
    return coroutine


def _payload(definition, args, kwargs):
    name = definition.name
    problem = definition.parameters.problem(args, kwargs)
    if problem is not None:
        return None, invalid_arguments(name, f"task {quote(name)}: {problem}")
    try:
        return name.encode() + b"\0" + arguments_json(name, args, kwargs), None
    except NotJson as error:
        return None, invalid_arguments(name, error.problem)


async def _give(envelope):
    return envelope


async def _send(name, payload):
    try:
        return from_json((await _wait(door.start_call, payload)).decode())
    except door.EffectFailed:
        return failure("cancelled", "the run that called it has ended", unmetered(name))


async def effect(name, head, payload=b""):
    """An effect, as `door.effect`, for code that awaits it. Given up when it is cancelled."""
    return door.answer_of(await _wait(door.start_effect, name, head, payload))


async def _wait(start, *what):
    future = get_running_loop().create_future()
    call_id = start(*what)
    _waiting[call_id] = future
    try:
        return await future
    except BaseException:
        # Cancelled, or the coroutine was closed.
        if _waiting.pop(call_id, None) is not None:
            door.give_up(call_id)
        raise


def complete(call_id, answer):
    """The host's answer to a call or an effect. An id that nobody waits for is ignored."""
    future = _waiting.pop(call_id, None)
    if future is not None and not future.done():
        future.set_result(answer)


def abandon():
    """The attempt that waited is over, and nobody answers any more."""
    while _waiting:
        future = _waiting.popitem()[1]
        if future.done():
            continue
        try:
            future.set_exception(door.EffectFailed("EABORTED", "the run that asked for it has ended"))
        except RuntimeError:
            # Its loop is closed: nobody waits there.
            continue
        # Those who wait for it may never come to hear it.
        future._log_traceback = False


def deliver(event):
    """Takes an event of the host: `C<id>\\0<envelope>`, or `W`, which needs nothing: timers look at the clock."""
    if event[:1] == b"C":
        call_id, _, envelope = event[1:].partition(b"\0")
        complete(int(call_id), envelope)
