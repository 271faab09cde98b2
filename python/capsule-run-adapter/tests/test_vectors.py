"""What both adapters have to do alike, on the real runtime: see `test/vectors/adapter.json`."""

import asyncio
import json
import pathlib
import re
import tempfile
import unittest

import capsule_adapter
from capsule_adapter import CapsuleError, Session, UsageError, execute, run_javascript, run_python

ROOT = pathlib.Path(__file__).resolve().parents[3]
VECTORS = json.loads((ROOT / "test" / "vectors" / "adapter.json").read_text())


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


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
                if "execution" in case:
                    execution = await execute(case["code"], language=case["language"], **options)
                    for field, value in case["execution"].items():
                        self.assertEqual(execution[snake(field)], value, field)
                    self.assertGreater(execution["metrics"]["fuel_consumed"], 0)

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
        elif "delete" in step:
            await session.delete_file(step["delete"])
        elif "export" in step:
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "out")
                await session.export_file(step["export"], file)
                self.assertEqual(file.read_text(), step["text"])
        elif "import" in step:
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "in")
                file.write_text(step["import"])
                await session.import_file(file, step["as"])
        else:
            self.assertEqual([file["path"] for file in await session.list_files()], step["list"])

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
