"""HTTP exchanges with the host for code that awaits them: see `exchange`."""

from .calls import effect
from .door import EffectFailed
from .exchange import as_os_error, check_time


async def run(steps):
    """Performs steps and gives what they return. Raises OSError."""
    check_time()
    answer = failure = None
    while True:
        try:
            asked = steps.send(answer) if failure is None else steps.throw(failure)
        except StopIteration as end:
            return end.value
        answer = failure = None
        try:
            answer = await effect(*asked)
        except EffectFailed as error:
            failure = as_os_error(error)
