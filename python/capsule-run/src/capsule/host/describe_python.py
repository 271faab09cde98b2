"""Tools as a stub in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .read_schema import Field, SchemaReader, Type, TypeNames, description, literal, trailing
from .tools import Tool

_HEADER = """# from capsule import tools
# In async code every call is awaited: await tools.NAME(...)
from typing import Any, Literal, Never, NotRequired, TypedDict
"""
# What a class can't be called, and what the text itself uses.
_TAKEN = ("Any", "False", "Literal", "Never", "None", "NotRequired", "Tools", "True", "TypedDict")
# Written out, so that every Python gives the same text.
_KEYWORDS = frozenset(
    (
        "False None True and as assert async await break class continue def del elif else except finally for from global if "
        "import in is lambda nonlocal not or pass raise return try while with yield"
    ).split()
)
_SCALARS = {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "null": "None"}
_LARGEST = 2**53 - 1


def _is_name(name: str) -> bool:
    return re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in _KEYWORDS


def _is_parameter(name: str) -> bool:
    """`self` has its place already, and names with two underscores first are a class's own."""
    return _is_name(name) and name != "self" and not name.startswith("__")


def describe_in_python(tools: Sequence[Tool[..., Any]]) -> str:
    names = TypeNames(_TAKEN)
    classes: list[str] = []
    methods = [_method(tool, names, classes) for tool in tools]
    if not any(_is_name(tool.name) for tool in tools):
        # A class needs more in it than comments.
        methods.append("    ...")
    body = "class Tools:\n" + "\n".join(methods)
    return "\n".join([_HEADER, *(f"{text}\n" for text in classes), body, "", "tools: Tools", ""])


def _method(tool: Tool[..., Any], names: TypeNames, classes: list[str]) -> str:
    taken = _Writer(tool.input, tool.name, names, classes)
    output = _Writer(tool.output, tool.name, names, classes)
    given, notes = _parameters(tool, taken)
    result = output.write(output.reader.root(), ["Result"])
    said = description(tool.description)
    if notes:
        said += [*([""] if said else []), "Args:", *(f"    {note}" for note in notes)]
    if not _is_name(tool.name):
        # What has no name in Python is called otherwise.
        call = f"getattr(tools, {literal(tool.name)})({', '.join(given)}) -> {result}"
        return "\n".join(f"    # {line}".rstrip() for line in [call, *(f"    {line}" for line in said)])
    head = f"    def {tool.name}({', '.join(['self', *given])}) -> {result}:"
    return f"{head}\n{_docstring(said)}" if said else f"{head} ..."


def _parameters(tool: Tool[..., Any], taken: _Writer) -> tuple[list[str], list[str]]:
    """The parameters of a method behind `self`, and what is said of them."""
    names = tool.parameters
    fields = taken.reader.fields()
    if fields is None and names is None:
        if tool.input is None:
            return ["input: Any = ...", "**kwargs: Any"], []
        return [_parameter("input", taken.write(taken.reader.root(), ["Input"]), False)], []
    positional = names or []
    named = [each for each in fields or [] if each.name not in positional]
    if not all(map(_is_parameter, [*positional, *(each.name for each in named)])):
        if names is None:
            return [_parameter("input", taken.write(taken.reader.root(), ["Input"]), False)], []
        return ["*args: Any", "**kwargs: Any"], []
    by_name = {each.name: each for each in fields or []}
    known = [by_name.get(name) for name in positional]
    optionals = trailing([each is not None and not each.required for each in known])

    def typed(each: Field) -> str:
        return taken.write(each.type, ["Input", each.name])

    given = [
        _parameter(name, "Any" if each is None else typed(each), optional)
        for name, each, optional in zip(positional, known, optionals)
    ]
    if named:
        given += ["*", *(_parameter(each.name, typed(each), not each.required) for each in named)]
    everything = [*(each for each in known if each is not None), *named]
    return given, [f"{each.name}: {each.note}" for each in everything if each.note]


def _parameter(name: str, type: str, optional: bool) -> str:
    return f"{name}: {type}{' = ...' if optional else ''}"


class _Writer:
    """Writes the types of one schema. Objects become classes, above the tools."""

    def __init__(self, schema: Any, tool: str, names: TypeNames, classes: list[str]):
        self.reader = SchemaReader(schema)
        self._tool = tool
        self._names = names
        self._classes = classes
        self._written: dict[int, str] = {}

    def write(self, type: Type, path: list[str]) -> str:
        """`path`: the words that a class made for it is called by, behind the tool's name."""
        kind = type.kind
        if kind == "scalar":
            return _SCALARS[type.name]
        if kind == "literals":
            return _literals(type.values)
        if kind == "list":
            return f"list[{self.write(type.of[0], path)}]"
        if kind == "tuple":
            items = [*type.of, *([type.rest] if type.rest is not None else [])]
            return f"list[{self._union(items, path) if items else 'Any'}]"
        if kind == "record":
            return f"dict[str, {self.write(type.of[0], path)}]"
        if kind == "object":
            name = self._names.make(self._tool, *path)
            self._class(name, type.fields, path)
            return name
        if kind == "union":
            return self._union(type.of, path)
        if kind == "definition":
            return self._definition(type.index)
        return "Never" if kind == "never" else "Any"

    def _union(self, of: list[Type], path: list[str]) -> str:
        return " | ".join(dict.fromkeys(self.write(each, path) for each in of))

    def _class(self, name: str, fields: list[Field], path: list[str]) -> None:
        """Takes its place before the classes of its fields."""
        at = len(self._classes)
        self._classes.append("")
        members = []
        for each in fields:
            written = self.write(each.type, [*path, each.name])
            members.append((each, written if each.required else f"NotRequired[{written}]"))
        if not all(_is_name(each.name) and not each.name.startswith("__") for each, _ in members):
            items = ", ".join(f"{literal(each.name)}: {text}" for each, text in members)
            self._classes[at] = f"{name} = TypedDict({literal(name)}, {{{items}}})"
            return
        lines = [(f"    # {each.note}\n" if each.note else "") + f"    {each.name}: {text}" for each, text in members]
        self._classes[at] = f"class {name}(TypedDict):\n" + "\n".join(lines)

    def _definition(self, index: int) -> str:
        known = self._written.get(index)
        if known is not None:
            return known
        definition = self.reader.definitions[index]
        name = self._written[index] = self._names.make(self._tool, definition.name)
        if definition.type.kind == "object":
            self._class(name, definition.type.fields, [definition.name])
        else:
            at = len(self._classes)
            self._classes.append("")
            self._classes[at] = f"type {name} = {self.write(definition.type, [definition.name])}"
        return name


def _is_integer(value: Any) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _literals(values: list[Any]) -> str:
    """Numbers that are no integers can't be told apart in a type."""
    shown = [value for value in values if value is not None and (not _is_number(value) or _is_integer(value))]
    text = [str(value) if isinstance(value, bool) else literal(value) for value in shown]
    parts = [f"Literal[{', '.join(text)}]"] if text else []
    if any(_is_number(value) and not _is_integer(value) for value in values):
        parts.append("float")
    if None in values:
        parts.append("None")
    return " | ".join(parts)


def _docstring(lines: list[str]) -> str:
    """A docstring that nothing in it can end."""
    indent = " " * 8
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if len(lines) == 1:
        text = re.sub('"$', '\\\\"', text)
    first, *rest = text.split("\n")
    body = "\n".join([first, *(f"{indent}{line}" if line else line for line in rest)])
    end = "" if len(lines) == 1 else f"\n{indent}"
    return f'{indent}"""{body}{end}"""'
