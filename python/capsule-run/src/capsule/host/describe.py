"""Tools as programs see them, for the prompt of a model that is to write one. The same text as TypeScript's `describeTools`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from ..show import show
from .describe_python import describe_in_python
from .describe_typescript import describe_in_typescript
from .errors import UsageError
from .tools import Tool, Tools, collect_tools

_LANGUAGES: dict[str, Callable[[Sequence[Tool[..., object]]], str]] = {
    "typescript": describe_in_typescript,
    "python": describe_in_python,
}


def describe_tools(tools: Tools, language: Literal["typescript", "python"]) -> str:
    """What a program sees of tools, as text: a declaration in TypeScript, or a stub in Python, with descriptions as
    comments. Types come from the tools' schemas; what has none is `unknown` or `Any`.

    ```python
    prompt = f"Write a program that … It can use:\\n{describe_tools([search, price], 'python')}"
    ```

    Raises `UsageError` `tool` for what are no tools, or another language.
    """
    describe = _LANGUAGES.get(language)
    if describe is None:
        raise UsageError(
            "tool", f'describe_tools: the language is {show(language)}; allowed: "typescript", "python"'
        )
    return describe(list(collect_tools(tools).values()))
