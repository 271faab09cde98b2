"""JSON Schema of Python's type hints, and values of JSON as the hints ask for them."""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ..show import show

Schema = dict[str, Any]
Convert = Callable[[Any], Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}
_LISTS = (list, Sequence)
_DICTS = (dict, Mapping)
_DEPTH = 50


class NoSchema(Exception):
    """A hint that JSON Schema has no words for. `problem` says which and why."""

    def __init__(self, problem: str):
        super().__init__(problem)
        self.problem = problem


def is_model(hint: object) -> bool:
    """Whether a hint is a model of pydantic 2, or of what looks like it."""
    return isinstance(hint, type) and hasattr(hint, "model_json_schema") and hasattr(hint, "model_validate")


def schema_of(hint: Any, depth: int = 0) -> Schema:
    """The schema of a hint. Raises `NoSchema`."""
    if depth > _DEPTH:
        raise NoSchema("a type that contains itself; give a JSON Schema instead")
    try:
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
    except TypeError:
        # Not hashable, such as Annotated[str, {}].
        pass
    if hint in _LISTS or hint is tuple:
        return {"type": "array"}
    if hint in _DICTS:
        return {"type": "object"}
    if is_model(hint):
        return dict(hint.model_json_schema())
    if _is_typed_dict(hint):
        return _typed_dict(hint, depth)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint, depth)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _enum([member.value for member in hint])
    supertype = getattr(hint, "__supertype__", None)
    return schema_of(supertype, depth + 1) if supertype is not None else _generic(hint, depth)


def _generic(hint: Any, depth: int) -> Schema:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(args, depth)
    if origin is Literal:
        return _enum(list(args))
    if origin in (Union, types.UnionType):
        return _union([schema_of(each, depth + 1) for each in args])
    if origin in _LISTS:
        return {"type": "array", "items": schema_of(args[0], depth + 1)}
    if origin in _DICTS:
        if args[0] is not str:
            raise NoSchema(f"a dict with keys of type {_name(args[0])}; JSON has only strings as keys")
        values = schema_of(args[1], depth + 1)
        return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
    if origin is tuple:
        return _tuple(args, depth)
    if _is_qualifier(origin):
        return schema_of(args[0], depth + 1)
    raise NoSchema(f"{_name(hint)}; give a JSON Schema instead")


def _tuple(args: tuple[Any, ...], depth: int) -> Schema:
    if len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": schema_of(args[0], depth + 1)}
    items = [schema_of(each, depth + 1) for each in args if each != ()]
    return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items), "maxItems": len(items)}


def _annotated(args: tuple[Any, ...], depth: int) -> Schema:
    """Text beside a type describes it; so does what has a `description`, such as a field of pydantic's."""
    schema = schema_of(args[0], depth + 1)
    for note in args[1:]:
        text = note if isinstance(note, str) else getattr(note, "description", None)
        if isinstance(text, str):
            schema["description"] = text
    return schema


def _enum(values: list[Any]) -> Schema:
    for value in values:
        if value is not None and not isinstance(value, (str, int, float)):
            raise NoSchema(f"{show(value)} among the allowed values; JSON has no such value")
    return {"enum": values}


def _union(schemas: list[Schema]) -> Schema:
    different: list[Schema] = []
    for schema in schemas:
        if schema not in different:
            different.append(schema)
    return different[0] if len(different) == 1 else {"anyOf": different}


def _object(properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _is_typed_dict(hint: Any) -> bool:
    # Those of `typing_extensions` too.
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__required_keys__")


def _is_qualifier(origin: Any) -> bool:
    """Whether it qualifies the field of a TypedDict; before Python 3.11 these come from `typing_extensions`."""
    return str(origin).rpartition(".")[2] in ("Required", "NotRequired", "ReadOnly")


def _typed_dict(hint: Any, depth: int) -> Schema:
    hints = hints_of(hint)
    properties = {name: schema_of(each, depth + 1) for name, each in hints.items()}
    optional = {name for name, each in hints.items() if str(get_origin(each)).endswith("NotRequired")}
    return _object(properties, [name for name in hints if name in hint.__required_keys__ and name not in optional])


def _dataclass(hint: Any, depth: int) -> Schema:
    hints = hints_of(hint)
    properties: Schema = {}
    required: list[str] = []
    for field in dataclasses.fields(hint):
        if not field.init:
            continue
        properties[field.name] = schema_of(hints[field.name], depth + 1)
        if field.default is not dataclasses.MISSING:
            _add_default(properties[field.name], field.default)
        elif field.default_factory is dataclasses.MISSING:
            required.append(field.name)
    return _object(properties, required)


def _add_default(schema: Schema, default: object) -> None:
    if default is not None and isinstance(default, (str, int, float)):
        schema["default"] = default


def hints_of(of: Any) -> dict[str, Any]:
    """The hints of a class or a function, resolved. Raises `NoSchema`."""
    try:
        return get_type_hints(of, include_extras=True)
    except Exception as error:
        raise NoSchema(f"hints that can't be resolved: {error}") from None


def parameter_schema(hint: Any, default: object, has_default: bool) -> Schema:
    """The schema of a function's parameter."""
    schema = schema_of(hint)
    if has_default:
        _add_default(schema, default)
    return schema


def object_schema(properties: Schema, required: list[str], *, more: bool = False) -> Schema:
    """The schema of an object; `more`: it may have other properties."""
    schema = _object(properties, required)
    if more:
        del schema["additionalProperties"]
    return schema


def with_definitions(schema: Schema) -> Schema:
    """The schema with the `$defs` of all in it at its root, which their references mean. Raises `NoSchema`."""
    found: Schema = {}

    def lift(value: Any) -> Any:
        if isinstance(value, list):
            return [lift(each) for each in value]
        if not isinstance(value, dict):
            return value
        inner = {name: lift(each) for name, each in value.items()}
        if isinstance(value.get("$defs"), dict):
            for name, each in inner.pop("$defs").items():
                if found.setdefault(name, each) != each:
                    raise NoSchema(f"two different definitions of {name}; rename one")
        return inner

    lifted: Schema = lift(schema)
    return {**lifted, "$defs": found} if found else lifted


def _name(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def converter(hint: Any) -> Convert | None:
    """Makes of a JSON value that fits a hint what the hint says: tuples, members of enums, objects of classes.

    `None`: nothing needs to be done.
    """
    if is_model(hint):
        return lambda value: hint.model_validate(value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _to_dataclass(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if hint is float:
        return lambda value: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if _is_typed_dict(hint):
        return _fields({name: converter(each) for name, each in hints_of(hint).items()})
    return _convert_generic(hint)


def _convert_generic(hint: Any) -> Convert | None:
    origin, args = get_origin(hint), get_args(hint)
    if hint is tuple:
        return tuple
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            item = converter(args[0])
            return lambda value: tuple(value if item is None else map(item, value))
        items = [converter(each) for each in args]
        return lambda value: tuple(each if made is None else made(each) for made, each in zip(items, value))
    if origin in _LISTS:
        return _each(converter(args[0]))
    if origin in _DICTS:
        return _each_value(converter(args[1]))
    if origin in (Union, types.UnionType):
        return _convert_union(args)
    if origin is Annotated or _is_qualifier(origin):
        return converter(args[0])
    return None


def _each(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: [convert(each) for each in value]


def _each_value(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: {key: convert(each) for key, each in value.items()}


def _convert_union(args: tuple[Any, ...]) -> Convert | None:
    choices = [(schema_of(each), converter(each)) for each in args]
    if all(made is None for _, made in choices):
        return None

    def convert(value: Any) -> Any:
        """By the first member whose kind of JSON value it is, and which takes it."""
        for schema, made in choices:
            if not _may_be(value, schema):
                continue
            try:
                return value if made is None else made(value)
            except (TypeError, ValueError):
                continue
        return value

    return convert


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def _may_be(value: Any, schema: Schema) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema.get("type")
    if not isinstance(kind, str):
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS.get(kind, (object,)))


def _to_dataclass(hint: Any) -> Convert:
    hints = hints_of(hint)
    convert = _fields({name: converter(each) for name, each in hints.items()})
    return lambda value: hint(**convert(value))


def _fields(made: dict[str, Convert | None]) -> Convert:
    def convert(value: Any) -> Any:
        changed = {}
        for name, each in value.items():
            change = made.get(name)
            changed[name] = each if change is None else change(each)
        return changed

    return convert


def plain(value: Any) -> Any:
    """A result as JSON values: models and dataclasses as dicts, members of enums as their values, at any depth."""
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if hasattr(kind, "model_dump") and hasattr(kind, "model_json_schema"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value
