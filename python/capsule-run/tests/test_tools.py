import asyncio
import inspect
import unittest

import capsule
from capsule import ToolError, tools


class PlainTools(unittest.TestCase):
    def test_a_call_says_what_to_do(self):
        for call in (lambda: tools.search("x", limit=5), lambda: asyncio.run(self.awaited())):
            with self.assertRaisesRegex(ToolError, r'the tool "search" was called outside a sandbox.*tools=\[') as caught:
                call()
            self.assertEqual((caught.exception.type, caught.exception.tool), ("Unavailable", "search"))

    async def awaited(self):
        coroutine = tools.search("x")
        self.assertTrue(inspect.iscoroutine(coroutine))
        return await coroutine

    def test_arguments_are_checked_as_in_a_sandbox(self):
        cycle = []
        cycle.append(cycle)
        for call, message in (
            (lambda: tools.x({"a": [float("nan")]}), r'^tool "x": argument 1 has NaN at \$\.a\[0\]'),
            (lambda: tools.x(1, y={2}), r'^tool "x": argument "y" has a set at \$'),
            (lambda: tools.x(cycle), "a cycle"),
            (lambda: tools.x("x" * 20_000_000, "y" * 20_000_000), "more than 33554432 bytes"),
            (lambda: tools.x("x" * 20_000_000, y="y" * 20_000_000), "more than 33554432 bytes"),
        ):
            with self.assertRaisesRegex(TypeError, message):
                call()

    def test_the_object_is_harmless(self):
        self.assertEqual((repr(tools), tools.search.__name__), ("<tools>", "search"))
        self.assertIs(capsule.tools, tools)
        for name in ("__len__", "__await__", "_repr_html_", "_ipython_display_"):
            self.assertFalse(hasattr(tools, name), name)
        with self.assertRaises(AttributeError):
            tools.search = 1


if __name__ == "__main__":
    unittest.main()
