"""A tool that runs code for a model, before it has the shape of a framework."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from capsule import UsageError
from capsule.host.options import wrong
from capsule.host.tools import Gate, Tools
from capsule.host.types import PathArgument

from .options import Content, absolute_path, call_fields, sandbox_fields
from .run_code import execute
from .session import Session
from .text import text_of
from .types import Execution, Language, Limits, RichOutput

# Characters of a text that a model gets, where nothing else is said.
MAX_TEXT = 20_000
_TOOL_NAME = re.compile("[A-Za-z0-9_-]{1,64}")
_NAMES: dict[Language, str] = {"python": "Python", "javascript": "JavaScript"}


# Characters of base64 beyond which an image is left out: those who serve models take 5 MB, or more.
_MAX_IMAGE = 5_000_000
# How data in base64 begins that is what it says. What is no image makes whoever serves a model refuse all of the call.
_BEGINNINGS = {"image/png": "iVBORw0KGgo", "image/jpeg": "/9j/"}
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class CodeImage(TypedDict):
    """An image that the code showed: a figure, for one."""

    # "image/png" or "image/jpeg".
    media_type: str
    # Base64.
    data: str


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
    # The first `max_images` that it showed. The model gets them as images, not as text.
    images: list[CodeImage]


class SandboxOptions(TypedDict, total=False):
    """What `execute` is given for each call, by its names."""

    limits: Limits | None
    hosts: Sequence[str]
    env: Mapping[str, str] | None
    files: Mapping[str, Content] | None
    tools: Tools | None
    gate: Gate | None
    export_to: PathArgument | None
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
    """What the model is told of the tool where nothing else is said."""
    reach = f"Of the network it reaches {', '.join(hosts)} only." if hosts else "It has no network."
    if session is None:
        state = "Nothing stays from call to call."
    else:
        state = "Variables, functions and files in workspace/ stay from call to call."
    return (
        f"Runs {_NAMES[language]} code in an isolated sandbox, as a REPL: gives what it prints and the value of its last "
        f"expression. {reach} {state}"
    )


def check_options(
    what: str,
    language: Language,
    name: str | None,
    session: Session | None,
    max_text: int,
    max_images: int,
    sandbox: SandboxOptions,
) -> None:
    """Raises `UsageError` for wrong options."""
    if name is not None and not (isinstance(name, str) and _TOOL_NAME.fullmatch(name)):
        raise wrong(what, "name", name, "a name of letters, digits, _ and -")
    for option, value, least in (("max_text", max_text, 100), ("max_images", max_images, 0)):
        if type(value) is not int or value < least:
            raise wrong(what, option, value, f"an integer of {least} or more")
    if session is not None:
        if not isinstance(session, Session):
            raise wrong(what, "session", session, "a Session")
        if session.language != language:
            raise UsageError(
                "run-option",
                f"{what}: a tool that runs {_NAMES[language]} can't run it in a session of {_NAMES[session.language]}",
            )
        if sandbox.get("export_to") is not None:
            advice = "export_to is of single calls; what is written in a session stays there, for its export_file"
            raise UsageError("run-option", f"{what}: {advice}")
        for option_name, given in sandbox.items():
            if given:
                advice = f"{option_name} is an option of the session, not of a tool that uses one"
                raise UsageError("run-option", f"{what}: {advice}")
    export_to = sandbox.get("export_to")
    if export_to is not None:
        absolute_path(what, "export_to", export_to)
    call_fields(what, "", None, sandbox.get("tools"), sandbox.get("gate"))
    opened = {name: value for name, value in sandbox.items() if name in ("limits", "hosts", "env", "files")}
    sandbox_fields(what, **opened)


async def run_tool(
    language: Language, code: str, session: Session | None, sandbox: SandboxOptions, max_text: int, max_images: int
) -> CodeResult:
    """What the code did wrong is in the result, for the model to mend."""
    if session is not None:
        execution = await session.execute(code)
    else:
        execution = await execute(code, language=language, **sandbox)
    return result_of(execution, max_text, max_images)


def cut(text: str, most: int) -> str:
    """The beginning and the end of a text that is too long."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out …\n{text[len(text) - half :]}"


def result_of(execution: Execution, max_text: int, max_images: int) -> CodeResult:
    """What a model has to know of an execution."""
    result: CodeResult = {"output": cut(text_of(execution), max_text)}
    if execution["stderr"]:
        result["stderr"] = cut(execution["stderr"], max_text)
    error = execution["error"]
    if error is not None:
        result["error"] = cut(error["traceback"] if error["kind"] == "exception" else error["message"], max_text)
    if execution["files"]:
        result["files"] = [file["path"] for file in execution["files"]]
    outputs = execution["outputs"]
    images = [image for image in map(_image_of, outputs) if image is not None][:max_images]
    unseen = sum(output["type"].startswith("image/") for output in outputs) - len(images)
    notices = [] if execution["notice"] is None else [execution["notice"]]
    if unseen > 0:
        what = "image that the code showed is" if unseen == 1 else "images that the code showed are"
        notices.append(f"{unseen} {what} left out.")
    if notices:
        result["notice"] = " ".join(notices)
    if images:
        result["images"] = images
    return result


def _image_of(output: RichOutput) -> CodeImage | None:
    begin = _BEGINNINGS.get(output["type"])
    data = output["data"]
    if begin is None or len(data) > _MAX_IMAGE or not data.startswith(begin) or not _BASE64.fullmatch(data):
        return None
    return {"media_type": output["type"], "data": data}
