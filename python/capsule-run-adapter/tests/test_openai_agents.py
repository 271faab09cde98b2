"""The tool for the OpenAI Agents SDK, on the real runtime, with a stand-in for the one class that it uses of it."""

import asyncio
import json
import pathlib
import sys
import tempfile
import types
import unittest
from dataclasses import dataclass
from typing import Any
from unittest import mock

import capsule_adapter
from capsule_adapter import Session, UsageError


def tearDownModule():
    asyncio.run(capsule_adapter.close_all())


@dataclass
class FunctionTool:
    name: str
    description: str
    params_json_schema: dict[str, Any]
    on_invoke_tool: Any
    strict_json_schema: bool = True
    needs_approval: Any = False


def stand_in() -> dict[str, types.ModuleType]:
    agents, context = types.ModuleType("agents"), types.ModuleType("agents.tool_context")
    agents.FunctionTool = FunctionTool
    agents.RunContextWrapper = context.ToolContext = dict
    return {"agents": agents, "agents.tool_context": context}


class OpenAiAgents(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        patched = mock.patch.dict(sys.modules, stand_in())
        patched.start()
        self.addCleanup(patched.stop)
        sys.modules.pop("capsule_adapter.openai_agents", None)
        from capsule_adapter import openai_agents

        self.module = openai_agents

    async def call(self, tool, arguments):
        return json.loads(await tool.on_invoke_tool(None, json.dumps(arguments)))

    async def test_what_the_model_gets(self):
        tool = self.module.execute_javascript_tool(needs_approval=True, max_text=100)
        self.assertEqual((tool.name, tool.needs_approval), ("execute_javascript", True))
        self.assertEqual(tool.params_json_schema["required"], ["code"])
        self.assertIn("has no network", tool.description)
        self.assertEqual(await self.call(tool, {"code": "console.log('é'); 2"}), {"output": "é\n2"})
        failed = await self.call(tool, {"code": "console.error('aside'); throw new RangeError('mine')"})
        self.assertEqual((failed["output"], failed["stderr"]), ("", "aside\n"))
        self.assertIn("RangeError: mine", failed["error"])
        long = await self.call(tool, {"code": "'x'.repeat(1000)"})
        self.assertIn("900 characters are left out", long["output"])
        self.assertIn("code", (await self.call(tool, {"cod": 1}))["error"])

    async def test_images(self):
        png = "new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0])"
        code = f"display({{ 'image/png': {png} }}, {{ 'image/png': 'none' }}, {{ 'image/png': {png} }}); 5"
        tool = self.module.execute_javascript_tool(max_images=1)
        text, image = await tool.on_invoke_tool(None, json.dumps({"code": code}))
        self.assertEqual(text["type"], "text")
        notice = "2 images that the code showed are left out."
        self.assertEqual(json.loads(text["text"]), {"output": "5", "notice": notice})
        self.assertEqual(image, {"type": "image", "image_url": "data:image/png;base64,iVBORw0KGgoA"})
        none = self.module.execute_javascript_tool()
        said = await self.call(none, {"code": code})
        self.assertEqual(said, {"output": "5", "notice": notice.replace("2", "3")})

    async def test_files_are_taken_out(self):
        with tempfile.TemporaryDirectory() as folder:
            tool = self.module.execute_javascript_tool(export_to=folder)
            code = "require('fs').writeFileSync('workspace/a.txt', 'a')"
            self.assertEqual(await self.call(tool, {"code": code}), {"output": "", "files": ["a.txt"]})
            self.assertEqual(pathlib.Path(folder, "a.txt").read_text(), "a")

    def test_wrong_options(self):
        for options, message in (
            ({"name": "a b"}, 'name is "a b"; allowed: a name of letters'),
            ({"max_text": 5}, "max_text is 5; allowed: an integer of 100 or more"),
            ({"max_images": True}, "max_images is True; allowed: an integer of 0 or more"),
            ({"session": 5}, "session is 5; allowed: a Session"),
            ({"export_to": ""}, "export_to is .*; allowed: a path"),
        ):
            with self.assertRaisesRegex(UsageError, message):
                self.module.execute_javascript_tool(**options)

    async def test_a_session(self):
        async with Session("javascript") as session:
            tool = self.module.execute_javascript_tool(session=session)
            await self.call(tool, {"code": "let x = 20"})
            self.assertEqual(await self.call(tool, {"code": "x + 1"}), {"output": "21"})
            with self.assertRaisesRegex(UsageError, "can't run it in a session of JavaScript"):
                self.module.execute_python_tool(session=session)
            with self.assertRaisesRegex(UsageError, "hosts is an option of the session"):
                self.module.execute_javascript_tool(session=session, hosts=["a.example"])
            with self.assertRaisesRegex(UsageError, "export_to is of single calls"):
                self.module.execute_javascript_tool(session=session, export_to="out")


if __name__ == "__main__":
    unittest.main()
