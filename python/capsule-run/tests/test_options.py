import unittest
from pathlib import Path

from capsule import DuplicateTaskError, TaskOptionError, task
from capsule.options import (
    is_task_name,
    parse_compute,
    parse_files,
    parse_hosts,
    parse_options,
    parse_ram,
    parse_retries,
    parse_timeout,
    parse_variables,
)


class Amounts(unittest.TestCase):
    def test_compute(self):
        cases = {"LOW": 100_000_000, "MEDIUM": 2_000_000_000, "HIGH": 50_000_000_000, "12": 12, 7: 7, 7.0: 7}
        for given, parsed in cases.items():
            self.assertEqual(parse_compute(given), parsed, given)
        for wrong in ["low", "", "0", "-1", "1e3", "9" * 17, 0, -1, True, 1.5, None, [], 2**53, "١"]:
            self.assertIsNone(parse_compute(wrong), wrong)

    def test_ram(self):
        cases = {"64MB": 64 * 1024**2, "2GB": 2 * 1024**3, " 512 KiB ": 512 * 1024, "1.5kb": 1536, "10B": 10, 5: 5}
        for given, parsed in cases.items():
            self.assertEqual(parse_ram(given), parsed, given)
        for wrong in ["64", "64 potatoes", "MB", "-1MB", "1iB", "0B", "1TB", 0, 1.5, "9" * 400 + "GB"]:
            self.assertIsNone(parse_ram(wrong), wrong)

    def test_timeout(self):
        cases = {"500ms": 500, "30s": 30_000, "5m": 300_000, "1h": 3_600_000, "1.5 s": 1500, "0.6ms": 1, 250: 250}
        for given, parsed in cases.items():
            self.assertEqual(parse_timeout(given), parsed, given)
        for wrong in ["5 days", "5", "", "0s", "S", "1H", 0, -5, True]:
            self.assertIsNone(parse_timeout(wrong), wrong)

    def test_retries(self):
        self.assertEqual([parse_retries(value) for value in (0, 3, 2.0, -1, True, "1", 1.5)], [0, 3, 2] + [None] * 4)

    def test_names(self):
        for name in ["main", "größe", "a b", "x" * 200, "😀" * 100]:
            self.assertTrue(is_task_name(name), name)
        for name in ["", "x" * 201, "😀" * 101, "a\nb", "\x7f", "\ud800", None, 1]:
            self.assertFalse(is_task_name(name), name)


class Options(unittest.TestCase):
    def test_defaults_and_none(self):
        default = parse_options("a", {})
        self.assertEqual(tuple(default), (None,) * 7)
        none = dict.fromkeys(["compute", "ram", "timeout", "max_retries", "allowed_files", "allowed_hosts"])
        self.assertEqual(parse_options("a", none), default)
        empty = parse_options("a", {"allowed_files": [], "env_variables": ()})
        self.assertEqual((empty.files, empty.hosts, empty.environment), ((), None, ()))
        every = parse_options("a", {"compute": 5, "ram": "1KB", "timeout": "2s", "max_retries": 3})
        self.assertEqual(tuple(every), (5, 1024, 2000, 3, None, None, None))

    def test_files(self):
        rw = [(path, "read-write") for path in ("data", "a/c", ".", ".", "..a", "d")]
        self.assertEqual(parse_files(["./data", "a//b/../c/", ".", "a/..", "..a", {"path": "d"}]), tuple(rw))
        modes = [{"path": Path("d"), "mode": mode} for mode in ("ro", "read-only", "rw", "read-write")]
        self.assertEqual([mode for _, mode in parse_files(modes)], ["read-only"] * 2 + ["read-write"] * 2)
        outside = ["/etc", "..", "../x", "a/../..", "C:/x", "c:", "\\\\x", "a\0b", "x" * 5000, "", 1]
        wrong = [{"path": "d", "mode": "w"}, {"path": "d", "x": 1}, {}, ["d"], None]
        for item in outside + wrong:
            self.assertIsNone(parse_files([item]), item)
        for value in ["x", None, {}, ["x"] * 1001]:
            self.assertIsNone(parse_files(value), value)

    def test_hosts(self):
        good = ("api.example.com", "a.b:8443", "*.example.com", "*", "*:8080", "localhost", "127.0.0.1:80", "[::1]:80")
        self.assertEqual(parse_hosts(good), good)
        self.assertEqual(parse_hosts(["API.Example.COM"]), ("api.example.com",))
        bad = ["http://a.com", "a.com/", "a.com:0", "a.com:65536", "a.com:", "*.", "a.*.com", "*a.com", "**", "a b", "a\n"]
        for host in [*bad, "user@a.com", "a..b", ".a", "-a.com", "a.com\0", "ä.de", "::1", "x" * 300, 1]:
            self.assertIsNone(parse_hosts([host]), host)

    def test_variables(self):
        self.assertEqual(parse_variables(["A", "_b1"]), ("A", "_b1"))
        for name in ["1A", "A B", "A=B", "", "Ä", "A\n", "*", 1]:
            self.assertIsNone(parse_variables([name]), name)

    def test_messages(self):
        cases = [
            ({"ram": "64 potatoes"}, 'task "a": ram is "64 potatoes"; allowed: a size such as "64MB", "2GB" or'),
            ({"rma": 1}, 'task "a": there is no option "rma" (did you mean "ram"?); allowed: one of name, compute, '),
            ({"maxRetries": 1}, 'task "a": there is no option "maxRetries" (did you mean "max_retries"?); allowed:'),
            ({"zzz": 1}, 'task "a": there is no option "zzz"; allowed: one of'),
            ({"allowed_hosts": ["a/b"]}, "task \"a\": allowed_hosts is ['a/b']; allowed: a list of host names, such as"),
            ({"timeout": "x" * 500}, 'task "a": timeout is "' + "x" * 80 + '…"; allowed: a duration'),
        ]
        for options, message in cases:
            with self.assertRaises(TaskOptionError) as caught:
                parse_options("a", options)
            self.assertTrue(str(caught.exception).startswith(message), str(caught.exception))

    def test_hostile_value(self):
        class Hostile:
            def __repr__(self):
                raise RuntimeError

        with self.assertRaisesRegex(TaskOptionError, "ram is a value of type Hostile"):
            parse_options("a", {"ram": Hostile()})

    def test_errors_are_type_errors_of_the_package(self):
        for error in (TaskOptionError, DuplicateTaskError):
            self.assertTrue(issubclass(error, TypeError))
            self.assertEqual(error.__module__, "capsule")


class Functions(unittest.TestCase):
    def refused(self, message, *args, **options):
        with self.assertRaisesRegex(TaskOptionError, message):
            made = task(*args, **options)
            self.assertTrue(callable(made))

    def test_what_can_not_be_a_task(self):
        class Thing:
            def method(self):
                pass

            @staticmethod
            def static():
                pass

        def generator():
            yield 1

        async def async_generator():
            yield 1

        self.refused("Thing is a class", Thing)
        self.refused("is a method", Thing().method)
        self.refused("is a method", Thing.__dict__["static"])
        self.refused("it is a generator function, but a task gives one result", generator)
        self.refused("it is an async generator function", async_generator)
        self.refused("a lambda has no name of its own", lambda: 1)
        self.refused("options are given by name", "main")
        with self.assertRaisesRegex(TaskOptionError, 'task "x": what it decorates is None'):
            task(name="x")(None)
        with self.assertRaisesRegex(TaskOptionError, "is a method"):
            exec("class A:\n  @task\n  def f(self): pass", {"task": task})

    def test_what_can(self):
        import functools

        def outer():
            return 5

        self.assertEqual(task(outer)()["result"], 5)
        self.assertEqual(task(name="l")(lambda: 6)()["result"], 6)
        self.assertEqual(task(name="p")(functools.partial(pow, 2))(3)["result"], 8)
        self.assertEqual(task(functools.lru_cache(outer))()["result"], 5)


if __name__ == "__main__":
    unittest.main()
