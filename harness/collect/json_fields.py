"""Score a JSON answer field by field: a rule for each, and the weighted mean of what they say."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Annotated, Any, Literal

from orjson import OPT_SORT_KEYS, dumps
from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.collect.answer_paths import EVERY
from harness.collect.scoring import NotNegative, Score, as_text, exact_match, numeric
from harness.collect.token_f1 import shared, token_f1

RULE = None  # in the tree of paths, where a name cannot stand: the rule of this place
Tree = dict[str | None, Any]

RuleName = Literal["exact", "numeric", "set", "text"]


class FieldRule(BaseModel):
    """How one field is compared, and how much it weighs."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    rule: RuleName
    ignore_case: bool = False  # of exact and set
    tolerance: NotNegative = 0.0  # of numeric
    relative: NotNegative = 1e-9  # of numeric
    weight: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def options_fit(self) -> FieldRule:
        """Hold that no option is given that this rule does not look at."""
        used = {"exact": {"ignore_case"}, "set": {"ignore_case"}, "numeric": {"tolerance", "relative"}, "text": set()}
        if unused := self.model_fields_set - {"rule", "weight"} - used[self.rule]:
            raise ValueError(f"{self.rule} does not look at {', '.join(sorted(unused))}")
        return self


Fields = Annotated[Mapping[str, RuleName | FieldRule], Field(min_length=1)]  # path → rule


def json_fields(fields: Fields) -> Score:
    """Weighted mean of the fields' scores, from 0.0 to 1.0; a target that is no object or list is 0.0.

    A path is dotted (`customer.name`); one `*` in it stands for all items of a list (`items.*.price`). Rules:
    `exact`: the same JSON value, as `exact_match` (`ignore_case`). `numeric`: within `tolerance` or `relative`.
    `text`: `token_f1`. `set`: two lists without regard to order, the F1 of what they share, repeated items counted
    as often as they stand there; a single value is a list of one (`ignore_case`).
    A field that has the same value in both is 1.0 by any rule, one that is absent or null in one of them only 0.0.
    Behind a `*` the values of all items make one list: `set` compares the lists, the other rules item by item, over the
    length of the longer list; items that lack the field are left out for `set`, and count as absent for the others.
    """
    tree: Tree = {}
    for path, given in fields.items():
        here = tree
        for part in path.split("."):
            here = here.setdefault(part, {})
        here[RULE] = as_rule(given)
    compare, weights = _node(tree), _weight(tree)

    def score(answer: Any, target: Any) -> float:
        if not isinstance(target, dict | list):
            return 0.0
        return min(1.0, compare(answer, target) / weights)  # parts of a sum are not rounded as the whole

    return score


def as_rule(given: Any) -> FieldRule:
    """Read a rule: its name alone, or with options."""
    return FieldRule.model_validate({"rule": given} if isinstance(given, str) else given)


def _node(tree: Tree) -> Score:
    """Return the function that adds up what the fields below a place are worth, times their weights."""
    named = [(key, _weight(below), _node(below)) for key, below in tree.items() if key not in (RULE, EVERY)]
    whole = [_leaf(tree[RULE])] if RULE in tree else []
    whole += [_every(tree[EVERY])] if EVERY in tree else []
    if not named and len(whole) == 1:
        return whole[0]

    def add(answer: Any, target: Any) -> float:
        total = 0.0
        for inner in whole:
            total += inner(answer, target)
        objects = type(answer) is dict and type(target) is dict
        for key, weight, inner in named:
            said, wanted = (answer.get(key), target.get(key)) if objects else (_child(answer, key), _child(target, key))
            total += weight if said == wanted and _alike(said, wanted) else inner(said, wanted)
        return total

    return add


def _weight(tree: Tree) -> float:
    """Return what the fields below a place weigh together."""
    return sum(below.weight if key is RULE else _weight(below) for key, below in tree.items())


def _alike(one: Any, other: Any) -> bool:
    """Tell whether two values that Python calls equal are the same JSON: to Python, true is 1.

    False is no verdict: two numbers of different type are compared by the rule.
    """
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is not dict and kind is not list:
        return True
    return dumps(one) == dumps(other) or dumps(one, option=OPT_SORT_KEYS) == dumps(other, option=OPT_SORT_KEYS)


def _child(value: Any, key: str) -> Any:
    """Return what lies under a name, or under a number in a list; None where nothing does."""
    if type(value) is dict:
        return value.get(key)
    if type(value) is list and key.isascii() and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None


def _leaf(rule: FieldRule) -> Score:
    """Return a rule times its weight; a value that is not there equals only another one that is not."""
    compare, weight = _comparison(rule), rule.weight

    def score(answer: Any, target: Any) -> float:
        if answer is None or target is None:
            return weight if answer is target else 0.0
        return weight * compare(answer, target)

    return score


def _every(tree: Tree) -> Score:
    """Return the function that compares the items of two lists, path by path."""
    steps = [_over_items(path, rule) for path, rule in _paths(tree)]

    def score(answer: Any, target: Any) -> float:
        said = answer if type(answer) is list else ()
        wanted = target if type(target) is list else ()
        total = 0.0
        for step in steps:
            total += step(said, wanted)
        return total

    return score


def _paths(tree: Tree, way: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], FieldRule]]:
    """Return the rules below a place with the names that lead to them."""
    found: list[tuple[tuple[str, ...], FieldRule]] = []
    for key, below in tree.items():
        found += [(way, below)] if key is None else _paths(below, (*way, key))
    return found


def _over_items(path: tuple[str, ...], rule: FieldRule) -> Callable[[Any, Any], float]:
    """Return the comparison of one field of all items of two lists."""
    compare, weight = _comparison(rule), rule.weight
    one = path[0] if len(path) == 1 else None

    def values(items: Any) -> list[Any]:
        if one is not None:
            return [item.get(one) if type(item) is dict else _child(item, one) for item in items]
        found = list(items)
        for key in path:
            found = [_child(item, key) for item in found]
        return found

    def as_set(answer: Any, target: Any) -> float:
        said = [value for value in values(answer) if value is not None]
        wanted = [value for value in values(target) if value is not None]
        return weight * compare(said, wanted)

    single = _leaf(rule.model_copy(update={"weight": 1.0}))

    def in_order(answer: Any, target: Any) -> float:
        said, wanted = values(answer), values(target)
        if not said and not wanted:
            return weight
        worth = sum(map(single, said, wanted))  # what one list has beyond the other is worth nothing
        return weight * worth / max(len(said), len(wanted))

    return as_set if rule.rule == "set" else in_order


def _comparison(rule: FieldRule) -> Score:
    """Return the comparison of two values that are there."""
    if rule.rule == "exact":
        return partial(exact_match, ignore_case=rule.ignore_case) if rule.ignore_case else exact_match
    if rule.rule == "numeric":
        return partial(numeric, tolerance=rule.tolerance, relative=rule.relative)
    if rule.rule == "text":
        return token_f1
    return partial(_sets, ignore_case=rule.ignore_case)


def _sets(answer: Any, target: Any, *, ignore_case: bool) -> float:
    """Compare two lists without regard to order."""
    said = answer if type(answer) is list else [answer]
    wanted = target if type(target) is list else [target]
    if not said or not wanted:
        return float(not said and not wanted)
    common, here = 0, min(len(said), len(wanted))
    more_said, more_wanted = said[here:], wanted[here:]
    # Most lists keep the target's order: what stands in its place is done, the rest is compared by key.
    for one, other in zip(said, wanted, strict=False):
        if one == other and _alike(one, other):
            common += 1
        else:
            more_said.append(one)
            more_wanted.append(other)
    if more_said and more_wanted:
        keys = [[_key(value, ignore_case) for value in values] for values in (more_said, more_wanted)]
        common += shared(*keys)
    return 2 * common / (len(said) + len(wanted))


def _key(value: Any, ignore_case: bool) -> Hashable:
    """Return what equal JSON values have in common; true is not 1, and 1 is 1.0."""
    if type(value) is str:
        text = value.strip()
        return text.casefold() if ignore_case else text
    if isinstance(value, bool) or value is None:
        return (as_text(value),)
    if isinstance(value, dict):
        return frozenset([(name, _key(part, ignore_case)) for name, part in value.items()])
    if isinstance(value, list):
        return (*(_key(part, ignore_case) for part in value), "")
    number: Hashable = value  # 1 and 1.0 are equal and hash alike
    return number
