"""Values that are valid under a JSON Schema, made deterministically from a stream of draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .draws import Draws
from .patterns import UnsupportedError, matching

MOST = 1_000  # items, properties or characters, whatever a schema demands
DEEPEST = 6  # nested levels after which optional and recursive parts are left out
_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "field", "grove", "harbor", "island", "juniper", "kernel"),
    *("lantern", "meadow", "north", "orchard", "pebble", "quartz", "river", "summit", "timber", "valley", "willow"),
)
_KEYWORD_TYPES = {"properties": "object", "items": "array", "prefixItems": "array", "pattern": "string"}

Schema = Mapping[str, Any]


class SchemaError(Exception):
    """No value can be made: the schema is not one, or it never ends."""


def make(schema: Any, draws: Draws) -> Any:
    """Make a value; parts of a schema that are not understood are ignored, so the value may then not be valid."""
    try:
        return _make(schema, schema, draws, 0)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise SchemaError("it is not a valid JSON Schema") from error
    except RecursionError:
        raise SchemaError("it has no finite value") from None


def _make(schema: Any, root: Any, draws: Draws, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return text(draws)  # `true` allows everything
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return draws.choice(schema["enum"])
    if "$ref" in schema:
        return _make(_resolve(str(schema["$ref"]), root), root, draws, depth + 1)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            rest = {k: v for k, v in schema.items() if k not in {key, "$defs", "definitions"}}
            return _make(_merge(rest, _branch(schema[key], root, draws, depth)), root, draws, depth + 1)
    if schema.get("allOf"):
        merged: Schema = {k: v for k, v in schema.items() if k != "allOf"}
        for part in schema["allOf"]:
            merged = _merge(merged, part, root)
        return _make(merged, root, draws, depth)
    return _typed(schema, root, draws, depth)


def _typed(schema: Schema, root: Any, draws: Draws, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        simple = [k for k in kind if k not in {"object", "array", "null"}]
        if depth > DEEPEST:
            kind = "null" if "null" in kind else (simple or kind)[0]
        else:  # a nullable field is mostly filled
            filled = [k for k in kind if k != "null"]
            kind = "null" if "null" in kind and (not filled or draws.below(5) == 0) else draws.choice(filled)
    if kind is None:
        kind = next((name for key, name in _KEYWORD_TYPES.items() if key in schema), "string")
    if kind == "object":
        return _object(schema, root, draws, depth)
    if kind == "array":
        return _array(schema, root, draws, depth)
    if kind in {"number", "integer"}:
        return _number(schema, draws, whole=kind == "integer")
    if kind == "boolean":
        return draws.below(2) == 1
    return None if kind == "null" else _string(schema, draws)


def _branch(options: list[Any], root: Any, draws: Draws, depth: int) -> Any:
    if depth > DEEPEST:  # too deep: the option that ends soonest
        return min(options, key=lambda option: _weight(option, root))
    return draws.choice(options)


def _weight(schema: Any, root: Any) -> int:
    if isinstance(schema, Mapping) and "$ref" in schema:
        return 3
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return {"null": 0, "object": 2, "array": 2}.get(str(kind), 1)


def _resolve(ref: str, root: Any) -> Any:
    if not ref.startswith("#"):
        return {}
    node = root
    for part in ref[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return {}
    return node


def _merge(left: Any, right: Any, root: Any = None) -> Schema:
    if isinstance(right, Mapping) and "$ref" in right and root is not None:
        right = _resolve(str(right["$ref"]), root)
    left = left if isinstance(left, Mapping) else {}
    right = right if isinstance(right, Mapping) else {}
    properties = {**left.get("properties", {}), **right.get("properties", {})}
    required = [*left.get("required", []), *right.get("required", [])]
    both: dict[str, Any] = {**left, **right}
    return both | ({"properties": properties} if properties else {}) | ({"required": required} if required else {})


def _object(schema: Schema, root: Any, draws: Draws, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    made = {
        name: _make(part, root, draws, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or depth <= DEEPEST
    }
    extra = schema.get("additionalProperties")
    for name in required:
        if name not in made:
            made[name] = _make(extra if isinstance(extra, Mapping) else True, root, draws, depth + 1)
    while len(made) < min(schema.get("minProperties", 0), MOST):
        name = f"{draws.choice(_WORDS)}_{len(made)}"
        made[name] = _make(extra if isinstance(extra, Mapping) else True, root, draws, depth + 1)
    return made


def _array(schema: Schema, root: Any, draws: Draws, depth: int) -> list[Any]:
    low = min(int(schema.get("minItems", 0)), MOST)
    high = int(schema.get("maxItems", max(low, 1) + 2))
    wanted = low if depth > DEEPEST else min(high, max(low, 1) + draws.below(max(1, min(high - max(low, 1), 2) + 1)))
    first = [_make(part, root, draws, depth + 1) for part in schema.get("prefixItems", ())][: max(wanted, low)]
    items = schema.get("items", True)
    made = (
        list(first)
        if items is False
        else first + [_make(items, root, draws, depth + 1) for _ in range(wanted - len(first))]
    )
    return _distinct(made, items, root, draws, low) if schema.get("uniqueItems") else made


def _distinct(made: list[Any], items: Any, root: Any, draws: Draws, low: int) -> list[Any]:
    kept: list[Any] = []
    for _ in range(50):
        kept += [value for i, value in enumerate(made) if value not in kept and value not in made[:i]]
        if len(kept) >= low:
            break
        made = [_make(items, root, draws, 1)]
    return kept


def _number(schema: Schema, draws: Draws, *, whole: bool) -> int | float:
    step = schema.get("multipleOf", 1 if whole else None)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = low if low is not None else (high - 100 if high is not None else 0)
    high = high if high is not None else low + (100 if step is None or step < 50 else 4 * step)
    if step is None:
        value = round(draws.between(low, high), 2)
        inside = low < value < high or (value == low and "minimum" in schema and "exclusiveMinimum" not in schema)
        return value if inside else low / 2 + high / 2  # a sum could be infinite
    first, last = math.ceil(low / step), math.floor(high / step)
    first += first * step == schema.get("exclusiveMinimum")
    last -= last * step == schema.get("exclusiveMaximum")
    value = (first + draws.below(max(1, last - first + 1))) * step
    return int(value) if whole else round(value, 10)


def _string(schema: Schema, draws: Draws) -> str:
    if "format" in schema and (made := formatted(str(schema["format"]), draws)):
        return made
    if "pattern" in schema:
        try:
            return matching(str(schema["pattern"]), draws)
        except UnsupportedError:
            pass
    low, high = min(int(schema.get("minLength", 0)), MOST), schema.get("maxLength")
    made = text(draws)
    while len(made) < low:
        made += " " + draws.choice(_WORDS)
    return made if high is None else made[: int(high)].rstrip().ljust(low, "x")


def text(draws: Draws) -> str:
    """Make two to five words out of one draw: strings are most of what is made."""
    bits = draws.bits()
    return " ".join([_WORDS[(bits >> shift) % len(_WORDS)] for shift in range(8, 24 + 8 * (bits & 3), 8)])


def formatted(name: str, draws: Draws) -> str:
    """Make a string of a named format; empty when the name is unknown."""
    day = f"20{10 + draws.below(17):02d}-{1 + draws.below(12):02d}-{1 + draws.below(28):02d}"
    clock = f"{draws.below(24):02d}:{draws.below(60):02d}:{draws.below(60):02d}"
    word = draws.choice(_WORDS)
    hexed = f"{draws.bits():016x}{draws.bits():016x}"
    return {
        "date": day,
        "time": f"{clock}Z",
        "date-time": f"{day}T{clock}Z",
        "duration": f"P{1 + draws.below(9)}DT{1 + draws.below(20)}H",
        "email": f"{word}@example.com",
        "hostname": f"{word}.example.com",
        "uri": f"https://example.com/{word}",
        "ipv4": ".".join(str(1 + draws.below(254)) for _ in range(4)),
        "ipv6": "2001:db8::" + ":".join(f"{1 + draws.below(65535):x}" for _ in range(3)),
        "uuid": f"{hexed[:8]}-{hexed[8:12]}-4{hexed[13:16]}-a{hexed[17:20]}-{hexed[20:]}",
    }.get(name, "")
