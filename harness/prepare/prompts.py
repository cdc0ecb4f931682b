"""Render the messages: Jinja in its sandbox, a missing name is an error, templates compiled once. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    meta,
    nodes,
)
from jinja2 import TemplateError as JinjaError
from jinja2 import TemplateRuntimeError as JinjaRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import TemplateError
from harness.types import Message

Load = Callable[[str], str | None]  # the name of a template → its text; None where there is none
Render = Callable[[Mapping[str, Any]], str]
Turn = tuple[str, Render]  # role, text


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, made strict: the same row gives the same text, and nothing is printed by mistake."""

    def __init__(self, load: Load) -> None:
        super().__init__(undefined=StrictUndefined, loader=FunctionLoader(self.find), finalize=_printable)
        self.load = load
        self.names: set[str] = set()  # templates that were met: a traceback tells their lines
        del self.filters["random"], self.globals["lipsum"]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Prefer a field to a method: `order.items` is what the row calls items."""
        return obj[attribute] if isinstance(obj, dict) and attribute in obj else super().getattr(obj, attribute)

    def find(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        """Return what Jinja's loader wants to know of a template."""
        source = self.load(name)
        if source is None:
            return None
        self.names.add(name)
        return source, name, lambda: True


def _printable(value: Any) -> Any:
    """Refuse what prints as an address in memory: `{{ text.upper }}`, `{{ words | map('upper') }}`."""
    if callable(value) and not isinstance(value, Undefined):
        raise JinjaRuntimeError("a function is printed; call it with ()")
    if isinstance(value, Generator):
        raise JinjaRuntimeError("a sequence that was not made yet is printed; add | join(', ') or | list")
    return value


def compile_text(env: Sandbox, name: str, source: str) -> Render:
    """Compile one template; a text without anything to fill in is rendered once."""
    env.names.add(name)
    try:
        tree = env.parse(source, name, name)
        referenced = _read_referenced(env, tree)
        template = Template.from_code(env, env.compile(source, name, name), env.make_globals(None))
    except TemplateSyntaxError as error:
        raise _mistake(env, name, error) from None

    def render(fields: Mapping[str, Any]) -> str:
        try:
            return template.render(fields)
        except (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as e:
            raise _mistake(env, name, e) from None

    if referenced or meta.find_undeclared_variables(tree) or tree.find(nodes.Call):
        return render
    text = render({})
    return lambda fields: text


def _read_referenced(env: Sandbox, tree: nodes.Template) -> bool:
    """Read what a template includes, and what that includes: its mistakes show before the first row."""
    names = list(meta.find_referenced_templates(tree))
    for name in names:
        if name and name not in env.names and (found := env.find(name)):
            _read_referenced(env, env.parse(found[0], name, name))
    return bool(names)


def _mistake(env: Sandbox, name: str, error: Exception) -> TemplateError:
    """Say where a template is wrong, and why; Jinja puts its lines into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return TemplateError(f"{error.name or name}:{error.lineno}: {error.message}")
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    file, line = next(((file, line) for file, line in reversed(frames) if file in env.names), (name, 1))
    if isinstance(error, TemplateNotFound):
        return TemplateError(f"{file}:{line}: there is no {error.name} in the task's folder")
    what = str(error) if isinstance(error, JinjaError) else f"{type(error).__name__}: {error}"
    return TemplateError(f"{file}:{line}: {what}")


def render_turns(turns: Sequence[Turn], fields: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return a row's messages. Every field is a name; `row` is all of them."""
    names = {"row": fields, **fields}
    return tuple(Message(role, text(names)) for role, text in turns)


def compile_target(env: Sandbox, target: str | None) -> Callable[[Mapping[str, Any]], Any]:
    """Return the function from a row's fields to its target: a column, or the text of a template."""
    if target is None:
        return lambda fields: None
    if "{{" in target or "{%" in target:
        text = compile_text(env, "task.target", target)
        return lambda fields: text({"row": fields, **fields})
    return lambda fields: fields[target]
