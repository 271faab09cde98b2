"""Programs that mean to harm the host by what they hand to its functions."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from capsule.host.tool_calls import tool_caller
from capsule.host.tools import collect_tools


def _message(tool: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_call", "tool": tool, "task": "main", "path": "0.1", "args": [], "kwargs": {}, **fields}


def test_functions_that_were_given_up_keep_their_places() -> None:
    release = threading.Event()
    begun: list[int] = []

    def blocks() -> int:
        begun.append(1)
        release.wait(20)
        return 1

    async def main() -> None:
        call = tool_caller(collect_tools([blocks]), None)
        for _ in range(100):
            given_up = asyncio.ensure_future(call(_message("blocks")))
            await asyncio.sleep(0.001)
            given_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await given_up
        last = asyncio.ensure_future(call(_message("blocks")))
        await asyncio.sleep(0.05)
        assert len(begun) == 32
        release.set()
        assert await last == {"ok": True, "result": 1}
        assert len(begun) == 33

    asyncio.run(main())
