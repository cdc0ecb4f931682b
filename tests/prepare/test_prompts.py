"""Templates: a missing name is an error with template and line, the sandbox holds, the same row gives the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.errors import TemplateError
from harness.prepare.prompts import Sandbox, compile_target, compile_text, render_turns
from harness.types import Message

FILES = {
    "head.j2": "# {{ title }}\n",
    "wrong.j2": "one\ntwo {{ missing }}",
    "broken.j2": "one\n{% if %}",
    "outer.j2": "{% include 'wrong.j2' %}",
    "base.j2": "<{% block body %}{{ text }}{% endblock %}>",
    "macros.j2": "{% macro loud(word) %}{{ word | upper }}!{% endmacro %}",
}


def rendered(source: str, fields: Mapping[str, Any] | None = None, name: str = "user.j2") -> str:
    fields = fields or {}
    return compile_text(Sandbox(FILES.get), name, source)({"row": fields, **fields})


def mistake(source: str, fields: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        rendered(source, fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "fields", "text"),
    [
        ("{{ text }}", {"text": "a <b> & 'c'"}, "a <b> & 'c'"),
        ("{{ row['odd name'] }}", {"odd name": 1}, "1"),
        ("{{ a.b[0] }}", {"a": {"b": [2]}}, "2"),
        ("{% for item in order.items %}{{ item.name }};{% endfor %}", {"order": {"items": [{"name": "x"}]}}, "x;"),
        ("{{ order.keys() | list }}", {"order": {"a": 1}}, "['a']"),
        ("one\n", {}, "one"),
        ("one\n\n", {}, "one\n"),
        ("{{ text }}\n", {"text": "t\n"}, "t\n"),
        ("a\r\nb", {}, "a\nb"),
        ("{% include 'head.j2' %}{{ text }}", {"title": "T", "text": "t"}, "# Tt"),
        ("{% extends 'base.j2' %}", {"text": "t"}, "<t>"),
        ("{% from 'macros.j2' import loud %}{{ loud('a') }}", {}, "A!"),
        ("{% include 'nowhere.j2' ignore missing %}x", {}, "x"),
        ("{{ x if x is defined else 'none' }}", {}, "none"),
        ("{{ words | map('upper') | join(' ') }}", {"words": ["a", "b"]}, "A B"),
        ("{{ None }}{{ n }}", {"n": None}, "NoneNone"),
    ],
)
def test_a_template_renders(source: str, fields: dict[str, Any], text: str) -> None:
    assert rendered(source, fields) == text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("one\n{{ lable }}", "user.j2:2: 'lable' is undefined"),
        ("{{ a.b }}", "user.j2:1: 'dict object' has no attribute 'b'"),
        ("\n\n{{ row['odd name'] }}", "user.j2:3: 'dict object' has no attribute 'odd name'"),
        ("{% if lable %}x{% endif %}", "user.j2:1: 'lable' is undefined"),
        ("{% if x %}", "user.j2:1: Unexpected end of template."),
        ("a\n{{ text | nope }}", "user.j2:2: No filter named 'nope'."),
        ("a\n{{ 1 / 0 }}", "user.j2:2: ZeroDivisionError: division by zero"),
        ("a\n{{ text + 1 }}", "user.j2:2: TypeError: can only concatenate str"),
        ("a\n{% include 'nowhere.j2' %}", "user.j2:2: there is no nowhere.j2 in the task's folder"),
        ("{% include 'wrong.j2' %}", "wrong.j2:2: 'missing' is undefined"),
        ("{% include 'outer.j2' %}", "wrong.j2:2: 'missing' is undefined"),
        ("{% if false %}{% include 'broken.j2' %}{% endif %}", "broken.j2:2: Expected an expression"),
        ("{{ text.upper }}", "user.j2:1: a function is printed; call it with ()"),
        ("{{ words | map('upper') }}", "user.j2:1: a sequence that was not made yet is printed"),
    ],
)
def test_a_mistake_names_template_and_line(source: str, said: str) -> None:
    assert mistake(source, {"text": "t", "a": {}, "words": ["a"]}).startswith(said)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ text.__class__.__mro__ }}",
        "{{ text['__class__'] }}",
        "{{ row.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(text) }}",
        "{{ words.append(1) }}",
        "{{ open('/etc/passwd').read() }}",
        "{{ range(10000000) | list }}",
        "{% import 'os' as os %}{{ os.system('true') }}",
        "{% include '/etc/passwd' %}",
        "{{ self._TemplateReference__context.environment }}",
    ],
)
def test_the_sandbox_holds(source: str) -> None:
    assert mistake(source, {"text": "t", "words": []}).startswith("user.j2:1: ")


@pytest.mark.parametrize("source", ["{{ words | random }}", "{{ lipsum() }}"])
def test_chance_has_no_place_in_a_template(source: str) -> None:
    assert "user.j2:1:" in mistake(source, {"words": ["a", "b"]})


def test_a_template_without_names_is_rendered_once() -> None:
    render = compile_text(Sandbox(FILES.get), "system.j2", "Be {{ 'kind' }}.")
    assert render({"a": 1}) is render({"a": 2})


def test_a_constant_template_that_cannot_be_rendered_is_refused_before_the_first_row() -> None:
    with pytest.raises(TemplateError, match=r"system\.j2:1: ZeroDivisionError"):
        compile_text(Sandbox(FILES.get), "system.j2", "{{ 1 // 0 }}")


def test_what_is_included_is_read_before_the_first_row() -> None:
    asked: list[str] = []

    def load(name: str) -> str | None:
        asked.append(name)
        return FILES.get(name)

    compile_text(Sandbox(load), "user.j2", "{% if row.x %}{% include 'outer.j2' %}{% endif %}")
    assert asked == ["outer.j2", "wrong.j2"]


def test_turns_keep_their_roles_and_order() -> None:
    env = Sandbox(FILES.get)
    sources = [("system", "s.j2", "S"), ("user", "u.j2", "{{ q }}"), ("user", "v", "V")]
    turns = [(role, compile_text(env, name, source)) for role, name, source in sources]
    expected = (Message("system", "S"), Message("user", "Q"), Message("user", "V"))
    assert render_turns(turns, {"q": "Q"}) == expected


def test_a_column_called_row_wins_over_the_row() -> None:
    turns = [("user", compile_text(Sandbox(FILES.get), "u.j2", "{{ row }}"))]
    assert render_turns(turns, {"row": "mine"})[0].content == "mine"


@pytest.mark.parametrize(
    ("target", "expected"), [(None, None), ("n", 3), ("{{ n + 1 }}", "4"), ("{% if n %}yes{% endif %}", "yes")]
)
def test_a_target_is_a_column_or_a_template(target: str | None, expected: Any) -> None:
    assert compile_target(Sandbox(FILES.get), target)({"n": 3}) == expected
