"""Functions of this process as tools: their schemas, and calls by programs."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import pytest

import capsule
from capsule import ToolCall, ToolError, UsageError, describe_tools, run, run_sync, tool
from capsule.host.describe_python import describe_in_python
from capsule.host.describe_typescript import declare_in_typescript, describe_in_typescript
from capsule.host.schema import converter, schema_of

VECTORS = Path(__file__).parents[4] / "test" / "vectors" / "describe-tools.json"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(TypedDict):
    x: int
    y: float


class Options(TypedDict, total=False):
    deep: bool


@dataclasses.dataclass
class Item:
    name: str
    colour: Colour = Colour.RED
    sizes: tuple[int, ...] = ()


class Model:
    """What looks like a model of pydantic's."""

    def __init__(self, value: int):
        self.value = value

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"value": {"$ref": "#/$defs/Whole"}},
            "required": ["value"],
            "$defs": {"Whole": {"type": "integer"}},
        }

    @classmethod
    def model_validate(cls, value: Any) -> Model:
        return cls(value["value"])

    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return {"value": self.value}


SCHEMAS: list[tuple[Any, Any]] = [
    (str, {"type": "string"}),
    (bool, {"type": "boolean"}),
    (Any, {}),
    (None, {"type": "null"}),
    (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (Union[str, None, str], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    (int | float, {"anyOf": [{"type": "integer"}, {"type": "number"}]}),
    (list, {"type": "array"}),
    (list[list[str]], {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (dict[str, Any], {"type": "object"}),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (
        tuple[int, str],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
            "minItems": 2,
            "maxItems": 2,
        },
    ),
    (Literal["a", 1, None], {"enum": ["a", 1, None]}),
    (Colour, {"enum": ["red", "blue"]}),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
    (
        Point,
        {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
            "required": ["x", "y"],
            "additionalProperties": False,
        },
    ),
    (Options, {"type": "object", "properties": {"deep": {"type": "boolean"}}, "additionalProperties": False}),
    (
        Item,
        {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "colour": {"enum": ["red", "blue"]},
                "sizes": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    ),
]


@pytest.mark.parametrize("hint, schema", SCHEMAS, ids=[str(hint) for hint, _ in SCHEMAS])
def test_hints_as_json_schema(hint: Any, schema: Any) -> None:
    assert schema_of(hint) == schema


def test_values_as_the_hints_say() -> None:
    made: list[tuple[Any, Any, Any]] = [
        (Item, {"name": "a", "colour": "blue", "sizes": [1, 2]}, Item("a", Colour.BLUE, (1, 2))),
        (list[Item], [{"name": "a"}], [Item("a")]),
        (Optional[Item], None, None),
        (Union[int, Item], {"name": "a"}, Item("a")),
        (dict[str, Colour], {"k": "red"}, {"k": Colour.RED}),
        (tuple[int, Colour], [1, "red"], (1, Colour.RED)),
        (float, 3, 3.0),
    ]
    for hint, value, expected in made:
        convert = converter(hint)
        assert convert is not None
        given = convert(value)
        assert given == expected and type(given) is type(expected)
    assert converter(int) is None and converter(list[str]) is None and converter(Optional[str]) is None


def test_a_function_says_what_it_takes() -> None:
    @tool(timeout="2s")
    def price(
        item: Annotated[str, "its name"], /, count: int = 1, *, call: ToolCall, model: Optional[Model] = None
    ) -> Item:
        """What it costs.

        In total.
        """
        return Item(f"{item}{count}")

    assert price.wire() == {
        "name": "price",
        "description": "What it costs.\n\nIn total.",
        "parameters": ["item", "count"],
        "input": {
            "type": "object",
            "properties": {
                "item": {"type": "string", "description": "its name"},
                "count": {"type": "integer", "default": 1},
                "model": {
                    "anyOf": [
                        {
                            "type": "object",
                            "properties": {"value": {"$ref": "#/$defs/Whole"}},
                            "required": ["value"],
                        },
                        {"type": "null"},
                    ]
                },
            },
            "required": ["item"],
            "additionalProperties": False,
            "$defs": {"Whole": {"type": "integer"}},
        },
        "output": schema_of(Item),
    }
    assert price.timeout_ms == 2000
    assert price("x", call=ToolCall("", [], {}, "", "")) == Item("x1")


def test_what_is_no_tool() -> None:
    def rest(*args: int) -> None: ...

    def odd(value: complex) -> None: ...

    def keys(value: dict[int, str]) -> None: ...

    def two(a: int, b: int) -> None: ...

    def generates() -> Any:
        yield 1

    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: tool(rest), "args takes any number"),
        (lambda: tool(odd), "parameter value is complex"),
        (lambda: tool(keys), "keys of type int"),
        (lambda: tool(generates), "generator"),
        (lambda: tool(input={"type": "object"})(two), "takes one argument"),
        (lambda: tool(name="then")(two), 'can\'t be called "then"'),
        (lambda: tool(name="a b")(two), "can't be called"),
        (lambda: tool(timeout="soon")(two), "timeout is"),
        (lambda: tool(lambda a: a), "can't be called"),
        (lambda: run_sync(file="a.js", tools=[two, two]), "two tools two"),
        (lambda: run_sync(file="a.js", tools=[5]), "a tool is 5"),  # type: ignore[list-item]
        (lambda: run_sync(file="a.js", tools="two"), "tools is"),  # type: ignore[arg-type]
        (lambda: describe_tools([two], "ruby"), "the form is"),  # type: ignore[arg-type]
    ]
    for make, words in wrong:
        with pytest.raises(UsageError, match=words) as error:
            make()
        assert error.value.slug == "tool"


class Described:
    def __init__(self, given: dict[str, Any]):
        self.name = given["name"]
        self.description = given.get("description")
        self.parameters = given.get("parameters")
        self.input = given.get("input")
        self.output = given.get("output")


def test_descriptions_are_those_of_typescript() -> None:
    for vector in json.loads(VECTORS.read_text()):
        tools: Any = [Described(each) for each in vector["tools"]]
        assert describe_in_typescript(tools) == vector["typescript"], vector["name"]
        assert describe_in_python(tools) == vector["python"], vector["name"]
        assert declare_in_typescript(tools) == vector["d.ts"], vector["name"]


def test_a_description_for_a_prompt() -> None:
    def search(query: Annotated[str, "what to look for"], limit: int = 10) -> list[str]:
        """Finds documents."""
        return []

    assert "search(query: string, limit?: number): Promise<string[]>;" in describe_tools([search], "typescript")
    text = describe_tools({"find": search}, "python")
    assert "def find(self, query: str, limit: int = ...) -> list[str]:" in text
    assert "interface ProgramTools extends HostTools" in describe_tools([search], "d.ts")
    other: Any = "ruby"
    with pytest.raises(UsageError, match='the form is "ruby"; allowed: "typescript", "python", "d.ts"'):
        describe_tools([search], other)
    assert "query: what to look for" in text and "limit: Default: 10." in text


CALLER = """
import { task, tools, ToolError } from "@capsule-run/sdk";
export const main = task({ name: "main" }, async (calls) => {
  const one = async ([name, ...args]) => {
    try {
      return await tools[name](...args);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      return { type: error.type, message: error.message };
    }
  };
  return await Promise.all(calls.map(one));
});
"""
PYTHON_CALLER = """
import asyncio
from capsule import task, tools, ToolError

@task
async def main(big):
    doubled = await tools.double(big)
    item = await tools.describe(item={"name": "tea", "colour": "blue"})
    both = await asyncio.gather(tools.double(1), tools.double(value=2))
    try:
        await tools.fails()
    except ToolError as error:
        return [doubled, item, both, error.tool, error.type, str(error)]
"""


def called(tools: Any, *calls: Any, **options: Any) -> list[Any]:
    (Path.cwd() / "caller.js").write_text(CALLER)
    answer = run_sync(file="caller.js", args=[list(calls)], tools=tools, **options)
    assert answer["success"], answer["error"]
    result: list[Any] = answer["result"]
    return result


def test_a_program_calls_functions() -> None:
    threads: list[threading.Thread] = []

    def add(a: int, b: int = 10) -> int:
        threads.append(threading.current_thread())
        return a + b

    async def later(text: str) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"text": text}

    @tool(name="which", input=Item)
    def which(item: Item, call: ToolCall) -> list[Any]:
        return [item, call.tool, call.task, call.path.count("."), Colour.BLUE, (1, 2)]

    @tool(input={"type": "object", "properties": {"n": {"type": "number"}}})
    def raw(value: Any) -> Any:
        return value

    results = called(
        [add, later, which, raw], ["add", 1], ["add", 1, 2], ["later", "é"], ["which", {"name": "x"}], ["raw", {"n": 1}]
    )
    assert results == [
        11,
        3,
        {"text": "é"},
        [{"name": "x", "colour": "red", "sizes": []}, "which", "main", 1, "blue", [1, 2]],
        {"n": 1},
    ]
    assert threading.main_thread() not in threads


def test_calls_from_python_are_exact() -> None:
    def double(value: int) -> int:
        return value * 2

    def describe(item: Item) -> str:
        return f"{item.name} {item.colour.name}"

    def fails() -> None:
        raise ToolError("no such item", type="NotFound")

    Path("caller.py").write_text(PYTHON_CALLER)
    big = 10**5000
    answer = run_sync(file="caller.py", args=[big], tools=[double, describe, fails])
    assert answer["success"], answer["error"]
    assert answer["result"] == [big * 2, "tea BLUE", [2, 4], "fails", "NotFound", "no such item"]


def test_what_a_program_hears_of_failures() -> None:
    class Private(Exception):
        pass

    def on_purpose() -> None:
        raise ToolError("no such item", type="NotFound")

    def by_mistake() -> None:
        raise Private("the password is 1234")

    def no_json() -> Any:
        return {1, 2}

    def wrong_result() -> int:
        return "text"  # type: ignore[return-value]

    def typed(count: int) -> int:
        return count

    @tool(timeout=50)
    async def slow() -> None:
        await asyncio.sleep(30)

    tools = [on_purpose, by_mistake, no_json, wrong_result, typed, slow]
    results = called(
        tools, ["on_purpose"], ["by_mistake"], ["no_json"], ["wrong_result"], ["typed", "1"], ["slow"], ["nothing"]
    )
    assert results[0] == {"type": "NotFound", "message": "no such item"}
    assert results[1] == {"type": "Private", "message": "the tool by_mistake failed"}
    assert results[2]["type"] == "InvalidOutput" and "a set" in results[2]["message"]
    assert results[3]["type"] == "InvalidOutput"
    assert results[4]["type"] == "InvalidInput" and "count" in results[4]["message"]
    assert results[5] == {"type": "Timeout", "message": "the tool slow took longer than 50 ms"}
    assert "there is no tool" in results[6]["message"] and "nothing" in results[6]["message"]


def test_a_gate_decides() -> None:
    def pay(amount: int) -> int:
        return amount

    async def gate(call: ToolCall) -> capsule.GateDecision:
        await asyncio.sleep(0)
        amount = call.args[0]
        if amount > 100:
            return {"decision": "deny", "reason": "too much"}
        if amount > 10:
            return {"decision": "allow", "args": [10]}
        if amount < 0:
            raise RuntimeError("undecided")
        return {"decision": "allow"} if amount else {}

    results = called([pay], *(["pay", amount] for amount in (5, 50, 500, 0, -1)), gate=gate)
    denied = {"type": "Denied", "message": "the tool pay was denied"}
    too_much = {"type": "Denied", "message": "the tool pay was denied: too much"}
    assert results == [5, 10, too_much, denied, denied]


def test_many_calls_at_once_do_not_wait_for_each_other() -> None:
    def slow(n: int) -> int:
        time.sleep(0.2)
        return n

    began = time.monotonic()
    assert called([slow], *(["slow", n] for n in range(20))) == list(range(20))
    assert time.monotonic() - began < 3


def test_a_call_is_cancelled_with_its_run() -> None:
    ended = threading.Event()
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def main() -> None:
        Path("caller.js").write_text(CALLER)
        running = asyncio.create_task(run(file="caller.js", args=[[["endless"]]], tools=[endless]))
        await asyncio.wait_for(begun.wait(), 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert ended.wait(5)


def test_what_ends_the_process_ends_the_run() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        called([leave], ["leave"])


def test_tool_calls_are_events() -> None:
    def one() -> int:
        return 1

    events: list[capsule.RunEvent] = []
    called([one], ["one"], on_event=events.append)
    assert [each["type"] for each in events if each["type"].startswith("tool_")] == ["tool_called", "tool_ended"]
    assert {each["tool"] for each in events if each["type"] == "tool_called"} == {"one"}
