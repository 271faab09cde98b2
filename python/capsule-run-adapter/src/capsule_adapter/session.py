from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, cast

from capsule import UsageError, WorkerDiedError
from capsule.host.client import WorkerClient
from capsule.host.options import callback, path
from capsule.host.tools import Gate, Tools
from capsule.host.types import PathArgument

from .capsule_error import succeeded
from .options import (
    Content,
    OnOutput,
    absolute_path,
    call_fields,
    capsule_path_of,
    checked_language,
    content,
    sandbox_fields,
)
from .shared import shared_client
from .text import given_value
from .types import CodeOutput, Execution, Language, Limits, WorkspaceFile

_numbers = itertools.count(1)


class Session:
    """A sandbox that lives on from call to call: variables, functions, classes and imports stay, as in a REPL.

    ```python
    async with Session("python") as session:
        await session.run("x = 1")
        await session.run("x + 1")  # 2
    ```

    The folder `workspace/` is its own. Calls are made one after the other, in the order they are asked for, and all from
    one event loop. The sandbox is opened by the first of them.

    An exception keeps what the code did before it. A limit that is reached rolls the memory back to before that call, and
    the error says so; files and requests stay done.

    Options: `limits` (of each call), `hosts`, `env`, `files`, `tools` and `gate` as for `execute`; `on_output`, called with
    what any of its calls prints.

    Raises `UsageError` for wrong options.
    """

    def __init__(
        self,
        language: Language = "python",
        *,
        limits: Limits | None = None,
        hosts: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        files: Mapping[str, Content] | None = None,
        tools: Tools | None = None,
        gate: Gate | None = None,
        on_output: OnOutput | None = None,
        capsule_path: PathArgument | None = None,
    ):
        what = "Session"
        checked_language(what, language)
        call_fields(what, "", on_output, tools, gate)
        self.language: Language = language
        self._sandbox = sandbox_fields(what, limits=limits, hosts=hosts, env=env, files=files)
        self._tools = tools
        self._gate = gate
        self._on_output = on_output
        self._capsule_path = capsule_path_of(what, capsule_path)
        self._output = ""
        self._closed = False
        self._lock = asyncio.Lock()
        # From the first call on: whose worker has it, and its name there.
        self._client: WorkerClient | None = None
        self._name = ""

    @property
    def output(self) -> str:
        """What the last call that ended has printed to stdout."""
        return self._output

    async def run(self, code: str, *, on_output: OnOutput | None = None) -> Any:
        """Runs code and gives the value of its last expression: JSON as it is, anything else as the text its language
        shows it with, `None` for none.

        Raises `CapsuleError` if the code raised an exception, or reached a limit; `UsageError` for wrong options, and after
        `close`; `WorkerDiedError` if the process died that the session was in.
        """
        return given_value(succeeded(await self.execute(code, on_output=on_output)))

    async def execute(self, code: str, *, on_output: OnOutput | None = None) -> Execution:
        """Runs code and gives all that came of it. What the code did wrong is in the execution.

        Raises `UsageError` and `WorkerDiedError` as `run` does.
        """
        callback("session.run", "on_output", on_output)
        listeners = [each for each in (self._on_output, on_output) if each is not None]
        to_all = _to_all(listeners) if listeners else None
        fields, callbacks = call_fields("session.run", code, to_all, self._tools, self._gate)
        answer = await self._use({"type": "session_run", **fields}, **callbacks)
        execution = cast(Execution, answer["execution"])
        self._output = execution["stdout"]
        return execution

    async def import_file(self, host_path: PathArgument, name: str | None = None) -> list[WorkspaceFile]:
        """Copies a file or a whole folder of the host into the workspace, under its own name or another one, a path in the
        workspace. Gives the files that are there now.

        Raises `UsageError` if it can't be done, as all below.
        """
        return _files(await self._file("import", name=name, host_path=host_path))

    async def export_file(self, name: str, host_path: PathArgument) -> None:
        """Copies a file or a whole folder out of the workspace, to a path of the host."""
        await self._file("export", name=name, host_path=host_path)

    async def write_file(self, name: str, data: Content) -> WorkspaceFile:
        """Writes a file of the workspace, and makes the folders it is in."""
        return _files(await self._file("write", name=name, data=content("write_file", "data", data)))[0]

    async def read_file(self, name: str) -> bytes:
        """The bytes of a file of the workspace."""
        return base64.b64decode((await self._file("read", name=name))["base64"])

    async def delete_file(self, name: str) -> None:
        """Deletes a file or a whole folder of the workspace."""
        await self._file("delete", name=name)

    async def list_files(self, folder: str | None = None) -> list[WorkspaceFile]:
        """All files of the workspace, or of a folder in it, by path."""
        return _files(await self._file("list", name=folder))

    async def reset(self) -> None:
        """Forgets all that code has defined. Files stay."""
        self._check_open()
        if self._client is not None:
            await self._use({"type": "session_reset"})

    async def close(self) -> None:
        """Cancels what runs, and removes the sandbox and its workspace."""
        self._closed = True
        client, self._client = self._client, None
        if client is None:
            return
        # The worker that had it may be gone, or closed.
        with contextlib.suppress(UsageError, WorkerDiedError):
            await client.request({"type": "session_close", "session": self._name})

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("runtime-closed", "the session was closed; make another one")

    async def _open(self) -> WorkerClient:
        """Whoever asks first opens it; the others wait in their order."""
        async with self._lock:
            self._check_open()
            if self._client is not None:
                return self._client
            client = shared_client(self._capsule_path)
            name = str(next(_numbers))
            opening = {"type": "session_open", "session": name, "language": self.language, **self._sandbox}
            await client.request(opening)
            if self._closed:
                await client.request({"type": "session_close", "session": name})
                self._check_open()
            self._client, self._name = client, name
            return client

    async def _use(self, message: dict[str, Any], **callbacks: Any) -> dict[str, Any]:
        self._check_open()
        client = await self._open()
        try:
            return await client.request({**message, "session": self._name}, **callbacks)
        except UsageError as error:
            if error.slug != "no-session":
                raise
            self._check_open()
            raise WorkerDiedError("the session ended with the process it was in; make another one") from None

    async def _file(
        self,
        operation: str,
        *,
        name: str | None = None,
        host_path: PathArgument | None = None,
        data: str | dict[str, str] | None = None,
    ) -> dict[str, Any]:
        what = f"{operation}_file"
        message: dict[str, Any] = {"type": "session_file", "operation": operation}
        if name is not None:
            message["name"] = path(what, "name", name)
        if host_path is not None:
            message["path"] = absolute_path(what, "host_path", host_path)
        if data is not None:
            message["data"] = data
        return await self._use(message)


def _files(answer: dict[str, Any]) -> list[WorkspaceFile]:
    return cast("list[WorkspaceFile]", answer["files"])


def _to_all(listeners: Sequence[OnOutput]) -> OnOutput:
    async def tell(output: CodeOutput) -> None:
        for listener in listeners:
            given = listener(output)
            if inspect.isawaitable(given):
                await given

    return tell
