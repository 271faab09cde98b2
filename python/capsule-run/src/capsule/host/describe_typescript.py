"""Tools as declarations in TypeScript."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .read_schema import Field, SchemaReader, Type, TypeNames, description, literal, trailing
from .tools import Tool

_HEADER = '// import { tools } from "@capsule-run/sdk";'
_FILE_HEADER = '// Made of the tools of a host program, for programs that import { tools } from "@capsule-run/sdk".'
# Characters of an object on one line.
_MOST_INLINE = 80


# What no parameter can be called in a declaration.
_RESERVED = frozenset(
    (
        "arguments await break case catch class const continue debugger default delete do else enum eval export extends false "
        "finally for function if implements import in instanceof interface let new null package private protected public return "
        "static super switch this throw true try typeof var void while with yield"
    ).split()
)


def describe_in_typescript(tools: Sequence[Tool[..., Any]]) -> str:
    """For who reads it: the object that a program imports."""
    types, members = _declarations(tools)
    return "\n".join([_HEADER, *types, f"declare const tools: {members};", ""])


def declare_in_typescript(tools: Sequence[Tool[..., Any]]) -> str:
    """For the compiler: a file whose types the SDK's own `tools` gets. An interface of the file's own is between them, because
    in the module's block names would mean the SDK's types first.
    """
    types, members = _declarations(tools)
    module = 'declare module "@capsule-run/sdk" {\n  interface ProgramTools extends HostTools {}\n}'
    return "\n".join([_FILE_HEADER, *types, f"interface HostTools {members}", module, "export {};", ""])


def _declarations(tools: Sequence[Tool[..., Any]]) -> tuple[list[str], str]:
    """Types with names, and an object type of all tools."""
    names = TypeNames(("HostTools", "Promise", "Record"))
    types: list[str] = []
    methods = [_method(tool, names, types) for tool in tools]
    return types, "{\n" + "\n".join(methods) + "\n}" if methods else "{}"


def _method(tool: Tool[..., Any], names: TypeNames, aliases: list[str]) -> str:
    given = _Writer(tool.input, tool.name, names, aliases)
    output = _Writer(tool.output, tool.name, names, aliases)
    parameters, notes = _parameters(tool, given)
    result = output.write(output.reader.root(), 1)
    lines = [*description(tool.description), *notes]
    return f"{_comment(lines, 1)}  {_key(tool.name)}({parameters}): Promise<{result}>;"


def _parameters(tool: Tool[..., Any], given: _Writer) -> tuple[str, list[str]]:
    """The parameters of a method, and what is said of them."""
    fields = given.reader.fields()
    if tool.parameters is None:
        optional = tool.input is None or (fields is not None and not any(each.required for each in fields))
        return f"input{'?' if optional else ''}: {given.write(given.reader.root(), 1)}", []
    by_name = {each.name: each for each in fields or []}
    known = [by_name.get(name) for name in tool.parameters]
    written = _parameter_names(tool.parameters)
    optionals = trailing([each is not None and not each.required for each in known])
    parts = []
    for name, each, optional in zip(written, known, optionals):
        type = "unknown" if each is None else given.write(each.type, 1)
        parts.append(f"{name}{'?' if optional else ''}: {type}")
    notes = [f"@param {name} {each.note}" for name, each in zip(written, known) if each is not None and each.note]
    return ", ".join(parts), notes


def _parameter_names(names: Sequence[str]) -> list[str]:
    """Names of positional parameters as TypeScript may have them: in a declaration they say something to readers only."""
    written = []
    for name in names:
        free = name
        while free in _RESERVED or (free != name and free in names):
            free += "_"
        written.append(free)
    return written


class _Writer:
    """Writes the types of one schema. What it refers to becomes types with names, above the tools."""

    def __init__(self, schema: Any, tool: str, names: TypeNames, aliases: list[str]):
        self.reader = SchemaReader(schema)
        self._tool = tool
        self._names = names
        self._aliases = aliases
        self._written: dict[int, str] = {}

    def write(self, type: Type, depth: int) -> str:
        """`depth`: of the line it begins on."""
        kind = type.kind
        if kind == "scalar":
            return "number" if type.name == "integer" else type.name
        if kind == "literals":
            return " | ".join(literal(value) for value in type.values)
        if kind == "list":
            return f"{_grouped(self.write(type.of[0], depth), type.of[0])}[]"
        if kind == "tuple":
            items = [self.write(each, depth) for each in type.of]
            if type.rest is not None:
                items.append(f"...{_grouped(self.write(type.rest, depth), type.rest)}[]")
            return f"[{', '.join(items)}]"
        if kind == "record":
            return f"Record<string, {self.write(type.of[0], depth)}>"
        if kind == "object":
            return self._object(type.fields, type.open, depth)
        if kind == "union":
            return " | ".join(dict.fromkeys(self.write(each, depth) for each in type.of))
        if kind == "definition":
            return self._definition(type.index)
        return kind

    def _object(self, fields: list[Field], open: bool, depth: int) -> str:
        members = [
            (f"{_key(each.name)}{'' if each.required else '?'}: {self.write(each.type, depth + 1)}", each.note)
            for each in fields
        ]
        if open:
            members.append(("[key: string]: unknown", ""))
        inline = "{ " + "; ".join(text for text, _ in members) + " }"
        if len(inline) <= _MOST_INLINE and all(not note and "\n" not in text for text, note in members):
            return inline
        indent = "  " * (depth + 1)
        lines = [f"{_comment([note] if note else [], depth + 1)}{indent}{text};" for text, note in members]
        return "{\n" + "\n".join(lines) + "\n" + "  " * depth + "}"

    def _definition(self, index: int) -> str:
        known = self._written.get(index)
        if known is not None:
            return known
        definition = self.reader.definitions[index]
        name = self._written[index] = self._names.make(self._tool, definition.name)
        at = len(self._aliases)
        self._aliases.append("")
        self._aliases[at] = f"type {name} = {self.write(definition.type, 0)};"
        return name


def _grouped(text: str, type: Type) -> str:
    return f"({text})" if type.kind in ("union", "literals") and " | " in text else text


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else literal(name)


def _comment(lines: list[str], depth: int) -> str:
    """A doc comment that nothing in it can end."""
    indent = "  " * depth
    safe = [line.replace("*/", "*\\/") for line in lines]
    if not safe:
        return ""
    if len(safe) == 1:
        return f"{indent}/** {safe[0]} */\n"
    body = [f"{indent} * {line}".rstrip() for line in safe]
    return "\n".join([f"{indent}/**", *body, f"{indent} */"]) + "\n"
