"""A JSON Schema as a type that languages can write down. What types can't say, such as a minimum, is left out."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_SCALARS = ("string", "number", "integer", "boolean", "null")
# More values than this are no list to read.
_MOST_LITERALS = 100
_MOST_DEFAULT = 60
# References to references, and parts of parts.
_MOST_DEPTH = 20


@dataclass
class Field:
    name: str
    type: Type
    required: bool
    # What is said of it, its default included; empty: nothing.
    note: str


@dataclass
class Type:
    """`kind`: `unknown`, `never`, `scalar` (of `name`), `literals`, `list` (of `of[0]`), `tuple` (of `of`, then `rest`),
    `record` (of `of[0]`), `object`, `union`, or `definition`, by its index.
    """

    kind: str
    name: str = ""
    values: list[Any] = field(default_factory=list)
    of: list[Type] = field(default_factory=list)
    rest: Type | None = None
    fields: list[Field] = field(default_factory=list)
    open: bool = False
    index: int = 0


@dataclass
class Definition:
    """What a schema refers to; its name is the last part of the reference."""

    name: str
    type: Type


_UNKNOWN = Type("unknown")


class SchemaReader:
    """Reads one schema with all that it refers to."""

    def __init__(self, root: Any):
        self._root = root
        # In the order in which they were first referred to.
        self.definitions: list[Definition] = []
        self._known: dict[str, int] = {}

    def root(self) -> Type:
        return self._type(self._root)

    def fields(self) -> list[Field] | None:
        """The fields of a schema that is an object, whatever it refers to for that; `None`: it is something else."""
        schema = self._merged(self._root, 0)
        if schema is None or not _is_object(schema) or not isinstance(schema.get("properties"), dict):
            return None
        return self._fields(schema)

    def _type(self, value: Any) -> Type:
        if value is False:
            return Type("never")
        if not isinstance(value, dict):
            return _UNKNOWN
        if isinstance(value.get("$ref"), str):
            return self._reference(value["$ref"])
        if "const" in value:
            return _literals([value["const"]])
        if isinstance(value.get("enum"), list) and len(value["enum"]) <= _MOST_LITERALS:
            return _literals(value["enum"])
        for choices in (value.get("anyOf"), value.get("oneOf")):
            if isinstance(choices, list):
                return _union([self._type(choice) for choice in choices])
        if isinstance(value.get("allOf"), list):
            merged = self._merged(value, 0)
            return _UNKNOWN if merged is None else self._type(merged)
        kind = value.get("type")
        if isinstance(kind, list):
            return _union([self._typed(each, value) for each in kind])
        return self._typed(_implied(value) if kind is None else kind, value)

    def _typed(self, kind: Any, schema: dict[str, Any]) -> Type:
        if kind in _SCALARS:
            return Type("scalar", name=kind)
        if kind == "array":
            return self._array(schema)
        if kind != "object":
            return _UNKNOWN
        properties, more = schema.get("properties"), schema.get("additionalProperties", True)
        if isinstance(properties, dict) and properties:
            return Type("object", fields=self._fields(schema), open=isinstance(more, dict))
        if isinstance(schema.get("patternProperties"), dict):
            return Type("record", of=[_UNKNOWN])
        return Type("record", of=[self._type(True if more is None else more)])

    def _array(self, schema: dict[str, Any]) -> Type:
        items = schema.get("items")
        first = schema.get("prefixItems")
        if first is None and isinstance(items, list):
            first = items
        if not isinstance(first, list):
            return Type("list", of=[self._type(True if items is None else items)])
        rest = schema.get("additionalItems") if first is items else items
        return Type(
            "tuple",
            of=[self._type(item) for item in first],
            rest=self._type(rest) if isinstance(rest, dict) else None,
        )

    def _fields(self, schema: dict[str, Any]) -> list[Field]:
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        return [
            Field(name, self._type(each), name in needed, _note(each)) for name, each in schema["properties"].items()
        ]

    def _reference(self, reference: str) -> Type:
        known = self._known.get(reference)
        if known is not None:
            return Type("definition", index=known)
        found, target = self._resolve(reference)
        if not found:
            return _UNKNOWN
        index = len(self.definitions)
        definition = Definition(reference.split("/")[-1], _UNKNOWN)
        self.definitions.append(definition)
        self._known[reference] = index
        definition.type = self._type(target)
        return Type("definition", index=index)

    def _resolve(self, reference: str) -> tuple[bool, Any]:
        """Whether a reference within the schema leads to something, and to what."""
        if not reference.startswith("#"):
            return False, None
        found = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                return False, None
        return True, found

    def _merged(self, value: Any, depth: int) -> dict[str, Any] | None:
        """A schema without `$ref` and `allOf` at its top, where all parts are objects or there is one; `None` elsewhere."""
        if not isinstance(value, dict) or depth > _MOST_DEPTH:
            return None
        if isinstance(value.get("$ref"), str):
            return self._merged(self._resolve(value["$ref"])[1], depth + 1)
        if not isinstance(value.get("allOf"), list):
            return value
        parts = [self._merged(part, depth + 1) for part in value["allOf"]]
        own = {name: each for name, each in value.items() if name != "allOf"}
        if _is_object(own):
            parts.append(own)
        if len(parts) == 1 and parts[0] is not None:
            return parts[0]
        known = [part for part in parts if part is not None and _is_object(part)]
        if len(known) != len(parts):
            return None
        properties: dict[str, Any] = {}
        required: list[Any] = []
        for part in known:
            properties.update(part.get("properties") or {})
            needed = part.get("required")
            required.extend(needed if isinstance(needed, list) else [])
        return {"type": "object", "properties": properties, "required": required}


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return (_implied(schema) if kind is None else kind) == "object"


def _implied(schema: dict[str, Any]) -> str | None:
    """The type of a schema that does not say it."""
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else None


def _literals(values: list[Any]) -> Type:
    if not values or not all(value is None or isinstance(value, (str, int, float)) for value in values):
        return _UNKNOWN
    # True is no 1.
    different = {(isinstance(value, bool), value): value for value in values}
    return Type("literals", values=list(different.values()))


def _union(of: list[Type]) -> Type:
    return of[0] if len(of) == 1 else Type("union", of=of)


def literal(value: Any) -> str:
    """A value as JavaScript's `JSON.stringify` writes it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _note(schema: Any) -> str:
    """What a schema says of itself, on one line."""
    if not isinstance(schema, dict):
        return ""
    text = schema.get("description")
    said = _one_line(text) if isinstance(text, str) else ""
    if "default" not in schema:
        return said
    otherwise = schema["default"]
    if otherwise is not None and not isinstance(otherwise, (str, int, float)):
        return said
    value = literal(otherwise)
    if len(value) > _MOST_DEFAULT:
        return said
    return f"{said}{' ' if said else ''}Default: {value}."


def lines_of(text: str) -> list[str]:
    """Lines of a text, without what would end a line or is no character to be seen."""
    lines = re.split("\r\n|[\n\r\u2028\u2029]", text)
    return [_trim_end("".join(" " if unicodedata.category(c) == "Cc" else c for c in line)) for line in lines]


# What JavaScript takes for white space.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def _trim_end(text: str) -> str:
    return text.rstrip(_SPACE)


def _one_line(text: str) -> str:
    lines = (line.strip(_SPACE) for line in lines_of(text))
    return " ".join(line for line in lines if line)


def description(text: str | None) -> list[str]:
    """A description without empty lines at its ends; empty: there is none."""
    lines = lines_of(text or "")
    while lines and not lines[0].strip(_SPACE):
        lines.pop(0)
    while lines and not lines[-1].strip(_SPACE):
        lines.pop()
    return lines


class TypeNames:
    """Names of types that are made for a description: each once."""

    def __init__(self, taken: Iterable[str]):
        self._taken = set(taken)

    def make(self, *parts: str) -> str:
        """`get_price` and `line-items` give `GetPriceLineItems`; one that is taken gets a number."""
        words = [word for part in parts for word in re.split("[^A-Za-z0-9]+", part) if word]
        joined = "".join(word[0].upper() + word[1:] for word in words)
        wanted = joined if re.match("[A-Za-z]", joined) else f"T{joined}"
        name, count = wanted, 2
        while name in self._taken:
            name, count = f"{wanted}{count}", count + 1
        self._taken.add(name)
        return name


def trailing(optional: Sequence[bool]) -> list[bool]:
    """Which of the positional parameters may be left out: those that only such follow."""
    last = max((at for at, each in enumerate(optional) if not each), default=-1)
    return [each and at > last for at, each in enumerate(optional)]
