"""Tools as programs see them: for the prompt of a model that is to write one, and for TypeScript's compiler. The same text as
TypeScript's `describeTools`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from ..show import show
from .describe_python import describe_in_python
from .describe_typescript import declare_in_typescript, describe_in_typescript
from .errors import UsageError
from .tools import Tool, Tools, collect_tools

_FORMS: dict[str, Callable[[Sequence[Tool[..., object]]], str]] = {
    "typescript": describe_in_typescript,
    "python": describe_in_python,
    "d.ts": declare_in_typescript,
}


def describe_tools(tools: Tools, form: Literal["typescript", "python", "d.ts"]) -> str:
    """What a program sees of tools, as text. Types come from the tools' schemas; what has none is `unknown` or `Any`.

    For the prompt of a model that is to write the program there are a declaration in `"typescript"` and a stub in
    `"python"`, with descriptions as comments:

    ```python
    prompt = f"Write a program that … It can use:\\n{describe_tools([search, price], 'python')}"
    ```

    `"d.ts"` is the text of a file for TypeScript's compiler: in a project that has it, `tools` of `@capsule-run/sdk` is typed.

    Raises `UsageError` `tool` for what are no tools, or another form.
    """
    describe = _FORMS.get(form)
    if describe is None:
        allowed = ", ".join(map(show, _FORMS))
        raise UsageError("tool", f"describe_tools: the form is {show(form)}; allowed: {allowed}")
    return describe(list(collect_tools(tools).values()))
