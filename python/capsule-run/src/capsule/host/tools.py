"""Functions of this process that a run's tasks may call."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, Literal, ParamSpec, TypedDict, TypeVar, Union, cast, overload

from ..options import parse_timeout
from ..show import show
from .errors import UsageError
from .schema import (
    NoSchema,
    Schema,
    converter,
    hints_of,
    object_schema,
    parameter_schema,
    plain,
    schema_of,
    with_definitions,
)
from .threads import Threads

_P = ParamSpec("_P")
_R = TypeVar("_R")

_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}", re.ASCII)
_MOST_TOOLS = 1000


@dataclasses.dataclass(frozen=True)
class ToolCall:
    """A call of a tool. What it says is the program's word; its values are copies.

    A function with a parameter of this type gets the call there; programs don't see that parameter.
    """

    tool: str
    # Arguments by position and by name, as the program gave them; they fit the tool's schema.
    args: list[Any]
    kwargs: dict[str, Any]
    # The task that calls, and the call's path: `0.3` is the third call that `main` made.
    task: str
    path: str


class GateDecision(TypedDict, total=False):
    """What a gate decides. `allow` may put `args`, `kwargs` or both in place of all that the program gave; `deny` may give a `reason`,
    which the program is told.
    """

    decision: Literal["allow", "deny"]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    reason: str


Gate = Callable[[ToolCall], Union[GateDecision, Awaitable[GateDecision]]]


class Tool(Generic[_P, _R]):
    """A function as programs see it. Called here, it is the function itself.

    `input`: the JSON Schema of its arguments as an object. `parameters`: the names of those that may be given by position;
    `None`: it takes one value, which `input` describes. `output`: the JSON Schema of its result, or `None`.
    """

    def __init__(
        self,
        fn: Callable[_P, _R],
        *,
        name: str | None = None,
        description: str | None = None,
        input: Any = None,
        output: Any = None,
        timeout: str | int | None = None,
    ):
        self.fn = fn
        self.name = str(getattr(fn, "__name__", "")) if name is None else name
        if not isinstance(self.name, str) or not _is_name(self.name):
            raise UsageError(
                "tool",
                f"a tool can't be called {show(self.name)}; allowed: 1 to 64 letters, digits, underscores and dashes, a "
                "letter or underscore first, and nothing that languages call themselves, such as then or __len__",
            )
        self.description = inspect.getdoc(fn) if description is None else description
        if self.description is not None and not isinstance(self.description, str):
            raise self._wrong(f"description is {show(description)}; allowed: a text")
        limit = parse_timeout(timeout) if timeout is not None else None
        if timeout is not None and limit is None:
            raise self._wrong(f'timeout is {show(timeout)}; allowed: a time such as "30s", or milliseconds')
        self.timeout_ms = limit
        self.parameters: list[str] | None = None
        self.input: Schema | None
        try:
            self._bind = _Signature(cast("Callable[..., Any]", fn))
            if input is None:
                self.input = with_definitions(self._bind.schema())
                self.parameters = self._bind.names
                self._convert = None
            else:
                self._bind.check_single()
                self.input = dict(input) if isinstance(input, Mapping) else with_definitions(schema_of(input))
                self._convert = None if isinstance(input, Mapping) else converter(input)
            self.output = self._output(output)
        except NoSchema as error:
            raise self._wrong(error.problem) from None
        functools.update_wrapper(cast(Any, self), fn)

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return self.fn(*args, **kwargs)

    def _wrong(self, text: str) -> UsageError:
        return UsageError("tool", f"the tool {self.name}: {text}")

    def _output(self, given: Any) -> Schema | None:
        if isinstance(given, Mapping):
            return dict(given)
        if given is not None:
            return with_definitions(schema_of(given))
        if self._bind.result is inspect.Parameter.empty:
            return None
        try:
            return with_definitions(schema_of(self._bind.result)) or None
        except NoSchema:
            # A hint for readers only: what the function gives is looked at when it is there.
            return None

    def wire(self) -> dict[str, Any]:
        """As the worker is told of it."""
        told: dict[str, Any] = {"name": self.name}
        if self.description:
            told["description"] = self.description
        if self.parameters is not None:
            told["parameters"] = self.parameters
        if self.input is not None:
            told["input"] = self.input
        if self.output is not None:
            told["output"] = self.output
        return told

    async def perform(self, call: ToolCall, threads: Threads) -> Any:
        """Calls the function with what a program gave, in a thread of its own if it is not async."""
        if self.parameters is None:
            value = call.args[0] if call.args else dict(call.kwargs)
            args: list[Any] = [value if self._convert is None else self._convert(value)]
            kwargs: dict[str, Any] = {}
            self._bind.add_call(kwargs, call)
        else:
            args, kwargs = self._bind.arguments(call)
        fn: Any = self.fn
        if inspect.iscoroutinefunction(fn):
            result: Any = await fn(*args, **kwargs)
        else:
            result = await threads.run(functools.partial(fn, *args, **kwargs))
            if inspect.isawaitable(result):
                result = await result
        return plain(result)


class _Signature:
    """A function's parameters: their schema, and how a call's arguments become the function's."""

    def __init__(self, fn: Callable[..., Any]):
        """Raises `NoSchema`."""
        if not callable(fn) or isinstance(fn, type):
            raise NoSchema(f"it is {show(fn)}; allowed: a function, def or async def")
        if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
            raise NoSchema("it is a generator function, but a call gives one result: return a list of the values")
        try:
            signature = inspect.signature(fn)
        except (TypeError, ValueError):
            raise NoSchema("Python does not say what it takes; wrap it in a function that does") from None
        hints = hints_of(fn) if hasattr(fn, "__annotations__") else {}
        self.result = hints.get("return", signature.return_annotation)
        self._parameters: dict[str, inspect.Parameter] = {}
        self._more = False
        self._rest: str | None = None
        # The parameter that gets the call itself.
        self._call: str | None = None
        self._hints: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                self._rest = name
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                self._more = True
            elif hints.get(name) is ToolCall:
                self._call = name
            else:
                self._parameters[name] = parameter
                self._hints[name] = hints.get(name, Any)
        self._converters = {
            name: made for name, hint in self._hints.items() if (made := _converter_or_none(hint)) is not None
        }

    @property
    def names(self) -> list[str]:
        return [n for n, p in self._parameters.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY]

    def schema(self) -> Schema:
        if self._rest is not None:
            raise NoSchema(f"*{self._rest} takes any number of arguments; take a list instead")
        properties: Schema = {}
        required = []
        for name, parameter in self._parameters.items():
            has_default = parameter.default is not inspect.Parameter.empty
            try:
                properties[name] = parameter_schema(self._hints[name], parameter.default, has_default)
            except NoSchema as error:
                raise NoSchema(f"its parameter {name} is {error.problem}") from None
            if not has_default:
                required.append(name)
        return object_schema(properties, required, more=self._more)

    def check_single(self) -> None:
        needed = [n for n, p in self._parameters.items() if p.default is inspect.Parameter.empty]
        if len(needed) > 1 or not (self.names or self._rest):
            raise NoSchema("with an input schema it takes one argument, the input")

    def arguments(self, call: ToolCall) -> tuple[list[Any], dict[str, Any]]:
        """They fit the schema, which the worker has seen to."""
        named = {**dict(zip(self.names, call.args)), **call.kwargs}
        for name, convert in self._converters.items():
            if name in named:
                named[name] = convert(named[name])
        args = []
        for name, parameter in self._parameters.items():
            if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY or name not in named:
                break
            args.append(named.pop(name))
        self.add_call(named, call)
        return args, named

    def add_call(self, kwargs: dict[str, Any], call: ToolCall) -> None:
        if self._call is not None:
            kwargs[self._call] = call


def _converter_or_none(hint: Any) -> Callable[[Any], Any] | None:
    try:
        return converter(hint)
    except NoSchema:
        # The same is found when its schema is made.
        return None


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != "then" and not (name.startswith("__") and name.endswith("__"))


@overload
def tool(fn: Callable[_P, _R], /) -> Tool[_P, _R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    input: Any = None,
    output: Any = None,
    timeout: str | int | None = None,
) -> Callable[[Callable[_P, _R]], Tool[_P, _R]]: ...


def tool(fn: Any = None, /, **options: Any) -> Any:
    """Makes a function a tool: `@tool`, or `@tool(description="…", timeout="10s")`. A plain function is one, too.

    ```python
    @tool(timeout="10s")
    async def price(item: str, currency: Literal["EUR", "USD"] = "EUR") -> float:
        "What an item costs."
    ```

    Its hints say what programs may give; its docstring is the description. `name`: what programs call it (default: the
    function's). `input`: a JSON Schema, or a type such as a dataclass, a TypedDict or a model of pydantic's, of one value
    that the function then takes. `output`: the same of its result (default: its return hint). `timeout`: "10s", or
    milliseconds (default: the task's).

    What the function raises reaches the program as its class and no more; a `ToolError` does with its message.

    Raises `UsageError` `tool` for hints that JSON Schema has no words for.
    """
    if fn is not None:
        return Tool(fn)
    return lambda function: Tool(function, **options)


# A list of functions, or functions by the names that programs call them by.
Tools = Union[Sequence[Union[Callable[..., Any], Tool[..., Any]]], Mapping[str, Callable[..., Any]]]


def collect_tools(tools: Tools) -> dict[str, Tool[..., Any]]:
    """Tools by name. Raises `UsageError` `tool`."""
    if isinstance(tools, Mapping):
        named = [_as_tool(each, name) for name, each in tools.items()]
    elif isinstance(tools, Sequence) and not isinstance(tools, str):
        named = [_as_tool(each, None) for each in tools]
    else:
        raise UsageError("tool", f"tools is {show(tools)}; allowed: a list of functions, or a dict of them")
    if len(named) > _MOST_TOOLS:
        raise UsageError("tool", f"{len(named)} tools; allowed: at most {_MOST_TOOLS}")
    collected: dict[str, Tool[..., Any]] = {}
    for each in named:
        if each.name in collected:
            raise UsageError("tool", f"there are two tools {each.name}")
        collected[each.name] = each
    return collected


def _as_tool(given: Any, name: str | None) -> Tool[..., Any]:
    if not isinstance(given, Tool):
        if not callable(given):
            raise UsageError("tool", f"a tool is {show(given)}; allowed: a function, def or async def")
        return Tool(given, name=name)
    if name is None or name == given.name:
        return given
    renamed = Tool(given.fn, name=name)
    renamed.__dict__.update({**given.__dict__, "name": name})
    return renamed
