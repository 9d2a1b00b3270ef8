"""Where templates of letters are rendered, our own and a platform's: without reach, bounded.

A template sees the values of the letter, the shapes of its form, and the filters below; it calls no
method of a text, switches no escaping off, and loops over given values only. That keeps a mistaken
template from harm. It does not protect from an author who wants to keep the processor busy: who may
write a platform's templates may also configure its operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.notify.forms import Form, Html, PlainText
from jitsi_tenant_operator.notify.matter import Window
from jitsi_tenant_operator.notify.wording import WORDINGS, Wording

TEMPLATES = Path(__file__).parent / "templates"
MAX_OUTPUT = 128 * 1024
"""How many characters a template may give."""
MAX_SOURCE = 64 * 1024
"""How many characters a template may have."""

_MESSAGE = 200
_FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "trim", "upper")


class TemplateError(Exception):
    """A template cannot be used: its name, the line where known, and what is wrong with it."""

    def __init__(self, template: str, line: int | None, problem: str) -> None:
        place = template if line is None else f"{template}, line {line}"
        super().__init__(f"{place}: {problem}")
        self.template = template
        self.line = line
        self.problem = problem


class _Loader(BaseLoader):
    def __init__(self, overrides: Mapping[str, str]) -> None:
        self._overrides = overrides

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002
        source = self._overrides.get(template)
        if source is None:
            if template not in names():
                raise TemplateNotFound(template)
            source = (TEMPLATES / template).read_text(encoding="utf-8")
        elif len(source) > MAX_SOURCE:
            raise TemplateError(template, None, f"it is longer than {MAX_SOURCE} characters")
        return source, template, None


class _Sandbox(ImmutableSandboxedEnvironment):
    """Sandboxed Jinja2 less what can grow without bound or switch escaping off."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not isinstance(obj, str | bytes) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int) and operator != "**":
            return super().call_binop(context, operator, left, right)
        raise SecurityError(f"{operator} is for whole numbers only, and ** for nothing")

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        found = super()._parse(source, name, filename)
        for block in found.find_all(nodes.EvalContextModifier):
            raise TemplateSyntaxError("autoescape stays as it is", block.lineno, name, filename)
        return found


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """The names of all templates of letters."""
    return frozenset(path.name for path in TEMPLATES.glob("*.j2"))


class Library:
    """The templates of one language, ours and those of a platform that replace them by name."""

    def __init__(self, language: ClientLanguage, overrides: Mapping[str, str]) -> None:
        wording = WORDINGS[language]
        loader = _Loader(overrides)
        self._plain = _environment(loader, wording, PlainText(wording.colon), html=False)
        self._html = _environment(loader, wording, Html(wording.colon), html=True)

    def render(self, name: str, values: Mapping[str, Any], *, html: bool = False) -> str:
        """The text that a template gives. Raises TemplateError."""
        environment = self._html if html else self._plain
        try:
            return _bounded(name, environment.get_template(name).generate(values))
        except TemplateError:
            raise
        except Exception as error:  # noqa: BLE001 - a template can raise anything
            failure = _explained(name, error)
        # Not from where it was caught: what was caught can quote values of the client.
        raise failure


def _bounded(name: str, pieces: Iterable[str]) -> str:
    kept, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_OUTPUT:
            raise TemplateError(name, None, f"it gives more than {MAX_OUTPUT} characters")
        kept.append(piece)
    return "".join(kept)


def _environment(loader: _Loader, wording: Wording, form: Form, *, html: bool) -> _Sandbox:
    found = _Sandbox(
        loader=loader,
        autoescape=html,
        undefined=StrictUndefined,
        finalize=_given,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shapes = ("paragraph", "point", "heading", "quotation", "facts", "fact", "link", "mail")
    found.globals = {name: getattr(form, name) for name in shapes}
    found.filters = {name: FILTERS[name] for name in _FILTERS} | _worded(wording)
    return found


def _given(value: Any) -> Any:
    if value is None:
        raise UndefinedError("a value that may be missing is printed without {% if %} around it")
    return value


def _worded(wording: Wording) -> dict[str, Callable[..., str]]:
    """The filters that tell days, instants and durations in the words of the language."""

    def day(value: date) -> str:
        return wording.day(value)

    @pass_context
    def instant(context: Context, at: datetime) -> str:
        return wording.instant(at, context["calendar"])

    @pass_context
    def over(context: Context, at: datetime) -> str:
        return wording.over(at, context["calendar"])

    @pass_context
    def date_of(context: Context, at: datetime) -> str:
        return wording.day(context["calendar"].day_of(at))

    @pass_context
    def span(context: Context, window: Window) -> str:
        return wording.span(window, context["calendar"])

    def duration(text: str) -> str:
        return wording.duration(text)

    return {
        "date": date_of,
        "day": day,
        "duration": duration,
        "instant": instant,
        "over": over,
        "span": span,
    }


def _explained(name: str, error: Exception) -> TemplateError:
    """Where and why a template failed; only Jinja2's own words, as others may quote a value."""
    if isinstance(error, TemplateSyntaxError):
        return TemplateError(error.name or name, error.lineno, _short(error.message))
    place, line = _line(error)
    problem = _short(error.message) if isinstance(error, JinjaError) else type(error).__name__
    if isinstance(error, TemplateNotFound):
        problem = f"there is no template {error.name}"
    return TemplateError(place or name, line, problem)


def _line(error: Exception) -> tuple[str | None, int | None]:
    """The innermost line of a template on the way to an error; Jinja2 tells lines of source."""
    place: tuple[str | None, int | None] = (None, None)
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in names():
            place = (step.tb_frame.f_code.co_filename, step.tb_lineno)
        step = step.tb_next
    return place


def _short(message: str | None) -> str:
    return (message or "it cannot be rendered")[:_MESSAGE]
