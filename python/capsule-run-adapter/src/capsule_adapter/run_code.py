from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from capsule.host.tools import Gate, Tools
from capsule.host.types import PathArgument

from .capsule_error import succeeded
from .options import Content, OnOutput, absolute_path, call_fields, capsule_path_of, checked_language, sandbox_fields
from .shared import shared_client
from .text import text_of
from .types import Execution, Language, Limits


def _request(
    what: str,
    code: object,
    language: object,
    on_output: OnOutput | None,
    export_to: PathArgument | None,
    tools: Tools | None,
    gate: Gate | None,
    **sandbox: object,
) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, callbacks = call_fields(what, code, on_output, tools, gate)
    fields["language"] = checked_language(what, language)
    if export_to is not None:
        fields["export_to"] = absolute_path(what, "export_to", export_to)
    return {"type": "execute", **fields, **sandbox_fields(what, **sandbox)}, callbacks


async def execute(
    code: str,
    *,
    language: Language = "python",
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> Execution:
    """Runs code in a sandbox of its own and gives all that came of it, a dict.

    ```python
    execution = await execute("print('a'); 6 * 7")
    print(execution["stdout"], execution["value"])
    ```

    Nothing is allowed that is not said here. `limits`: of compute, memory and time. `hosts`: those it may send requests
    to, `"api.example.com"`, `"*.example.com"`, `"*"`. `env`: environment variables it sees. `files`: files in its
    `workspace/` by path, texts or bytes. `tools`: functions of this process that it may call, and `gate`, which allows,
    changes or denies each call. `on_output`: called with what it prints, as it is printed, and waited for if it is async.
    `export_to`: a folder into which the files that the call wrote are copied, under their paths in the workspace, however
    it ended; it is made if there are any; files that are there are written over, and nothing is written through symlinks
    in it. `capsule_path`: where another command line is.

    What the code did wrong is in the execution. A cancelled caller cancels the code.

    Raises `UsageError` for wrong options, `WorkerDiedError` if the process that runs it died, and what a callback raised.
    """
    sandbox = {"limits": limits, "hosts": hosts, "env": env, "files": files}
    message, callbacks = _request("execute", code, language, on_output, export_to, tools, gate, **sandbox)
    client = shared_client(capsule_path_of("execute", capsule_path))
    return cast(Execution, (await client.request(message, **callbacks))["execution"])


def execute_sync(
    code: str,
    *,
    language: Language = "python",
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> Execution:
    """The same as `execute`, for a thread that waits."""
    sandbox = {"limits": limits, "hosts": hosts, "env": env, "files": files}
    message, callbacks = _request("execute_sync", code, language, on_output, export_to, tools, gate, **sandbox)
    client = shared_client(capsule_path_of("execute_sync", capsule_path))
    return cast(Execution, client.request_sync(message, **callbacks)["execution"])


async def run_python(
    code: str,
    *,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> str:
    """Runs Python code in a sandbox of its own. Gives what it printed, then the value of its last expression.

    ```python
    await run_python('print("Hello from Python!")\\nx = 5 + 3\\nx * 2')  # "Hello from Python!\\n16"
    ```

    Options are those of `execute`.

    Raises `CapsuleError` if the code raised an exception, with its traceback, or reached a limit; and what `execute` does.
    """
    execution = await execute(
        code,
        language="python",
        limits=limits,
        hosts=hosts,
        env=env,
        files=files,
        tools=tools,
        gate=gate,
        on_output=on_output,
        export_to=export_to,
        capsule_path=capsule_path,
    )
    return text_of(succeeded(execution))


def run_python_sync(
    code: str,
    *,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> str:
    """The same as `run_python`, for a thread that waits."""
    execution = execute_sync(
        code,
        language="python",
        limits=limits,
        hosts=hosts,
        env=env,
        files=files,
        tools=tools,
        gate=gate,
        on_output=on_output,
        export_to=export_to,
        capsule_path=capsule_path,
    )
    return text_of(succeeded(execution))


async def run_javascript(
    code: str,
    *,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> str:
    """Runs JavaScript code in a sandbox of its own. Gives what it printed, then the value of its last expression.

    Options are those of `execute`.

    Raises `CapsuleError` if the code raised an exception, with its traceback, or reached a limit; and what `execute` does.
    """
    execution = await execute(
        code,
        language="javascript",
        limits=limits,
        hosts=hosts,
        env=env,
        files=files,
        tools=tools,
        gate=gate,
        on_output=on_output,
        export_to=export_to,
        capsule_path=capsule_path,
    )
    return text_of(succeeded(execution))


def run_javascript_sync(
    code: str,
    *,
    limits: Limits | None = None,
    hosts: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    tools: Tools | None = None,
    gate: Gate | None = None,
    on_output: OnOutput | None = None,
    export_to: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> str:
    """The same as `run_javascript`, for a thread that waits."""
    execution = execute_sync(
        code,
        language="javascript",
        limits=limits,
        hosts=hosts,
        env=env,
        files=files,
        tools=tools,
        gate=gate,
        on_output=on_output,
        export_to=export_to,
        capsule_path=capsule_path,
    )
    return text_of(succeeded(execution))
