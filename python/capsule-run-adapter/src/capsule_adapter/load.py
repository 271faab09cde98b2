from __future__ import annotations

import asyncio

from .shared import shared_client
from .types import Language


async def _load(language: Language) -> None:
    await shared_client(None).request({"type": "code_load", "language": language})


async def load_python_sandbox() -> None:
    """Makes all ready that the first Python code would wait for: the engine, which is fetched once for a machine, and a
    process for it.
    """
    await _load("python")


async def load_javascript_sandbox() -> None:
    """Makes all ready that the first JavaScript code would wait for."""
    await _load("javascript")


async def load_sandboxes() -> None:
    """Both."""
    await asyncio.gather(load_python_sandbox(), load_javascript_sandbox())
