import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import unittest
import uuid

from capsule.values import NotJson, arguments_json, from_json, result_json, to_json

MOST = 1_000_000


def nested(levels):
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"v": value}
    return value


class Plain(unittest.TestCase):
    def test_what_json_holds(self):
        cases = [
            (None, "null"),
            (True, "true"),
            ((1, (2.5,), "ü"), '[1,[2.5],"ü"]'),
            ({"a": {"b": []}}, '{"a":{"b":[]}}'),
            (collections.OrderedDict(a=1), '{"a":1}'),
            (collections.namedtuple("P", "x y")(1, 2), "[1,2]"),
            (enum.IntEnum("E", "A").A, "1"),
            (2**100, "1267650600228229401496703205376"),
            ({"1": 2, "true": 1, "-1.5e3": 2}, '{"1":2,"true":1,"-1.5e3":2}'),
            ('"1":2', '"\\"1\\":2"'),
            ("\ud800", '"\\ud800"'),
            (1e22, "1e+22"),
            (-0.0, "-0.0"),
        ]
        for value, text in cases:
            self.assertEqual(to_json(value, MOST).decode(), text)

    def test_depth(self):
        text = to_json(nested(1000), MOST).decode()
        self.assertEqual(text.count("["), 500)
        with self.assertRaisesRegex(NotJson, "^a value nested deeper than 1000 levels at "):
            to_json(nested(1001), MOST)
        with self.assertRaisesRegex(NotJson, "deeper"):
            to_json(nested(100_000), MOST)

    def test_long_integers(self):
        for value in (10**4400, -(10**99_999)):
            self.assertEqual(from_json(to_json([value], MOST).decode()), [value])
        with self.assertRaisesRegex(NotJson, r"^an integer of more than 100000 digits at \$\.a; .*hex\(value\)"):
            to_json({"a": 10**100_000}, MOST)
        with self.assertRaises(json.JSONDecodeError):
            from_json("[1,")

    def test_size(self):
        self.assertEqual(len(to_json("x" * 98, 100)), 100)
        with self.assertRaisesRegex(NotJson, "^101 bytes of JSON, more than the 100 that are allowed"):
            to_json("x" * 99, 100)
        with self.assertRaisesRegex(NotJson, "^102 bytes"):
            to_json("ü" * 50, 100)


@dataclasses.dataclass
class Point:
    x: int


class Refused(unittest.TestCase):
    def problem(self, value):
        with self.assertRaises(NotJson) as caught:
            to_json(value, MOST)
        return caught.exception.problem

    def test_what_to_do(self):
        now = datetime.datetime(2020, 1, 1)
        cases = [
            (b"x", "bytes at $; JSON has no such value: use base64.b64encode(value).decode()"),
            ({"a": [1, {2}]}, "a set at $.a[1]; JSON has no such value: use sorted(value) or list(value) instead"),
            (now, "a datetime at $; JSON has no such value: use value.isoformat() instead"),
            ([now.date()], "a date at $[0]; JSON has no such value: use value.isoformat()"),
            (now - now, "a timedelta at $; JSON has no such value: use value.total_seconds()"),
            (decimal.Decimal(1), "a Decimal at $; JSON has no such value: use str(value) or float(value)"),
            (uuid.UUID(int=0), "a UUID at $; JSON has no such value: use str(value)"),
            (pathlib.Path("a"), "a path at $; JSON has no such value: use str(value)"),
            (enum.Enum("E", "A").A, "a member of an enum at $; JSON has no such value: use value.value"),
            (1j, "a complex number at $; JSON has no such value: use [value.real, value.imag]"),
            (collections.deque(), "a deque at $; JSON has no such value: use list(value)"),
            (iter([]), "a value of type list_iterator at $; JSON has no such value: use list(value)"),
            (ValueError("x"), "an exception at $; JSON has no such value: use str(value)"),
            (len, "a value of type builtin_function_or_method at $"),
            (object(), "a value of type object at $; JSON has no such value: use a dict of what is needed of it"),
            (float("nan"), "NaN at $; JSON has no NaN: use None or a string instead"),
            ({"a b": [float("-inf")]}, '-Infinity at $["a b"][0]; JSON has no -Infinity'),
            ({1: 2}, "the key 1 (int) at $; JSON has only strings as keys: use str(key) instead"),
            ([{None: 2}], "the key None (NoneType) at $[0]"),
            ({True: 2}, "the key True (bool) at $"),
            ({"a": {(1, 2): 3}}, "the key (1, 2) (tuple) at $.a"),
        ]
        for value, problem in cases:
            self.assertTrue(self.problem(value).startswith(problem), self.problem(value))
        self.assertRegex(self.problem([Point(1)]), r"Point at \$\[0\]; .* use dataclasses.asdict\(value\) instead$")

    def test_cycles(self):
        cyclic = {"a": []}
        cyclic["a"].append(cyclic)
        self.assertRegex(self.problem([cyclic]), r"^a cycle at \$\[0\]\.a\[0\], which is \$\[0\] again; ")
        shared = [1]
        self.assertEqual(to_json([shared, shared], MOST), b"[[1],[1]]")

    def test_long_paths(self):
        value = object()
        for _ in range(300):
            value = {"some_name": value}
        self.assertIn("…", self.problem(value))
        self.assertLess(len(self.problem(value)), 400)

    def test_own_code_raises(self):
        class Own(dict):
            def items(self):
                raise KeyError("mine")

        with self.assertRaises(KeyError):
            to_json(Own(a=1), MOST)


class Calls(unittest.TestCase):
    def test_arguments(self):
        self.assertEqual(arguments_json("t", (1, (2,)), {}), b"[1,[2]]")
        self.assertEqual(arguments_json("t", (1,), {"b": 2}), b'{"args":[1],"kwargs":{"b":2}}')
        with self.assertRaises(NotJson) as caught:
            arguments_json("t", (1, {"x": [float("nan")]}), {})
        self.assertEqual(
            caught.exception.problem,
            'task "t": argument 2 has NaN at $.x[0]; JSON has no NaN: use None or a string instead',
        )
        with self.assertRaisesRegex(NotJson, '^task "t": argument "when" has a date at '):
            arguments_json("t", (), {"when": datetime.date.today()})

    def test_results(self):
        self.assertEqual(result_json("t", None), b"null")
        with self.assertRaisesRegex(NotJson, r'^task "t" returned a set at \$; '):
            result_json("t", set())


if __name__ == "__main__":
    unittest.main()
