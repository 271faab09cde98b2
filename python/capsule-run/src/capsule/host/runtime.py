"""`run`, `run_sync` and `Runtime`: programs run in sandboxes, from Python."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, cast

from . import options
from .client import CLOSE_SECONDS, WorkerClient
from .exchange import OnMessage, OnToolCall
from .location import worker_command
from .tool_calls import tool_caller
from .tools import Gate, Tools, collect_tools
from .types import LoadedProgram, Output, PathArgument, PolicyOptions, RunEvent, RunnerResult

OnOutput = Callable[[Output], object]
OnEvent = Callable[[RunEvent], object]


class Runtime:
    """A worker of one's own: cells, caches and programs that many runs share.

    ```python
    async with Runtime(concurrency=10) as capsule:
        await capsule.load("sandbox.py")
        answers = await asyncio.gather(*(capsule.run(file="sandbox.py", args=[n]) for n in range(3)))
    ```

    `with Runtime() as capsule: capsule.run_sync(…)` is the same for threads. It may be used by any threads and event loops
    at the same time. Its process is started by the first run or load, and after it died by the next one.

    Options: `cwd`, the folder that relative files are looked up in (default: the process's at each call); `concurrency`,
    runs that go on at the same time, others wait for their turn (default: as many as there are); `cache_dir`, where
    compiled programs are kept (default: `.capsule/cache` in the program's project); `capsule_path`, a folder of the
    command line's package, or a command (default: what came with this package); `on_warning`, called with what is to be
    known once, by a thread of the runtime's own (default: the logger `capsule`).

    Raises `UsageError` for a wrong option.
    """

    def __init__(
        self,
        *,
        cwd: PathArgument | None = None,
        concurrency: int | None = None,
        cache_dir: PathArgument | None = None,
        capsule_path: PathArgument | None = None,
        on_warning: Callable[[str], object] | None = None,
    ):
        what = "Runtime"
        folder = options.optional_path(what, "cwd", cwd)
        cache = options.optional_path(what, "cache_dir", cache_dir)
        command = options.optional_path(what, "capsule_path", capsule_path)
        options.callback(what, "on_warning", on_warning)
        self._cwd = None if folder is None else os.path.abspath(folder)
        self._client = WorkerClient(
            lambda: worker_command(command),
            hello={
                "concurrency": options.integer(what, "concurrency", concurrency),
                "cache_dir": None if cache is None else os.path.abspath(cache),
            },
            on_warning=on_warning,
        )

    async def run(
        self,
        *,
        file: PathArgument,
        args: Sequence[Any] = (),
        mounts: Sequence[str] = (),
        cwd: PathArgument | None = None,
        env: Mapping[str, str] | None = None,
        policy: PolicyOptions | None = None,
        sealed: bool = False,
        tools: Tools | None = None,
        gate: Gate | None = None,
        run_id: str | None = None,
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
    ) -> RunnerResult:
        """Runs a program's `main` once, as `capsule.run` does."""
        message, raw = self._message(
            "run", file=file, args=args, mounts=mounts, cwd=cwd, env=env, policy=policy, sealed=sealed, run_id=run_id
        )
        callbacks = _callbacks("run", message, on_output, on_event, tools, gate)
        return _envelope(await self._client.request(message, raw=raw, **callbacks))

    def run_sync(
        self,
        *,
        file: PathArgument,
        args: Sequence[Any] = (),
        mounts: Sequence[str] = (),
        cwd: PathArgument | None = None,
        env: Mapping[str, str] | None = None,
        policy: PolicyOptions | None = None,
        sealed: bool = False,
        tools: Tools | None = None,
        gate: Gate | None = None,
        run_id: str | None = None,
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
    ) -> RunnerResult:
        """The same for a thread that waits, as `capsule.run_sync` does."""
        message, raw = self._message(
            "run_sync", file=file, args=args, mounts=mounts, cwd=cwd, env=env, policy=policy, sealed=sealed, run_id=run_id
        )
        callbacks = _callbacks("run_sync", message, on_output, on_event, tools, gate)
        return _envelope(self._client.request_sync(message, raw=raw, **callbacks))

    async def load(self, file: PathArgument) -> LoadedProgram:
        """Compiles a program, so that its first run need not, and says what is in it.

        Raises `UsageError` if it does not compile, or is not there.
        """
        return _loaded(file, await self._client.request(self._load_message(file)))

    def load_sync(self, file: PathArgument) -> LoadedProgram:
        """The same for a thread that waits."""
        return _loaded(file, self._client.request_sync(self._load_message(file)))

    async def close(self) -> None:
        """Cancels what runs, and ends the process. Using the runtime later is a `UsageError`."""
        await self._client.close()

    def close_sync(self) -> None:
        """The same for a thread that waits."""
        self._client.close_sync()

    def _message(self, what: str, *, cwd: PathArgument | None, **given: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
        if cwd is not None and self._cwd is not None:
            cwd = os.path.join(self._cwd, options.path(what, "cwd", cwd))
        return options.run_message(what, cwd=self._cwd if cwd is None else cwd, **given)

    def _load_message(self, file: PathArgument) -> dict[str, Any]:
        return {"type": "load", "file": options.path("load", "file", file), "cwd": self._cwd or os.getcwd()}

    async def __aenter__(self) -> Runtime:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __enter__(self) -> Runtime:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_sync()

    def __del__(self) -> None:
        # Nobody can use it any more; its process need not stay.
        with contextlib.suppress(Exception):
            self._client.begin_close()


def _callbacks(
    what: str,
    message: dict[str, Any],
    on_output: OnOutput | None,
    on_event: OnEvent | None,
    tools: Tools | None,
    gate: Gate | None,
) -> dict[str, Any]:
    options.callback(what, "on_output", on_output)
    options.callback(what, "on_event", on_event)
    options.callback(what, "gate", gate)
    message["output"] = on_output is not None
    message["events"] = on_event is not None
    on_tool_call: OnToolCall | None = None
    if tools:
        collected = collect_tools(tools)
        message["tools"] = [tool.wire() for tool in collected.values()]
        on_tool_call = tool_caller(collected, gate)
    return {
        "on_output": None if on_output is None else _output_callback(on_output),
        "on_event": None if on_event is None else _event_callback(on_event),
        "on_tool_call": on_tool_call,
    }


def _output_callback(on_output: OnOutput) -> OnMessage:
    def call(message: dict[str, Any]) -> object:
        if "base64" in message:
            data = base64.b64decode(message["base64"])
            text = data.decode("utf-8", "replace")
        else:
            text = message["text"]
            data = text.encode()
        return on_output(
            {
                "stream": message["stream"],
                "text": text,
                "bytes": data,
                "task": message["task"],
                "path": message["path"],
            }
        )

    return call


def _event_callback(on_event: OnEvent) -> OnMessage:
    def call(message: dict[str, Any]) -> object:
        event = {name: value for name, value in message.items() if name not in ("type", "id", "event")}
        return on_event(cast(RunEvent, {"type": message.get("event", message["type"]), **event}))

    return call


def _envelope(answer: dict[str, Any]) -> RunnerResult:
    return cast(RunnerResult, answer["envelope"])


def _loaded(file: PathArgument, answer: dict[str, Any]) -> LoadedProgram:
    return {
        "file": os.fspath(file),
        "language": answer["language"],
        "tasks": answer["tasks"],
        "cached": answer["cached"],
    }


# By `capsule_path`: those of all calls without a runtime of their own.
_shared: dict[str | None, Runtime] = {}


def _shared_runtime(what: str, capsule_path: object) -> Runtime:
    key = options.optional_path(what, "capsule_path", capsule_path)
    runtime = _shared.get(key)
    return runtime if runtime is not None else _shared.setdefault(key, Runtime(capsule_path=key))


async def run(
    *,
    file: PathArgument,
    args: Sequence[Any] = (),
    mounts: Sequence[str] = (),
    cwd: PathArgument | None = None,
    env: Mapping[str, str] | None = None,
    policy: PolicyOptions | None = None,
    sealed: bool = False,
    tools: Tools | None = None,
    gate: Gate | None = None,
    run_id: str | None = None,
    on_output: OnOutput | None = None,
    on_event: OnEvent | None = None,
    capsule_path: PathArgument | None = None,
) -> RunnerResult:
    """Runs a program's `main` once, in sandboxes beside this process, and gives its envelope, a dict.

    ```python
    answer = await run(file="./sandbox.py", args=[6, 7])
    print(answer["result"] if answer["success"] else answer["error"]["message"])
    ```

    `file`: the program, a source file in Python, TypeScript or JavaScript, or an exported `.wasm`. `args`: arguments of
    `main`, JSON values. `mounts`: folders of the project for every task, `HOST[::GUEST][:ro|:rw]`. `cwd`: the folder that
    `file` is looked up in (default: the process's). `env`: values of variables in place of `os.environ`; tasks see those
    that they name. `policy`: what tasks get at most, as `[policy]` in `capsule.toml`. `sealed`: no files, hosts or
    variables, whatever the program asks for. `tools`: functions of this process that tasks may call, and `gate`, which
    allows, changes or denies each call. `run_id`: names the run in events and in the record (default: a random UUID).
    `on_output` and `on_event`: called in order with what tasks print and what happens to them, and waited for where they
    are async. `capsule_path`: where another command line is.

    What a task did wrong is in the envelope. A cancelled caller cancels the run, and waits until it has ended.

    Raises `UsageError` for wrong use: no such file (`ProgramNotFoundError`), a compile error (`CompileError`), a wrong
    option; `WorkerDiedError` if the process that runs it died; and what a callback raised, which ends the run.
    """
    runtime = _shared_runtime("run", capsule_path)
    return await runtime.run(
        file=file,
        args=args,
        mounts=mounts,
        cwd=cwd,
        env=env,
        policy=policy,
        sealed=sealed,
        tools=tools,
        gate=gate,
        run_id=run_id,
        on_output=on_output,
        on_event=on_event,
    )


def run_sync(
    *,
    file: PathArgument,
    args: Sequence[Any] = (),
    mounts: Sequence[str] = (),
    cwd: PathArgument | None = None,
    env: Mapping[str, str] | None = None,
    policy: PolicyOptions | None = None,
    sealed: bool = False,
    tools: Tools | None = None,
    gate: Gate | None = None,
    run_id: str | None = None,
    on_output: OnOutput | None = None,
    on_event: OnEvent | None = None,
    capsule_path: PathArgument | None = None,
) -> RunnerResult:
    """The same as `run`, for a thread that waits; any number of threads may.

    Callbacks are called in the thread that called; async ones, and tools, run in an event loop beside it. In a thread
    whose event loop is running it works as well, and keeps that loop from all other work: use `run` there. An interrupt
    cancels the run.
    """
    runtime = _shared_runtime("run_sync", capsule_path)
    return runtime.run_sync(
        file=file,
        args=args,
        mounts=mounts,
        cwd=cwd,
        env=env,
        policy=policy,
        sealed=sealed,
        tools=tools,
        gate=gate,
        run_id=run_id,
        on_output=on_output,
        on_event=on_event,
    )


async def run_with_worker(
    *,
    file: PathArgument,
    args: Sequence[Any] = (),
    mounts: Sequence[str] = (),
    cwd: PathArgument | None = None,
    capsule_path: PathArgument | None = None,
) -> RunnerResult:
    """What `run` does, by the name that earlier versions had for it: each run is served by a worker that stays."""
    return await run(file=file, args=args, mounts=mounts, cwd=cwd, capsule_path=capsule_path)


async def close_all() -> None:
    """Ends the workers behind `run` and `run_sync`; what runs is cancelled. Later calls start others.

    It is not needed: workers end with the process.
    """
    runtimes = [_shared.pop(key) for key in list(_shared)]
    workers = [runtime._client.begin_close() for runtime in runtimes]
    if any(worker is not None for worker in workers):
        for runtime in runtimes:
            await runtime._client.close(CLOSE_SECONDS)
