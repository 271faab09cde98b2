"""What both adapters have to do alike, on the real runtime: see `test/vectors/adapter.json`."""

import asyncio
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import unittest

import capsule_adapter
from capsule_adapter import CapsuleError, Session, UsageError, execute, run_javascript, run_python

ROOT = pathlib.Path(__file__).resolve().parents[3]
VECTORS = json.loads((ROOT / "test" / "vectors" / "adapter.json").read_text())


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def contents_of(folder):
    """All files below a folder, texts by path."""
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


def tearDownModule():
    asyncio.run(capsule_adapter.close_all())


class Vectors(unittest.IsolatedAsyncioTestCase):
    async def raises(self, awaitable, expected):
        with self.assertRaises(CapsuleError) as caught:
            await awaitable
        error = caught.exception
        self.assertEqual(error.kind, expected["kind"])
        for part in expected["contains"]:
            self.assertIn(part, str(error))
        self.assertEqual(error.traceback is not None, error.kind == "exception")
        return error

    async def test_calls(self):
        for case in VECTORS["calls"]:
            with self.subTest(f"{case['language']}: {case['name']}"):
                run = run_python if case["language"] == "python" else run_javascript
                options = case.get("options", {})
                if "error" in case:
                    await self.raises(run(case["code"], **options), case["error"])
                elif "text" in case:
                    self.assertEqual(await run(case["code"], **options), case["text"])
                if "execution" in case or "begins" in case:
                    await self.executes(case, options)

    async def executes(self, case, options):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "out")
            export = {"export_to": out} if "exported" in case else {}
            execution = await execute(case["code"], language=case["language"], **options, **export)
            if "exported" in case:
                self.assertEqual(contents_of(out), case["exported"])
        for field, value in case.get("execution", {}).items():
            self.assertEqual(execution[snake(field)], value, field)
        self.assertGreater(execution["metrics"]["fuel_consumed"], 0)
        if "begins" in case:
            self.assertEqual(len(execution["outputs"]), len(case["begins"]))
            for output, begin in zip(execution["outputs"], case["begins"]):
                self.assertEqual(output["type"], begin["type"])
                self.assertTrue(output["data"].startswith(begin["data"]))

    async def test_sessions(self):
        for case in VECTORS["sessions"]:
            with self.subTest(f"{case['language']}: {case['name']}"):
                async with Session(case["language"], **case.get("options", {})) as session:
                    for step in case["steps"]:
                        await self.follow(session, step)

    async def follow(self, session, step):
        if "run" in step:
            if "error" in step:
                error = await self.raises(session.run(step["run"]), step["error"])
                if "memory" in step:
                    self.assertEqual(error.execution["memory"], step["memory"])
            else:
                value = await session.run(step["run"])
                if "value" in step:
                    self.assertEqual(value, step["value"])
            if "output" in step:
                self.assertEqual(session.output, step["output"])
        elif "reset" in step:
            await session.reset()
        elif "write" in step:
            await session.write_file(step["write"], step["text"])
        elif "read" in step and "error" in step:
            with self.assertRaises(UsageError) as caught:
                await session.read_file(step["read"])
            self.assertEqual(caught.exception.slug, step["error"]["slug"])
        elif "read" in step:
            self.assertEqual((await session.read_file(step["read"])).decode(), step["text"])
        elif "delete" in step and "error" in step:
            with self.assertRaises(UsageError) as caught:
                await session.delete_file(step["delete"])
            self.assertEqual(caught.exception.slug, step["error"]["slug"])
        elif "delete" in step:
            await session.delete_file(step["delete"])
        elif "export" in step:
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "out")
                await session.export_file(step["export"], file)
                found = file.read_text() if file.is_file() else contents_of(file)
                self.assertEqual(found, step["text"])
        elif "import" in step:
            with tempfile.TemporaryDirectory() as folder:
                given = pathlib.Path(folder, "in")
                texts = step["import"] if isinstance(step["import"], dict) else {"": step["import"]}
                for name, text in texts.items():
                    file = given / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text)
                await session.import_file(given, step["as"])
        else:
            self.assertEqual([file["path"] for file in await session.list_files(step.get("in"))], step["list"])

    async def test_calls_wait_for_each_other(self):
        seen = []
        async with Session() as session:
            values = await asyncio.gather(
                session.run("x = []"),
                session.run("import time; time.sleep(0.05); print('first'); x.append(1); x", on_output=seen.append),
                session.run("x.append(2); x"),
            )
        self.assertEqual(values, [None, [1], [1, 2]])
        self.assertEqual("".join(output["text"] for output in seen), "first\n")
        self.assertEqual(session.output, "")

    async def test_big_integers_are_exact(self):
        async with Session() as session:
            self.assertEqual(await session.run("2 ** 100"), 2**100)

    async def test_tools(self):
        async def price(item: str) -> float:
            """What an item costs."""
            return {"pear": 1.5}[item]

        self.assertEqual(await run_python("from capsule import tools\ntools.price('pear')", tools=[price]), "1.5")
        async with Session("javascript", tools=[price]) as session:
            code = "const { tools } = await import('@capsule-run/sdk'); await tools.price('pear')"
            self.assertEqual(await session.run(code), 1.5)

    async def test_a_cancelled_call_leaves_the_session(self):
        async with Session("javascript") as session:
            await session.run("let x = 1")
            call = asyncio.create_task(session.run("x = 2; for (;;);"))
            await asyncio.sleep(0.1)
            call.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await call
            self.assertEqual(await session.run("x"), 1)

    async def test_a_closed_session(self):
        session = Session("javascript")
        await session.run("1")
        await session.close()
        await session.close()
        with self.assertRaisesRegex(UsageError, "the session was closed"):
            await session.run("1")

    async def test_the_workspace_is_gone_when_the_block_ends_also_by_an_exception(self):
        class Mine(Exception):
            pass

        def places():
            return {path for path in pathlib.Path(tempfile.gettempdir()).glob("capsule-code-*") if path.is_dir()}

        before, within = places(), set()
        with self.assertRaises(Mine):
            async with Session("javascript") as session:
                await session.run("require('fs').writeFileSync('workspace/a', 'a')")
                within = {path for path in places() - before if (path / "workspace" / "a").exists()}
                raise Mine
        self.assertEqual(len(within), 1)
        self.assertFalse(within & places())

    @unittest.skipUnless(sys.platform == "linux", "processes are found in /proc")
    async def test_a_session_whose_sandbox_was_killed(self):
        from capsule_adapter.shared import shared_client

        async with Session("javascript") as session:
            await session.run("let x = 1; require('fs').writeFileSync('workspace/a', 'a')")
            for child in children_of(shared_client(None)._worker._process.pid):
                os.kill(child, signal.SIGKILL)
            await asyncio.sleep(0.2)
            execution = await session.execute("x")
            self.assertEqual((execution["error"]["kind"], execution["memory"]), ("internal_error", "lost"))
            self.assertIn("memory is lost: the next call begins with a fresh one. Files in workspace", execution["notice"])
            code = "[typeof x, require('fs').readFileSync('workspace/a', 'utf8')]"
            self.assertEqual(await session.run(code), ["undefined", "a"])

    async def test_exports_go_nowhere_else(self):
        code = "const fs = require('fs'); fs.mkdirSync('workspace/sub'); fs.writeFileSync('workspace/sub/a', 'a')"
        with tempfile.TemporaryDirectory() as folder:
            out, outside = pathlib.Path(folder, "out"), pathlib.Path(folder, "outside")
            outside.mkdir()
            out.mkdir()
            (out / "sub").symlink_to(outside)
            with self.assertRaisesRegex(UsageError, "sub is a symlink"):
                await run_javascript(code, export_to=out)
            self.assertEqual(list(outside.iterdir()), [])
            (outside / "file").write_text("")
            with self.assertRaisesRegex(UsageError, "is no folder"):
                await run_javascript(code, export_to=outside / "file")

    async def test_a_session_whose_process_died(self):
        from capsule_adapter.shared import shared_client

        session = Session("javascript")
        await session.run("1")
        await capsule_adapter.close_all()
        with self.assertRaises((capsule_adapter.WorkerDiedError, UsageError)):
            await session.run("1")
        other = Session("javascript")
        await other.run("1")
        client = shared_client(None)
        client._worker._process.kill()
        with self.assertRaisesRegex(capsule_adapter.WorkerDiedError, "the session ended with|ended by signal"):
            await other.run("1")
        with self.assertRaisesRegex(capsule_adapter.WorkerDiedError, "the session ended with"):
            await other.run("1")
        await other.close()

    async def test_wrong_options(self):
        for use, message in (
            (lambda: run_python(5), "run_python|execute: code is 5; allowed: a text"),
            (lambda: execute("", language="ruby"), 'execute: language is "ruby"'),
            (lambda: execute("", limits={"time": 1}), "there is no limit time"),
            (lambda: execute("", files={"a": 1}), "files\\['a'\\] is 1"),
        ):
            with self.assertRaisesRegex(UsageError, message):
                await use()
        with self.assertRaisesRegex(UsageError, "language"):
            Session("ruby")


class Threads(unittest.TestCase):
    def test_sync(self):
        self.assertEqual(capsule_adapter.run_javascript_sync("console.log(1); 2"), "1\n2")
        with self.assertRaises(CapsuleError):
            capsule_adapter.run_javascript_sync("throw 1")


if __name__ == "__main__":
    unittest.main()
