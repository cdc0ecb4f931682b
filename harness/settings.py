"""The typed configuration: the composed YAML becomes these frozen values once, at the door.

Defaults live in `conf/`, not here; a field without a value in YAML is a mistake that the preflight reports.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

Item = TypeVar("Item")

SIMULATED = "simulated"  # names a project and a bucket that nobody has to have
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def seconds(value: object) -> float:
    """Read a duration such as `0.5s`, `10m`, `24h` or `7d`."""
    if isinstance(value, str) and (match := DURATION.fullmatch(value.strip())):
        return float(match[1]) * UNITS[match[2]]
    raise ValueError("a number and a unit are expected, such as 0.5s, 10m, 24h or 7d")


def duration(value: float) -> str:
    """Write seconds as the shortest duration that `seconds` reads back."""
    for unit in ("d", "h", "m"):
        if value >= UNITS[unit] and value % UNITS[unit] == 0 and (unit != "d" or value > 86400):
            return f"{int(value // UNITS[unit])}{unit}"
    return f"{Decimal(repr(value)):f}s" if value % 1 else f"{int(value)}s"


def _window(value: str) -> str:
    """Hold that a window's name is a duration: patience is reckoned from it."""
    seconds(value)
    return value


def _url(value: str) -> str:
    """Hold that an address has a host, and a port that is a number."""
    try:
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query:
            return value
    except ValueError:
        pass
    raise ValueError("an address is expected, such as https://api.openai.com/v1")


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine, where no proxy can reach."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _some(value: tuple[Item, ...]) -> tuple[Item, ...]:
    """Hold that a list is not empty; pydantic's own check also counts what was refused already."""
    if not value:
        raise ValueError("at least one is needed")
    return value


def _holds_bool(annotation: object) -> bool:
    """Tell whether true may stand here."""
    return annotation in (bool, Any) or any(map(_holds_bool, typing.get_args(annotation)))


Duration = Annotated[float, BeforeValidator(seconds), PlainSerializer(duration)]
Window = Annotated[str, AfterValidator(_window)]
UrlPath = Annotated[str, Field(pattern=r"^(/|(/[A-Za-z0-9._-]+)+)$")]
Url = Annotated[str, AfterValidator(_url)]
Api = Literal["chat", "responses", "messages", "generate_content"]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Frozen(BaseModel):
    """Settings refuse unknown keys and never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse `batch.size=true`, which pydantic would read as 1."""
        if isinstance(value, bool) and not _holds_bool(cls.model_fields[info.field_name or ""].annotation):
            raise ValueError("neither true nor false can stand here")
        return value


class Evidence(Frozen):
    """Where a fact comes from and when it was last checked."""

    source: str
    checked: date


class Capabilities(Frozen):
    """The facts of a model family. Every fact that is set has its entry in `evidence`."""

    family: str
    reasons: Literal["never", "always", "switchable"]
    efforts: tuple[str, ...]  # accepted values of reasoning_effort; empty: the parameter is refused
    effort_budgets: Mapping[str, int] = {}  # effort → tokens of thought, where the API wants a number
    responses_efforts: tuple[str, ...]  # further ones that only the Responses API takes
    default_effort: str | None
    sampling: Literal["always", "not_reasoning", "never"]  # when temperature, top_p, penalties, logprobs are accepted
    system_role: Literal["system", "developer", "user"]  # user: system text goes to the head of the first user message
    max_tokens_key: str
    refused: tuple[str, ...]  # parameters that are never accepted
    verbosity: tuple[str, ...]
    top_logprobs_max: int
    structured_output: Literal["none", "json_object", "json_schema"]
    apis: tuple[Api, ...]
    api_version: str | None  # what the API wants to hear as its version; null: it has none
    batchable: bool
    generate: Mapping[str, Any]  # what the family is sent unless something else is asked for
    typical_output_tokens: int  # an assumption for the expected cost, hidden reasoning included
    evidence: Mapping[str, Evidence]


class Lifecycle(Frozen):
    """Until when a model answers."""

    retired: bool
    retires_on: date | None  # null: nothing announced, or retired on a day that we do not know
    source: str
    checked: date


class Prices(Frozen):
    """USD per million tokens at batch rates; what stands here wins over the price data of the package."""

    input: Annotated[float, Field(ge=0)]
    cached_input: Annotated[float, Field(ge=0)] | None = None
    cache_write: Annotated[float, Field(ge=0)] | None = None
    output: Annotated[float, Field(ge=0)]


class Generate(Frozen):
    """What may be asked of a model; null is not sent."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    logit_bias: Mapping[Annotated[str, BeforeValidator(str)], Annotated[float, Field(ge=-100, le=100)]] | None = None
    stream: bool | None = None  # exists to be refused with a reason
    extra: Mapping[str, Any] | None = None  # sent as is: parameters that only your server knows

    def given(self) -> dict[str, Any]:
        """Return what is set, by name."""
        return {k: v for k, v in self.model_dump().items() if v is not None}


class Model(Frozen):
    """One model: its ids, its facts, its life and its price."""

    name: Name
    id: Annotated[str, Field(min_length=1)]
    home: Name | None  # the provider that `id` belongs to; null: any
    ids: Mapping[str, str]  # further providers → what the model is called there
    api: Api
    capabilities: Capabilities | None  # null: no facts, requests are sent as configured
    lifecycle: Lifecycle | None
    allow_retired: bool
    generate: Generate
    prices: Prices | None


class Limits(Frozen):
    """What a provider accepts; null: no limit known."""

    batch_requests: Annotated[int, Field(ge=1)]
    batch_bytes: Annotated[int, Field(ge=1)]
    line_bytes: Annotated[int, Field(ge=1)]
    enqueued_tokens: Annotated[int, Field(ge=1)] | None  # estimated input tokens that may be in flight


class Provider(Frozen):
    """One provider of batches."""

    name: Name
    protocol: Annotated[str, Field(pattern=r"^[a-z_]+$")]  # a module of harness.providers
    base_url: Url
    api_key_env: EnvironmentName | None  # null: the server takes no key
    windows: Annotated[tuple[Window, ...], AfterValidator(_some)]
    limits: Limits
    tokenizer: Literal["o200k_base", "cl100k_base"] | None  # that counts its prompts; null: bytes are counted
    prices_id: str | None  # the provider's name in the price data
    price_factor: Annotated[float, Field(gt=0, le=1)] | None  # of a batch, in ordinary prices; null: not known
    deletes_files: bool  # false: there is no call for it, so nothing is cleaned up
    dialect: Literal["openai", "anthropic", "gemini", "vertex"]  # of JSON Schema, in which it is told of the answer
    emulator_path: UrlPath  # where the emulator speaks as this provider does
    evidence: Mapping[str, Evidence]
    named_models_only: bool = False  # true: it serves a model only where the model's YAML names it
    ends_within: Duration | None = None  # after which the provider itself ends a batch, where that is after its window
    # Of Google Cloud alone; other providers leave these out.
    project: str | None = None
    location: str | None = None
    bucket: str | None = None  # where requests and answers travel through; without gs://
    storage_url: Url | None = None  # of Cloud Storage
    access_token_env: EnvironmentName | None = None  # a token in it goes before the machine's own credentials
    id_as_label: bool = False  # a request's id also stands in its labels, which show in billing

    def cloud(self) -> dict[str, str | None] | None:
        """Return where in Google Cloud requests and answers travel; None of a provider that is not there."""
        if self.storage_url is None:
            return None
        return {"project": self.project, "location": self.location, "bucket": self.bucket, "storage": self.storage_url}

    def imitated_at(self, url: str) -> Provider:
        """Return the provider that the emulator is in this one's place, at the address of the emulator."""
        base = url.rstrip("/")
        cloud = {"storage_url": base, "project": SIMULATED, "bucket": SIMULATED} if self.storage_url else {}
        return self.model_copy(update={"base_url": base + self.emulator_path.rstrip("/"), **cloud})


class Dataset(Frozen):
    """Which rows are evaluated."""

    path: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    id: str | None
    json_columns: tuple[str, ...] = Field(alias="json")
    metadata: tuple[str, ...]
    limit: Annotated[int, Field(ge=1)] | None
    offset: Annotated[int, Field(ge=0)]
    sample: Annotated[int, Field(ge=1)] | None
    seed: int


class MessageTemplate(Frozen):
    """One turn, from a template file or inline."""

    role: Literal["system", "user", "assistant"]
    template: str | None = None
    content: str | None = None

    @model_validator(mode="after")
    def one_source(self) -> MessageTemplate:
        """Hold that exactly one of the two is given."""
        if (self.template is None) == (self.content is None):
            raise ValueError("give either template: a file of the task's folder, or content: the text itself")
        return self


class FewShot(Frozen):
    """Turns of user and assistant made of the rows of a file, the same for every sample."""

    fewshot: Annotated[str, Field(min_length=1)]  # .jsonl or .csv in the task's folder
    num: Annotated[int, Field(ge=1)] | None = None  # rows that are shown, drawn by seed; null: all, in their order
    seed: int = 0
    user: Annotated[str, Field(min_length=1)]  # templates, in which a row's columns are names
    assistant: Annotated[str, Field(min_length=1)]


def _kind_of_turn(value: Any) -> str:
    """Tell the two kinds of items of `messages` apart."""
    few = isinstance(value, FewShot) or (isinstance(value, Mapping) and "fewshot" in value)
    return "<fewshot>" if few else "<turn>"


# The tags stand in the places that pydantic names in its findings; whoever shows these leaves out what begins with <.
Turn = Annotated[
    Annotated[MessageTemplate, Tag("<turn>")] | Annotated[FewShot, Tag("<fewshot>")], Discriminator(_kind_of_turn)
]


class Epochs(Frozen):
    """How often each sample is asked, and how its scores become one."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    reducer: Literal["mean", "mode", "pass_at_k"]
    k: Annotated[int, Field(ge=1)] | None

    @model_validator(mode="after")
    def k_fits(self) -> Epochs:
        """Hold that k is given where it is used, and not larger than the number of epochs."""
        if self.reducer == "pass_at_k" and (self.k is None or self.k > self.count):
            raise ValueError(f"pass_at_k needs k between 1 and epochs.count ({self.count})")
        if self.reducer != "pass_at_k" and self.k is not None:
            raise ValueError(f"k is for the reducer pass_at_k; set k: null, or another reducer than {self.reducer}")
        return self


class Scorer(BaseModel):
    """How an answer is scored; further keys are that scorer's options."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
    answer: str | None = None  # path in the parsed answer, such as label or order.total; null: the whole answer
    target: str | None = None  # path in the sample's target, where several scorers share it; null: the whole target

    def options(self) -> dict[str, Any]:
        """Return the keys that only this scorer knows."""
        return dict(self.__pydantic_extra__ or {})


class Task(Frozen):
    """What is asked and how answers are judged."""

    name: Name
    version: Annotated[int, Field(ge=0)]
    dataset: Dataset
    target: str | None
    messages: Annotated[tuple[Turn, ...], AfterValidator(_some)]
    generate: Generate
    answer_schema: str | None = Field(alias="schema")
    structured_output: Literal["auto", "never", "require"]
    extract: Literal["strict", "fenced", "anywhere"]
    epochs: Epochs
    scorers: Mapping[Name, Scorer]
    unscored: tuple[Literal["failed", "expired", "cancelled", "missing", "refused", "truncated", "invalid"], ...]


class Poll(Frozen):
    """How often the provider is asked: from min, growing to max while nothing changes."""

    min: Duration
    max: Duration

    @model_validator(mode="after")
    def ordered(self) -> Poll:
        """Hold min ≤ max."""
        if not 0 < self.min <= self.max:
            raise ValueError(f"min ({duration(self.min)}) must be above 0 and not above max ({duration(self.max)})")
        return self


class Retry(Frozen):
    """How often a thing is tried in all, the first time included."""

    api_attempts: Annotated[int, Field(ge=1, le=1000)]
    request_attempts: Annotated[int, Field(ge=1, le=1000)]
    paid_outcomes: tuple[Literal["invalid", "truncated", "refused"], ...]


class Batch(Frozen):
    """How requests travel."""

    size: Annotated[int, Field(ge=1)]
    window: str
    poll: Poll
    retry: Retry
    max_in_flight: Annotated[int, Field(ge=1)]
    deadline: Duration | None
    give_up_after: Duration | None
    grace: Duration
    on_stuck: Literal["ask", "resend"]
    min_coverage: Annotated[float, Field(ge=0, le=1)]
    clean: Literal["inputs", "all", "none"]


class Endpoint(Frozen):
    """Where requests go: the embedded emulator, the provider itself, or a server of the user's behind the emulator."""

    name: Literal["local", "live", "upstream"]
    simulated: bool
    speed: Annotated[float, Field(gt=0)]  # divides every wait
    url: Url | None  # of the user's server; null elsewhere
    concurrency: Annotated[int, Field(ge=1)] | None  # requests with that server at one time; null elsewhere
    api_key_env: EnvironmentName | None  # where that server's key is; null: it takes none

    @model_validator(mode="after")
    def says_what_it_is(self) -> Endpoint:
        """Hold that the name tells whether money is spent, and where requests go."""
        if self.simulated != (self.name == "local"):
            raise ValueError(f"simulated cannot be {str(self.simulated).lower()} with endpoint={self.name}")
        upstream = self.name == "upstream"
        if upstream != (self.url is not None) or upstream != (self.concurrency is not None):
            raise ValueError("url and concurrency are for endpoint=upstream, which needs both")
        if upstream and self.speed != 1:
            raise ValueError("speed is 1 with endpoint=upstream: a real server takes the time that it takes")
        return self

    def embedded(self) -> bool:
        """Tell whether the run starts the emulator: to answer, or in front of the user's server."""
        return self.name != "live"


class Executor(Frozen):
    """Where shards are prepared and batches collected."""

    kind: Literal["inline"]


class Output(Frozen):
    """What is written beside the results."""

    txt_limit: Annotated[int, Field(ge=0)]


class Settings(Frozen):
    """One run, as configured."""

    task: Task
    model: Model
    provider: Provider
    endpoint: Endpoint
    batch: Batch
    executor: Executor
    generate: Generate
    output: Output
    strict: bool
    approved_plan: Annotated[str, Field(pattern=r"^p-[0-9a-f]{16,64}$")] | None
    max_cost: Annotated[float, Field(ge=0)] | None  # USD

    def model_id(self) -> str:
        """Return what the model is called at this run's provider."""
        return self.model.ids.get(self.provider.name, self.model.id)

    def address(self) -> str:
        """Return the address of the server that answers in the end, where that is no simulation."""
        return self.endpoint.url or self.provider.base_url

    def key_variable(self) -> str | None:
        """Return the environment variable that holds the key of that server."""
        provider = self.provider
        return self.endpoint.api_key_env if self.endpoint.url else provider.api_key_env or provider.access_token_env

    def ends_within(self) -> float:
        """Return the seconds after which a batch has ended, if all is well."""
        return max(seconds(self.batch.window), self.provider.ends_within or 0.0)

    def asked(self) -> dict[str, Any]:
        """Return the parameters that the task or the top level asked for, by name."""
        return self.task.generate.given() | self.generate.given()

    def wishes(self) -> dict[str, Any]:
        """Return all parameters; the later wins: family, task, model, top level."""
        family = dict(self.model.capabilities.generate) if self.model.capabilities else {}
        return family | self.task.generate.given() | self.model.generate.given() | self.generate.given()
