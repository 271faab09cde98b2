"""Tools for the OpenAI Agents SDK with which an agent runs code.

```python
from agents import Agent
from capsule_adapter.openai_agents import execute_python_tool

agent = Agent(name="Analyst", tools=[execute_python_tool(limits={"timeout": "10s"})])
```
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Union

# It brings the types with it, where it is there.
from agents import FunctionTool, RunContextWrapper  # type: ignore[import-not-found, unused-ignore]
from agents.tool_context import ToolContext  # type: ignore[import-not-found, unused-ignore]

from capsule.host.tools import Gate, Tools
from capsule.host.types import PathArgument

from .code_tool import MAX_TEXT, CodeImage, CodeResult, SandboxOptions, check_options, describe, input_schema, run_tool
from .options import Content
from .session import Session
from .types import Language, Limits

# Whether a person has to approve a call: always, or what a function says of the context, the arguments, and the call's id.
NeedsApproval = Union[bool, Callable[[RunContextWrapper[Any], dict[str, Any], str], Awaitable[bool]]]

__all__ = ["CodeImage", "CodeResult", "NeedsApproval", "execute_javascript_tool", "execute_python_tool"]


def _given(result: CodeResult) -> str | list[dict[str, str]]:
    """As JSON text, and images apart, as URLs of their data."""
    images = result.pop("images", [])
    text = json.dumps(result, ensure_ascii=False)
    if not images:
        return text
    shown = [{"type": "image", "image_url": f"data:{image['media_type']};base64,{image['data']}"} for image in images]
    return [{"type": "text", "text": text}, *shown]


def _tool(
    what: str,
    language: Language,
    name: str | None,
    description: str | None,
    session: Session | None,
    max_text: int,
    max_images: int,
    needs_approval: NeedsApproval,
    sandbox: SandboxOptions,
) -> FunctionTool:
    check_options(what, language, name, session, max_text, max_images, sandbox)

    async def invoke(context: ToolContext[Any], arguments: str) -> str | list[dict[str, str]]:
        try:
            code = json.loads(arguments)["code"]
        except (ValueError, KeyError, TypeError):
            code = None
        if not isinstance(code, str):
            return json.dumps({"error": 'the arguments are no object with a string "code"'})
        return _given(await run_tool(language, code, session, sandbox, max_text, max_images))

    return FunctionTool(
        name=name or f"execute_{language}",
        description=description or describe(language, sandbox.get("hosts", ()), session),
        params_json_schema=input_schema(language),
        on_invoke_tool=invoke,
        strict_json_schema=True,
        needs_approval=needs_approval,
    )


def execute_python_tool(
    *,
    name: str | None = None,
    description: str | None = None,
    session: Session | None = None,
    max_text: int = MAX_TEXT,
    max_images: int = 0,
    needs_approval: NeedsApproval = False,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> FunctionTool:
    """A tool that runs Python code in a sandbox.

    `name`: what the model calls it by (default: `execute_python`). `description`: what the model is told of it, in place of
    what says that it is isolated, and what it may reach. `session`: runs all calls in it, so that variables and files
    stay; it is the caller's to close. `max_text`: characters of output, and of an error, that the model gets; what is in
    the middle is left out. `max_images`: images (PNG and JPEG) that the model gets of a call, such as figures of matplotlib;
    what serves the model has to take images in results of tools, as OpenAI's Responses API does, and its chat completions do
    not. `needs_approval`: whether a person has to approve a call. The other options are those of `execute`.

    What the code did wrong is in the result, for the model to mend.

    Raises `UsageError` for wrong options.
    """
    sandbox: SandboxOptions = {
        "limits": limits,
        "hosts": hosts,
        "env": env,
        "files": files,
        "tools": tools,
        "gate": gate,
        "export_to": export_to,
        "capsule_path": capsule_path,
    }
    return _tool("execute_python_tool", "python", name, description, session, max_text, max_images, needs_approval, sandbox)


def execute_javascript_tool(
    *,
    name: str | None = None,
    description: str | None = None,
    session: Session | None = None,
    max_text: int = MAX_TEXT,
    max_images: int = 0,
    needs_approval: NeedsApproval = False,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> FunctionTool:
    """A tool that runs JavaScript code in a sandbox; options as those of `execute_python_tool`."""
    sandbox: SandboxOptions = {
        "limits": limits,
        "hosts": hosts,
        "env": env,
        "files": files,
        "tools": tools,
        "gate": gate,
        "export_to": export_to,
        "capsule_path": capsule_path,
    }
    return _tool("execute_javascript_tool", "javascript", name, description, session, max_text, max_images, needs_approval, sandbox)
