"""What type checkers have to make of the public names: checked, never run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type

from capsule import (
    CompileError,
    ErrorInfo,
    ExecutionInfo,
    GateDecision,
    LoadedProgram,
    Output,
    Place,
    RunEvent,
    RunnerOptions,
    RunnerResult,
    Runtime,
    Tool,
    ToolCall,
    ToolError,
    UsageError,
    close_all,
    describe_tools,
    run,
    run_sync,
    run_with_worker,
    task,
    tool,
)


@task
def plain(a: int) -> int:
    return a


@task(name="other", compute="LOW")
async def configured(a: int) -> int:
    return a


assert_type(plain(1), dict[str, Any])


def search(query: str, limit: int = 10) -> list[str]:
    return [query] * limit


@tool
def priced(item: str) -> float:
    return 1.0


@tool(timeout="10s", description="what it costs")
async def later(item: str) -> float:
    return 1.0


assert_type(priced("x"), float)
bound: Tool[[str], float] = priced


def gate(call: ToolCall) -> GateDecision:
    if call.tool == "priced":
        return {"decision": "deny", "reason": "not today"}
    return {"decision": "allow", "args": [*call.args], "kwargs": call.kwargs}


def on_output(output: Output) -> None:
    assert_type(output["text"], str)
    assert_type(output["bytes"], bytes)


async def on_event(event: RunEvent) -> None:
    assert_type(event["type"], str)


async def main() -> None:
    assert_type(await later("x"), float)
    answer = await run(
        file="a.py",
        args=[1, {"a": None}],
        mounts=["data::input:ro"],
        env={"A": "b"},
        policy={"max_tasks": 3, "max_run_timeout": "1m", "allowed_files": ["data", {"path": "x", "mode": "ro"}]},
        sealed=False,
        tools=[search, priced, later],
        gate=gate,
        run_id="one",
        on_output=on_output,
        on_event=on_event,
    )
    assert_type(answer, RunnerResult)
    assert_type(answer["success"], bool)
    assert_type(answer["execution"], ExecutionInfo)
    error = answer["error"]
    if error is not None:
        assert_type(error, ErrorInfo)
        assert_type(error["message"], str)
    options: RunnerOptions = {"file": "a.py", "args": [1]}
    assert_type(await run_with_worker(file="a.py"), RunnerResult)
    assert_type(run_sync(file=options["file"], tools={"find": search}), RunnerResult)
    async with Runtime(cwd=".", concurrency=2) as runtime:
        assert_type(runtime, Runtime)
        assert_type(await runtime.load("a.py"), LoadedProgram)
        assert_type((await runtime.load("a.py"))["language"], Literal["javascript", "python"])
        assert_type(await runtime.run(file="a.py"), RunnerResult)
    with Runtime() as other:
        assert_type(other.run_sync(file="a.py"), RunnerResult)
    assert_type(describe_tools([search], "python"), str)
    await close_all()


def errors() -> None:
    try:
        run_sync(file="a.py")
    except CompileError as error:
        assert_type(error.place, "Place | None")
    except UsageError as error:
        assert_type(error.slug, str)
    except ToolError as error:
        assert_type(error.type, str)


place: Place = {"file": "a", "line": 1, "column": 1}
call: Callable[[ToolCall], GateDecision] = gate

# What must not pass.
run_sync(files="a.py")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
run_sync(file=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
run_sync(file="a", policy={"max_task": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
describe_tools([search], "ruby")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
priced(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
