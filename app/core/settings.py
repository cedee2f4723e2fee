"""Every setting of the service. Environment variables with the prefix BETROKKEN_, and DATABASE_URL."""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.shapes import Shaped

PREFIX = "BETROKKEN_"
SERVED_DATABASE, SERVED_AT = f"{PREFIX}SERVED_DATABASE_URL", f"{PREFIX}SERVED_AT"
"""Set by us, for the processes that answer requests."""
DASHBOARD = "/"
"""The page of this service on which results are seen."""
MANAGE = "/manage"
"""The page of this service on which HR makes surveys, adds people and issues keys."""
CALENDAR = "/calendar"
"""The page of this service on which people see who has something to celebrate, and the cards that go out."""
RESPOND = "/respond"
"""The page of this service on which invited people answer."""
SETUP = "/setup"
"""The page on which the first organisation is made."""
SIGN_IN = "/sign-in"
"""The page to which the identity provider sends people back."""
OF_THE_FLOW = {
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "state",
}
MAIL_SERVER = re.compile(
    r"(smtp|smtp\+starttls|smtps)://([^\s/?#@]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?"
)
TOKEN = re.compile(r"[A-Za-z0-9-]+")
WAYS_OF_MAIL = ("smtp_url", "postmark_token")
"""Settings of which one may say where mails go; app/mail/transport.py has what sends them there."""
A_WAY_OF_MAIL = " or ".join(PREFIX + name.upper() for name in WAYS_OF_MAIL)
AN_ADDRESS = "Write a whole address, as https://example.com."
WebAddress = Annotated[str, Shaped(r"https?://[^\s?#]+", AN_ADDRESS)]
Page = Annotated[str, Shaped(r"https?://[^\s#]+", AN_ADDRESS)]
MailFrom = Annotated[
    str,
    Shaped(
        r"([^<>\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?",
        "Write an address, or a name with it: Acme <survey@example.com>.",
    ),
]
Level = Annotated[str, Shaped("DEBUG|INFO|WARNING|ERROR", "Write DEBUG, INFO, WARNING or ERROR.")]
Role = Annotated[
    str, Shaped("[a-z_][a-z0-9_]{0,62}", "Write the name of a role: small letters, digits and _ alone.")
]
Listened = Annotated[
    str, Shaped(r"(\S+:)?[0-9]{1,5}", "Write an address and a port, as 0.0.0.0:8001, or a port.")
]
Seen = Annotated[str, Shaped("[!-~]+", "Write it as the provider shows it: without spaces and accents.")]
SET_BY_KUBERNETES = re.compile(
    r"BETROKKEN_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)"
)
"""For a Service named betrokken, or betrokken-something, in each container beside it."""
SecretOfOld = Annotated[SecretStr, Field(min_length=32)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or later. Unset: the bundled PostgreSQL of the data folder is started.",
    )
    database_direct_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_DIRECT_URL",
        description="The same database past PgBouncer in transaction mode, for the worker, whatever else"
        " listens, and `migrate`. Unset: DATABASE_URL.",
    )
    database_read_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_READ_URL",
        description="A replica of the same database, for reads of metrics; those with `Cache-Control:"
        " no-cache` do not use it. Unset: DATABASE_URL.",
    )
    database_role: Role = Field(
        "betrokken_app",
        description="Role that transactions act as: not superuser, not owner, bound by row-level security.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections kept open by each process.")
    database_statement_cache_size: int = Field(
        100, ge=0, description="asyncpg's statement cache; 0 behind PgBouncer in transaction mode."
    )
    database_statement_timeout: int = Field(
        60, ge=1, description="Seconds after which a statement is cancelled."
    )
    data_dir: Path = Field(
        Path(".betrokken"), description="Folder of the bundled PostgreSQL and the secret file."
    )
    database_wait: int = Field(
        60,
        ge=0,
        description="Seconds that `serve` and `worker` wait at their start for a database that is away.",
    )
    shutdown_grace: int = Field(
        5,
        ge=0,
        le=600,
        description="Seconds after SIGTERM in which `serve` is not ready but still takes requests, so that"
        " balancers turn elsewhere before it ends.",
    )
    pseudonym_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="At least 32 characters; everything that the database keeps sealed is sealed with it."
        " Required with DATABASE_URL; with the bundled PostgreSQL a file in the data folder holds one.",
    )
    pseudonym_secret_previous: Annotated[tuple[SecretOfOld, ...], NoDecode] = Field(
        (),
        description="The secret before it, which still opens what it sealed, until `betrokken secrets rotate`"
        " has sealed all anew. Several, newest first, as a JSON list.",
    )
    log_level: Level = Field("INFO", description="Least level that is logged.")
    access_log: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of requests that have a line in the log; one that is answered with an error of the"
        " server always has.",
    )
    otlp_url: WebAddress | None = Field(
        None,
        description="Collector that traces are sent to by OTLP over HTTP, as http://collector:4318. Needs the"
        " extra `tracing`. Unset: none.",
    )
    cors_origins: list[str] = Field([], description="Browser origins that may call the API, as a JSON list.")
    rate_limit: str | None = Field(
        "120000/minute",
        description="Requests a key may make of one process, as 600/minute; none for no limit.",
    )
    unknown_key_limit: str | None = Field(
        "600/minute",
        description="Requests with an unknown key that one address may make of one process, before only"
        " known keys are let through from there; none for no limit.",
    )
    unknown_code_limit: str | None = Field(
        "10/minute",
        description="Codes of no invitation that one address may try at one process; mistyped ones, which"
        " their last letter shows, do not count; none for no limit.",
    )
    unknown_codes_in_all: str | None = Field(
        "600/minute",
        description="Codes of no invitation that all addresses together may try at one process, before only"
        " codes that it knows are let through; none for no limit.",
    )
    ready_answers_mb: int = Field(
        64,
        ge=0,
        description="Megabytes of memory in which each process keeps answers of metrics as they go out; 0 to"
        " make each anew.",
    )
    organization_concurrency: int = Field(
        2,
        ge=1,
        le=100,
        description="Requests of an organisation that one process works on at once; more wait their turn.",
    )
    max_body_bytes: int = Field(10 * 2**20, ge=1024, description="Largest request body on the wire.")
    max_decompressed_bytes: int = Field(
        50 * 2**20, ge=1024, description="Largest request body after decompression."
    )
    max_import_bytes: int = Field(256 * 2**20, ge=1024, description="Largest file of an import on the wire.")
    max_import_decompressed_bytes: int = Field(
        2 * 2**30, ge=1024, description="Largest file of an import after decompression."
    )
    people_batch_limit: int = Field(1000, ge=1, description="Most items of a people or teams batch.")
    events_batch_limit: int = Field(
        5000, ge=1, description="Most items of a responses or recognitions batch."
    )
    public_url: WebAddress = Field(
        "http://127.0.0.1:8000",
        description="Address at which others reach this service; stands in feed addresses and in mails."
        " Unset: invitations are not mailed, unless BETROKKEN_RESPOND_URL is set.",
    )
    worker_enabled: bool = Field(True, description="Run the job worker inside `serve`.")
    worker_listen: Listened | None = Field(
        None,
        description="Where `betrokken worker` answers /health/live, /health/ready and /metrics, as"
        " 0.0.0.0:8001 or, for this machine alone, 8001. Unset: nowhere.",
    )
    oidc_issuer: WebAddress | None = Field(
        None,
        description="Identity provider whose tokens are taken beside API keys; its keys are found by"
        " discovery. Unset: API keys alone.",
    )
    oidc_audience: str | None = Field(
        None, min_length=1, description="What a token's `aud` must name. Required with BETROKKEN_OIDC_ISSUER."
    )
    oidc_algorithms: list[Algorithm] = Field(
        ["RS256", "ES256"],
        min_length=1,
        description="Signatures taken, as a JSON list; never a symmetric one.",
    )
    oidc_longest_life: int = Field(
        86_400,
        ge=60,
        description="Seconds that a token may still be good for; one of a longer life is refused.",
    )
    oidc_organization_claim: str = Field(
        "betrokken_organization", min_length=1, description="Claim that holds the organisation's id."
    )
    oidc_scopes_claim: str = Field(
        "scope", min_length=1, description="Claim that holds scopes: a list, or one text with spaces between."
    )
    oidc_person_claim: str = Field(
        "betrokken_person",
        min_length=1,
        description="Claim that makes a token a manager's: the person whose teams are all that it sees.",
    )
    oidc_client_id: Seen | None = Field(
        None,
        description="Public client by which the identity provider knows the pages: people sign in there, with"
        " PKCE. Its redirect address is `/sign-in` at BETROKKEN_PUBLIC_URL. Unset: they sign in with a key.",
    )
    oidc_sign_in_parameters: dict[str, str] = Field(
        {},
        description="Added to the request to sign in, as a JSON object: scopes beside `openid`, or what the"
        " provider wants to hear of the audience.",
    )
    webhooks_private: bool = Field(
        False, description="Let webhooks go to http:// and to private addresses: for development."
    )
    mail_from: MailFrom | None = Field(
        None,
        description="Sender of mails, as Acme <survey@example.com>. Required with BETROKKEN_SMTP_URL"
        " and BETROKKEN_POSTMARK_TOKEN.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server: smtp://, smtp+starttls:// or smtps://, then user:password@host:port."
        " Unset, and no BETROKKEN_POSTMARK_TOKEN: invitations are not mailed; cards, reminders and"
        " newsletters are written as files into `mail` in the data folder.",
    )
    postmark_token: SecretStr | None = Field(
        None,
        description="Server token of an account with Postmark, which mails go out by over HTTPS, in place of"
        " BETROKKEN_SMTP_URL.",
    )
    respond_url: Page | None = Field(
        None,
        description="Page on which invited people answer; their token is added behind a #. Unset: the page"
        " `/respond` of this service.",
    )
    mails_are_files: ClassVar[bool] = False
    """Whether mails are meant to go into the folder where there is no server, as the demo's are."""
    pages: bool = Field(
        True, description="Serve the pages: `/`, `/manage`, `/calendar`, `/respond`, `/setup` and `/sign-in`."
    )

    @field_validator("data_dir")
    @classmethod
    def is_a_place(cls, value: Path) -> Path:
        try:
            return value.expanduser()
        except RuntimeError:
            raise ValueError(
                "~ stands for no folder here, where HOME is not set: write the path out"
            ) from None

    @field_validator("pseudonym_secret_previous", mode="before")
    @classmethod
    def one_or_a_list(cls, value: object) -> object:
        """One secret is taken as it is, also if it has commas, spaces or an end of line."""
        if not isinstance(value, str):
            return value
        try:
            found = json.loads(value)
        except ValueError:
            return (value,)
        return found if isinstance(found, list) else (value,)

    @field_validator("rate_limit", "unknown_key_limit", "unknown_code_limit", "unknown_codes_in_all")
    @classmethod
    def can_be_counted(cls, value: str | None) -> str | None:
        if value is None or value == "none":
            return None
        try:
            parse(value)
        except ValueError:
            raise ValueError("write a number and a time, as 600/minute or 10/second, or none") from None
        return value

    @field_validator("worker_listen")
    @classmethod
    def has_a_port(cls, value: str | None) -> str | None:
        if value is not None and int(value.rpartition(":")[2]) > 65535:
            raise ValueError("write an address and a port up to 65535, as 0.0.0.0:8001")
        return value

    @field_validator("smtp_url")
    @classmethod
    def can_be_mailed_through(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not MAIL_SERVER.fullmatch(value.get_secret_value()):
            raise ValueError("write smtp://user:password@host:port, or smtp+starttls:// or smtps://")
        return value

    @field_validator("postmark_token")
    @classmethod
    def is_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("a token is of letters, digits and hyphens")
        return value

    @field_validator(*WAYS_OF_MAIL)
    @classmethod
    def is_the_only_way_of_mails(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        if any(info.data.get(name) is not None for name in WAYS_OF_MAIL if name != info.field_name):
            raise ValueError(f"mails go one way: set {A_WAY_OF_MAIL}, not both")
        if info.data.get("mail_from") is None:
            raise ValueError("a mail has a sender: set BETROKKEN_MAIL_FROM too")
        return value

    @field_validator("oidc_sign_in_parameters")
    @classmethod
    def leaves_the_flow_alone(cls, value: dict[str, str]) -> dict[str, str]:
        """The page makes these anew each time, or all that they protect is gone."""
        if taken := OF_THE_FLOW & value.keys():
            raise ValueError(f"the page itself sends {', '.join(sorted(taken))}: leave it out")
        return value

    @model_validator(mode="after")
    def tokens_are_for_somebody(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_audience is None:
            raise ValueError("a token is for somebody: set BETROKKEN_OIDC_AUDIENCE too")
        if self.oidc_client_id is not None and self.oidc_issuer is None:
            raise ValueError("a client is known to somebody: set BETROKKEN_OIDC_ISSUER too")
        return self

    @property
    def respond_page(self) -> str | None:
        """The address that invitations lead to, without their token."""
        own = f"{self.public_url.rstrip('/')}{RESPOND}" if self.pages else None
        return self.respond_url or own

    @property
    def mailed_page(self) -> str | None:
        """Where mails lead: to an address that somebody gave."""
        return self.respond_page if self.respond_url is not None or self.is_address_given else None

    @property
    def is_address_given(self) -> bool:
        """The one that comes along opens nothing on another machine, and the demo is on one."""
        return "public_url" in self.model_fields_set or self.mails_are_files


def variables() -> list[str]:
    """The environment variables of all settings."""
    return [variable_of(name) for name in Settings.model_fields]


def variable_of(name: str) -> str:
    """The environment variable of a setting; it may be named by that already."""
    field = Settings.model_fields.get(name)
    return name if field is None else str(field.validation_alias or f"{PREFIX}{name.upper()}")


def misspelt(given: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Each variable of ours by its look that nothing reads, and the one that may be meant."""
    names = {name.removeprefix(PREFIX): name for name in (*variables(), *known)}
    for name in sorted(set(given) - set(names.values())):
        if name.startswith(PREFIX) and not SET_BY_KUBERNETES.fullmatch(name):
            near = get_close_matches(name.removeprefix(PREFIX), names, n=1)
            yield name, names[near[0]] if near else None
