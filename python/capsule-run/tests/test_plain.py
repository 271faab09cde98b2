import asyncio
import inspect
import sys
import unittest

import capsule
from capsule import task


@task
def add(a, b=2, *, c=3):
    """Adds."""
    return [a, b, c]


@capsule.task(name="slow", compute="LOW", ram="64MB", timeout="2s", max_retries=2)
async def wait(x):
    await asyncio.sleep(0)
    return x


@task
def one(a, /, b, *rest, d=1, **more):
    return [a, b, rest, d, more]


class Envelopes(unittest.TestCase):
    def test_success(self):
        envelope = add(1, c=5)
        self.assertGreaterEqual(envelope["execution"].pop("duration_ms"), 0)
        self.assertEqual(
            envelope,
            {
                "success": True,
                "result": [1, 2, 5],
                "error": None,
                "execution": {
                    "task_name": "add",
                    "retries": 0,
                    "fuel_consumed": 0,
                    "ram_used": 0,
                    "host_requests": [],
                },
            },
        )

    def test_async(self):
        async def main():
            results = await asyncio.gather(wait(1), wait((2,)))
            return [result["result"] for result in results]

        self.assertEqual(asyncio.run(main()), [1, [2]])
        self.assertTrue(inspect.iscoroutinefunction(wait))

    def test_the_function_stays_visible(self):
        self.assertEqual((add.__name__, add.__doc__), ("add", "Adds."))
        self.assertEqual(str(inspect.signature(add)), "(a, b=2, *, c=3)")
        self.assertEqual(add.__wrapped__(1), [1, 2, 3])

    def test_values_are_copied_as_json(self):
        given = {"list": [1]}

        @task
        def change(value):
            value["list"].append((2,))
            return value

        self.assertEqual(change(given)["result"], {"list": [1, [2]]})
        self.assertEqual(given, {"list": [1]})

    def test_wrong_arguments(self):
        cases = [
            (add, (), {}, 'task "add": argument "a" missing; it takes (a, b=…, *, c=…)'),
            (add, (1, 2, 3), {}, 'task "add": 3 arguments by position, 1 more than it can take; it takes (a, b=…,'),
            (add, (1,), {"a": 2}, 'task "add": argument "a" given twice, by position and by name; it takes'),
            (add, (1,), {"d": 2, "e": 3}, 'task "add": there is no parameter "d", "e"; it takes'),
            (one, (), {}, 'task "one": arguments "a", "b" missing; it takes (a, /, b, *…, d=…, **…)'),
            (add, ({1},), {}, 'task "add": argument 1 has a set at $; '),
        ]
        for fn, args, kwargs, message in cases:
            error = fn(*args, **kwargs)["error"]
            self.assertEqual(error["error_type"], "invalid_arguments")
            self.assertTrue(error["message"].startswith(message), error["message"])
        self.assertEqual(one(1, 2, 3, e=4)["result"], [1, 2, [3], 1, {"e": 4}])
        self.assertEqual(one(1, b=2, a=3)["result"], [1, 2, [], 1, {"a": 3}])

    def test_failures(self):
        @task
        def fails():
            raise ValueError("bad")

        @task
        def returns_set():
            return {1}

        @task
        def recurses():
            return recurses.__wrapped__()

        error = fails()["error"]
        self.assertEqual(error["error_type"], "task_error")
        lines = error["message"].splitlines()
        self.assertEqual([lines[0], lines[-1]], ["Traceback (most recent call last):", "ValueError: bad"])
        self.assertRegex(lines[1], r'^  File ".*test_plain.py", line \d+, in fails$')
        self.assertEqual(returns_set()["error"]["error_type"], "invalid_result")
        self.assertEqual(recurses()["error"]["error_type"], "stack_overflow")

    def test_exits(self):
        @task
        def leaves(code):
            sys.exit(code)

        self.assertEqual([leaves(0)["success"], leaves(None)["result"]], [True, None])
        self.assertEqual(leaves(3)["error"]["message"], "SystemExit: 3")
        self.assertEqual(leaves("why")["error"]["message"], "SystemExit: why")

    def test_interrupts_go_through(self):
        @task
        def stops():
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            stops()

        async def main():
            waiting = asyncio.create_task(forever())
            await asyncio.sleep(0)
            waiting.cancel()
            await waiting

        @task
        async def forever():
            await asyncio.sleep(100)

        with self.assertRaises(asyncio.CancelledError):
            asyncio.run(main())

    def test_retries(self):
        attempts = []

        @task(max_retries=2)
        def flaky(value):
            attempts.append(value)
            value.append(1)
            if len(attempts) < 3:
                raise OSError("again")
            return value

        envelope = flaky([])
        self.assertEqual([envelope["result"], envelope["execution"]["retries"], len(attempts)], [[1], 2, 3])

        @task(max_retries=5)
        def never():
            attempts.append(0)
            return {1}

        self.assertEqual(never()["execution"]["retries"], 0)

    def test_a_plain_function_that_gives_a_coroutine(self):
        async def inner():
            return 7

        @task
        def gives():
            return inner()

        self.assertEqual(gives()["result"], 7)


if __name__ == "__main__":
    unittest.main()
