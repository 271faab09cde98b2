"""`run`, `run_sync` and `Runtime` against the real runtime."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import capsule
from capsule import CompileError, ProgramNotFoundError, Runtime, UsageError, WorkerDiedError, run, run_sync
from capsule.host import runtime as shared


def once(coroutine: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await coroutine

    return asyncio.run(main())


def worker_pid() -> int:
    pid = shared._shared[None]._client.pid()
    assert pid is not None
    return pid


def test_an_envelope_comes_back() -> None:
    answer = run_sync(file="multiply.js", args=[6, 7])
    assert answer["success"] and answer["result"] == 42 and answer["error"] is None
    assert answer["execution"]["task_name"] == "main" and answer["execution"]["fuel_consumed"] > 0
    assert once(run(file=Path("multiply.js"), args=(6, 7)))["result"] == 42
    assert once(capsule.run_with_worker(file="multiply.js", args=[1, 2]))["result"] == 2
    assert run_sync(file="typed.ts", args=[{"x": 1}])["result"] == 2


def test_what_a_task_did_wrong_is_no_exception() -> None:
    answer = run_sync(file="throws.js")
    assert not answer["success"] and answer["result"] is None and answer["error"] is not None
    assert answer["error"]["error_type"] == "task_error" and "RangeError: out" in answer["error"]["message"]
    assert run_sync(file="multiply.js", args=[1])["error"]["error_type"] == "invalid_arguments"  # type: ignore[index]


def test_wrong_use_is_a_typed_exception() -> None:
    with pytest.raises(CompileError) as compiled:
        run_sync(file="broken.ts")
    assert compiled.value.place == {"file": "broken.ts", "line": 1, "column": 24}
    assert compiled.value.excerpt is not None and "export const main" in compiled.value.excerpt
    assert "broken.ts:1:24" in str(compiled.value) and str(compiled.value).endswith("[compile]")
    with pytest.raises(ProgramNotFoundError) as missing:
        once(run(file="nothing.ts"))
    assert isinstance(missing.value, FileNotFoundError) and missing.value.slug == "file-not-found"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"file": 5}, "file is 5; allowed: a path"),
        ({"file": ""}, "file is"),
        ({"file": "a", "args": "text"}, "allowed: a list of JSON values"),
        ({"file": "a", "args": [{1}]}, "argument 1 has a set at \\$"),
        ({"file": "a", "args": [float("nan")]}, "NaN"),
        ({"file": "a", "mounts": "data"}, "mounts is"),
        ({"file": "a", "env": {"A": 1}}, "env is"),
        ({"file": "a", "sealed": 1}, "sealed is 1"),
        ({"file": "a", "run_id": "../a"}, "run_id is"),
        ({"file": "a", "on_output": 1}, "on_output is 1; allowed: a function"),
        ({"file": "a", "policy": {"max_tasks": {1}}}, "policy has a set"),
        ({"file": "multiply.js", "policy": {"max_task": 1}}, "max_task"),
        ({"file": "multiply.js", "mounts": ["/etc"]}, "mount|project"),
    ]
    for options, words in wrong:
        with pytest.raises(UsageError, match=words):
            run_sync(**options)
    with pytest.raises(UsageError, match="concurrency is 0; allowed: an integer of 1 or more"):
        Runtime(concurrency=0)
    with pytest.raises(UsageError, match="leads to no capsule"):
        run_sync(file="multiply.js", capsule_path="/nowhere/capsule")


def test_values_keep_what_they_are() -> None:
    for value in [0, -1.5, "é😀\u2028\n", {"a": [None, True]}, "x" * 3_000_000]:
        assert run_sync(file="echo.js", args=[value])["result"] == value
    deep: Any = "end"
    for _ in range(990):
        deep = [deep]
    given = run_sync(file="echo.js", args=[deep])["result"]
    for _ in range(990):
        (given,) = given
    assert given == "end"


def test_integers_of_python_programs_are_exact() -> None:
    big = 10**5000
    assert run_sync(file="integers.py", args=[big])["result"] == big + 1
    assert run_sync(file="integers.py", args=[2**64])["result"] == 2**64 + 1


def test_in_a_sandbox_there_is_no_host_part() -> None:
    message = run_sync(file="imports_host.py")["result"]
    assert message.startswith("capsule.run is for programs that run others in sandboxes")


def test_output_and_events_come_as_they_happen() -> None:
    output: list[capsule.Output] = []
    events: list[capsule.RunEvent] = []
    run_sync(file="prints.js", args=[3], on_output=output.append, on_event=events.append, run_id="a.run-1")
    text = "".join(each["text"] for each in output if each["stream"] == "stdout")
    assert text == "line 0 é\nline 1 é\nline 2 é\n"
    assert b"".join(each["bytes"] for each in output if each["stream"] == "stderr") == b"to stderr\n"
    assert {(each["task"], each["path"]) for each in output} == {("main", "0")}
    assert [each["type"] for each in events] == ["task_queued", "attempt_started", "task_ended"]
    assert {each["run"] for each in events} == {"a.run-1"}
    assert events[-1]["envelope"]["result"] == 3


def test_async_callbacks_are_waited_for_in_order() -> None:
    seen: list[str] = []

    async def slowly(output: capsule.Output) -> None:
        await asyncio.sleep(0.001)
        seen.append(output["text"])

    once(run(file="prints.js", args=[20], on_output=slowly))
    first, seen = seen, []
    run_sync(file="prints.js", args=[20], on_output=slowly)
    assert "".join(first) == "".join(seen) and "line 19" in "".join(seen)


@pytest.mark.parametrize("way", ["sync", "async", "async callback", "event"])
def test_a_callback_that_raises_ends_the_run_and_raises_that(way: str) -> None:
    class Mine(Exception):
        pass

    def fails(_: object) -> None:
        raise Mine

    async def fails_later(_: object) -> None:
        await asyncio.sleep(0)
        raise Mine

    began = time.monotonic()
    with pytest.raises(Mine):
        if way == "sync":
            run_sync(file="endless.js", on_output=fails)
        elif way == "async":
            once(run(file="endless.js", on_output=fails))
        elif way == "event":
            once(run(file="endless.js", on_event=fails))
        else:
            run_sync(file="endless.js", on_output=fails_later)
    assert time.monotonic() - began < 10


def test_variables_have_the_values_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "red")
    assert run_sync(file="environment.js")["result"] == "red"
    monkeypatch.setenv("COLOUR", "blue")
    assert run_sync(file="environment.js")["result"] == "blue"
    assert run_sync(file="environment.js", env={"COLOUR": "green"})["result"] == "green"
    assert run_sync(file="environment.js", env={})["result"] is None
    assert run_sync(file="environment.js", sealed=True)["result"] is None


def test_relative_files_begin_at_the_current_folder(tmp_path: Path, programs: Path) -> None:
    (tmp_path / "multiply.js").write_text((programs / "multiply.js").read_text().replace("*", "+"))
    assert run_sync(file="multiply.js", args=[2, 3])["result"] == 6
    assert run_sync(file="multiply.js", args=[2, 3], cwd=tmp_path)["result"] == 5
    os.chdir(tmp_path)
    assert run_sync(file="multiply.js", args=[2, 3])["result"] == 5
    os.chdir(tmp_path.parent)
    assert run_sync(file="multiply.js", args=[2, 3], cwd=tmp_path.name)["result"] == 5


def test_many_at_once_more_than_the_worker_takes() -> None:
    async def all_of(count: int) -> list[Any]:
        answers = await asyncio.gather(*(run(file="multiply.js", args=[n, 2]) for n in range(count)))
        return [answer["result"] for answer in answers]

    assert asyncio.run(all_of(1200)) == [2 * n for n in range(1200)]


def test_threads_and_event_loops_share_one_worker() -> None:
    results: list[Any] = []

    def in_thread(n: int) -> None:
        results.append(run_sync(file="multiply.js", args=[n, 10])["result"])
        results.append(once(run(file="multiply.js", args=[n, 100]))["result"])

    threads = [threading.Thread(target=in_thread, args=(n,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(results) == sorted([n * 10 for n in range(8)] + [n * 100 for n in range(8)])


def test_run_sync_inside_of_a_running_loop() -> None:
    async def main() -> Any:
        return run_sync(file="multiply.js", args=[3, 4])["result"]

    assert asyncio.run(main()) == 12


def test_cancelling_the_caller_cancels_the_run() -> None:
    events: list[capsule.RunEvent] = []

    async def main() -> None:
        begun = asyncio.Event()
        running = asyncio.create_task(
            run(file="endless.js", on_output=lambda _: begun.set(), on_event=events.append)
        )
        await asyncio.wait_for(begun.wait(), 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run(file="endless.js"), 0.2)

    asyncio.run(main())
    assert run_sync(file="multiply.js", args=[1, 1])["result"] == 1


def test_a_worker_that_dies_fails_what_was_under_way_only() -> None:
    async def main() -> None:
        begun = asyncio.Event()
        running = asyncio.create_task(run(file="endless.js", on_output=lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        os.kill(worker_pid(), signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="signal 9") as died:
            await running
        assert died.value.exit_code == -9
        assert (await run(file="multiply.js", args=[5, 5]))["result"] == 25

    asyncio.run(main())
    pid = worker_pid()
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert run_sync(file="multiply.js", args=[5, 6])["result"] == 30
    assert worker_pid() != pid


def test_a_command_that_is_no_worker(tmp_path: Path) -> None:
    command = tmp_path / "capsule"
    command.write_text("#!/bin/sh\necho no worker; echo went wrong >&2; exit 3\n")
    command.chmod(0o755)
    with pytest.raises(WorkerDiedError, match="exit code 3 .*: went wrong"):
        run_sync(file="multiply.js", capsule_path=command)
    with pytest.raises(WorkerDiedError):
        once(run(file="multiply.js", capsule_path=command))


def test_a_runtime_of_ones_own(programs: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with Runtime(cwd=programs, concurrency=2, cache_dir=tmp_path / "cache") as own:
            os.chdir(tmp_path)
            loaded = await own.load("multiply.js")
            assert loaded == {"file": "multiply.js", "language": "javascript", "tasks": ["main"], "cached": False}
            answers = await asyncio.gather(*(own.run(file="multiply.js", args=[n, 3]) for n in range(6)))
            assert [answer["result"] for answer in answers] == [0, 3, 6, 9, 12, 15]
            assert (tmp_path / "cache").is_dir()
            with pytest.raises(CompileError):
                await own.load("broken.ts")
        with pytest.raises(UsageError, match="closed"):
            await own.run(file="multiply.js", args=[1, 1])

    asyncio.run(main())
    with Runtime(cwd=programs) as own:
        assert own.load_sync("multiply.js")["tasks"] == ["main"]
        assert own.run_sync(file="multiply.js", args=[2, 2])["result"] == 4
        pid = own._client.pid()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_closing_cancels_what_runs() -> None:
    async def main() -> capsule.RunnerResult:
        own = Runtime()
        begun = asyncio.Event()
        running = asyncio.create_task(own.run(file="endless.js", on_output=lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        await own.close()
        return await running

    answer = asyncio.run(main())
    assert answer["error"] is not None and answer["error"]["error_type"] == "cancelled"


def test_close_all_and_on() -> None:
    assert run_sync(file="multiply.js", args=[1, 2])["result"] == 2
    pid = worker_pid()
    once(capsule.close_all())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert run_sync(file="multiply.js", args=[1, 2])["result"] == 2


def test_a_reader_that_is_slow_loses_output_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    from capsule.host import mailbox

    monkeypatch.setattr(mailbox, "WAITING_BYTES", 2000)
    events: list[capsule.RunEvent] = []
    output: list[int] = []

    def slow(each: capsule.Output) -> None:
        if not output:
            time.sleep(1)
        output.append(len(each["bytes"]))

    answer = run_sync(file="prints.js", args=[5000], on_output=slow, on_event=events.append)
    assert answer["result"] == 5000
    dropped = [each for each in events if each["type"] == "dropped"]
    assert dropped and sum(each["output_bytes"] for each in dropped) > 0
    assert sum(output) < sum(len(f"line {n} é\n".encode()) for n in range(5000))


def script(text: str, *, interrupt_at: str | None = None) -> tuple[int, str, str]:
    """Runs Python; an interrupt comes when a line was printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    if interrupt_at is not None:
        assert process.stdout is not None
        for line in process.stdout:
            if interrupt_at in line:
                break
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


ENDS: dict[str, str] = {
    "after a run": "print(run_sync(file='multiply.js', args=[2, 4])['result'])",
    "after an async run": "print(asyncio.run(run(file='multiply.js', args=[2, 4]))['result'])",
    "with a run under way in a daemon thread": """
threading.Thread(target=lambda: run_sync(file='endless.js', on_output=lambda _: begun.set()), daemon=True).start()
begun.wait()
print(8)""",
    "with a loop that was left": """
async def main():
    asyncio.ensure_future(run(file='endless.js', on_output=lambda _: begun.set()))
    while not begun.is_set():
        await asyncio.sleep(0.01)
asyncio.run(main())
print(8)""",
    "with a runtime that nobody closed": """
own = Runtime()
print(own.run_sync(file='multiply.js', args=[2, 4])['result'])""",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends_without_noise(how: str) -> None:
    head = "import asyncio, threading\nfrom capsule import run, run_sync, Runtime\nbegun = threading.Event()\n"
    began = time.monotonic()
    assert script(head + ENDS[how]) == (0, "8\n", "")
    assert time.monotonic() - began < 10


def test_an_interrupt_cancels_run_sync() -> None:
    code, _, err = script(
        """
from capsule import run_sync
try:
    run_sync(file="endless.js", on_output=lambda _: print("begun", flush=True))
except KeyboardInterrupt:
    print(run_sync(file="multiply.js", args=[2, 4])["result"])
""",
        interrupt_at="begun",
    )
    assert (code, err) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_a_worker_of_its_own() -> None:
    code, out, err = script(
        """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from capsule import run_sync
from capsule.host.runtime import _shared
print(run_sync(file="multiply.js", args=[1, 2])["result"], flush=True)
pid = _shared[None]._client.pid()
child = os.fork()
if child == 0:
    assert run_sync(file="multiply.js", args=[1, 3])["result"] == 3
    assert _shared[None]._client.pid() != pid
    print("child", flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert run_sync(file="multiply.js", args=[1, 4])["result"] == 4
assert _shared[None]._client.pid() == pid
"""
    )
    assert (code, out, err) == (0, "2\nchild\n", "")


def test_a_worker_ends_with_a_client_that_is_killed() -> None:
    code, out, _ = script(
        """
import os, signal
from capsule import run_sync
from capsule.host.runtime import _shared
run_sync(file="multiply.js", args=[1, 2])
print(_shared[None]._client.pid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert code == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(int(out), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker is still there")


def test_names_are_found_and_unknown_ones_are_not() -> None:
    for name in capsule._HOST:
        assert getattr(capsule, name) is not None
    get: Callable[[], Any] = lambda: capsule.nothing
    with pytest.raises(AttributeError, match="nothing"):
        get()
