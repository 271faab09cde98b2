"""A tool that runs code for a model, before it has the shape of a framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from capsule import UsageError
from capsule.host.tools import Gate, Tools
from capsule.host.types import PathArgument

from .options import Content, call_fields, sandbox_fields
from .run_code import execute
from .session import Session
from .text import text_of
from .types import Execution, Language, Limits

# Characters of a text that a model gets, where nothing else is said.
MAX_TEXT = 20_000
_NAMES: dict[Language, str] = {"python": "Python", "javascript": "JavaScript"}


class _Output(TypedDict):
    # What the code printed, then the value of its last expression.
    output: str


class CodeResult(_Output, total=False):
    """What the model gets. Keys are left out where there is nothing to say."""

    # What the code printed to stderr.
    stderr: str
    # The traceback, or the limit that was reached.
    error: str
    # Files of the workspace that it wrote.
    files: list[str]
    notice: str


class SandboxOptions(TypedDict, total=False):
    limits: Limits | None
    hosts: Sequence[str]
    env: Mapping[str, str] | None
    files: Mapping[str, Content] | None
    tools: Tools | None
    gate: Gate | None
    capsule_path: PathArgument | None


def input_schema(language: Language) -> dict[str, Any]:
    """JSON Schema of what the model says."""
    return {
        "type": "object",
        "properties": {"code": {"type": "string", "description": f"{_NAMES[language]} source code"}},
        "required": ["code"],
        "additionalProperties": False,
    }


def describe(language: Language, hosts: Sequence[str], session: Session | None) -> str:
    reach = f"Of the network it reaches {', '.join(hosts)} only." if hosts else "It has no network."
    if session is None:
        state = "Nothing stays from call to call."
    else:
        state = "Variables, functions and files in workspace/ stay from call to call."
    return (
        f"Runs {_NAMES[language]} code in an isolated sandbox, as a REPL: gives what it prints and the value of its last "
        f"expression. {reach} {state}"
    )


def check_options(what: str, language: Language, session: Session | None, sandbox: SandboxOptions) -> None:
    """Raises `UsageError` for wrong options."""
    if session is not None:
        if session.language != language:
            raise UsageError(
                "run-option",
                f"{what}: a tool that runs {_NAMES[language]} can't run it in a session of {_NAMES[session.language]}",
            )
        for name, value in sandbox.items():
            if value:
                raise UsageError("run-option", f"{what}: {name} is an option of the session, not of a tool that uses one")
    call_fields(what, "", None, sandbox.get("tools"), sandbox.get("gate"))
    opened = {name: value for name, value in sandbox.items() if name in ("limits", "hosts", "env", "files")}
    sandbox_fields(what, **opened)


async def run_tool(
    language: Language, code: str, session: Session | None, sandbox: SandboxOptions, max_text: int
) -> CodeResult:
    """What the code did wrong is in the result, for the model to mend."""
    if session is not None:
        execution = await session.execute(code)
    else:
        execution = await execute(code, language=language, **sandbox)
    return result_of(execution, max_text)


def cut(text: str, most: int) -> str:
    """The beginning and the end of a text that is too long."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out …\n{text[len(text) - half :]}"


def result_of(execution: Execution, most: int) -> CodeResult:
    """What a model has to know of an execution."""
    result: CodeResult = {"output": cut(text_of(execution), most)}
    if execution["stderr"]:
        result["stderr"] = cut(execution["stderr"], most)
    error = execution["error"]
    if error is not None:
        result["error"] = cut(error["traceback"] if error["kind"] == "exception" else error["message"], most)
    if execution["files"]:
        result["files"] = [file["path"] for file in execution["files"]]
    if execution["notice"] is not None:
        result["notice"] = execution["notice"]
    return result
