"""
How a process runs: settings from the environment (``NSW_…``), every problem listed at once.

What the pipeline *is* (message types, permits, routes, agencies) lies in reviewed files; see ``reference``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from nsw.errors import ConfigError
from nsw.schemaids import SCHEMA_IDS_FILE

_ROOT = Path(__file__).resolve().parent.parent
#: Only for windows on one machine; a real window sets its own.
_DEVELOPMENT_KEY = "development-only-conversation-key"

_Port = Annotated[int, Field(ge=0, le=65535)]


class Config(BaseModel):
    """Settings of one process; each is the environment variable ``NSW_`` and the name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap_servers: str = Field(
        "", description="host:port[,host:port] of Kafka; empty means the embedded broker"
    )
    schema_folders: tuple[Path, ...] = Field(
        (_ROOT / "schemas",), min_length=1, description="folders of message types, by ':'"
    )
    reference_folder: Path = Field(
        _ROOT / "deploy" / "reference", description="permits, routes, agencies, parties"
    )
    data_folder: Path = Field(
        Path("var"), description="where the embedded broker keeps its data, and casework its store of cases"
    )
    schema_registry: str = Field(
        "", description="address of a schema registry with Confluent's REST API, for `nsw schemas register`"
    )
    schema_registry_user: str = Field("", description="user name at the schema registry; empty for none")
    schema_registry_password: SecretStr = Field(SecretStr(""), description="password at the schema registry")
    schema_registry_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="how long one answer of the schema registry may take"
    )
    schema_ids: Path | None = Field(
        None,
        description="file of the ids that a schema registry gave; else `schema-ids.yaml` of the reference folder "
        "or of the data folder, where there is one",
    )
    conformance_data: Path = Field(
        _ROOT.parent / "shared" / "data", description="documents of others that tests and demo may use"
    )
    case_partitions: int = Field(
        6, ge=1, le=1000, description="partitions of nsw.cases; never change on a live window"
    )
    case_days: int = Field(
        1_100, ge=1, le=36_500, description="a case is forgotten so many days after its latest submission"
    )
    replication_factor: int = Field(1, ge=1, le=7, description="copies of every topic; 3 in production")
    min_insync_replicas: int = Field(
        0,
        ge=0,
        le=7,
        description="copies that must hold a record before it counts; 0: one fewer than NSW_REPLICATION_FACTOR",
    )
    max_document_bytes: int = Field(
        4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="largest document"
    )
    max_findings: int = Field(
        500, ge=1, le=10_000, description="findings listed in one rejection; the rest is counted"
    )
    transaction_timeout_seconds: float = Field(
        10.0, gt=1, le=10, description="an abandoned transaction hides later records for this long"
    )
    session_timeout_seconds: float = Field(
        6.0, ge=6, le=45, description="a silent worker is replaced after this"
    )
    batch_records: int = Field(500, ge=1, le=10_000, description="most records in one transaction")
    batch_seconds: float = Field(1.0, gt=0, le=5, description="most work in one transaction")
    judge_seconds: float = Field(
        30.0,
        ge=1,
        le=50,
        description="a document that takes longer to judge ends its worker; judged apart, it becomes a dead letter",
    )
    judge_memory_bytes: int = Field(
        2 * 1024**3,
        ge=256 * 1024**2,
        description="a document that takes more memory, judged apart, becomes a dead letter",
    )
    reading_threads: int = Field(
        2,
        ge=0,
        le=16,
        description="threads of casework that parse documents ahead; 0 parses each in its turn",
    )
    dead_letters_in_a_row: int = Field(
        100, ge=1, description="so many dead letters of one party in a row pause its inbox"
    )
    metrics_port: _Port = Field(0, description="port of /metrics; 0 takes a free one")
    metrics_host: str = Field("127.0.0.1", description="address of /metrics")
    worker_slot: str = Field(
        "0",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="stable name of this worker: its transactional and member id",
    )
    conversation_key: SecretStr = Field(
        SecretStr(_DEVELOPMENT_KEY), description="secret of conversation ids, 16 characters or more"
    )

    @field_validator("schema_folders", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        # An empty part, as after a trailing ':', would mean the current folder with all that lies below it.
        return tuple(filter(None, value.split(":"))) if isinstance(value, str) else value

    @field_validator("schema_ids", mode="before")
    @classmethod
    def _no_path(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("schema_registry")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("http://HOST:PORT or https://HOST is needed")
        if "@" in parts.netloc:
            raise ValueError(
                "an address is shown and noted, so user and password have settings of their own: "
                "NSW_SCHEMA_REGISTRY_USER and NSW_SCHEMA_REGISTRY_PASSWORD"
            )
        return value.rstrip("/")

    @field_validator("min_insync_replicas")
    @classmethod
    def _no_more_than_copies(cls, value: int, info: ValidationInfo) -> int:
        copies = info.data.get("replication_factor", value)
        if value > copies:
            raise ValueError(
                f"no record could ever count: there are {copies} copies (NSW_REPLICATION_FACTOR)"
            )
        return value

    @field_validator("conversation_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 16:  # noqa: PLR2004 - NIST SP 800-107: no shorter than the MAC
            raise ValueError("at least 16 characters are needed")
        return value

    @property
    def in_sync_replicas(self) -> int:
        """How many copies must hold a record before it counts."""
        return self.min_insync_replicas or max(1, self.replication_factor - 1)

    @property
    def uses_development_key(self) -> bool:
        """Whether the secret is the published one, which only a window on one machine may use."""
        return self.conversation_key.get_secret_value() == _DEVELOPMENT_KEY

    @property
    def schema_ids_file(self) -> Path | None:
        """The file of ids that a schema registry gave; None when there is none."""
        if self.schema_ids is not None:
            return self.schema_ids
        places = (self.reference_folder / SCHEMA_IDS_FILE, self.data_folder / SCHEMA_IDS_FILE)
        return next((each for each in places if each.is_file()), None)

    @property
    def schema_variables(self) -> dict[str, str]:
        """Variables that ``type.yaml`` files may use."""
        return {"NSW_CONFORMANCE_DATA": str(self.conformance_data)}


def load_config(environ: Mapping[str, str], **overrides: object) -> Config:
    """
    Read the settings.

    Args:
        environ: usually ``os.environ``; names that begin with ``NSW_`` and are unknown are problems too.
        overrides: settings given on the command line; None means not given.

    Raises:
        ConfigError: every problem, each with the variable's name.
    """
    given = {
        name.removeprefix("NSW_").lower(): value
        for name, value in environ.items()
        if name.startswith("NSW_") and name not in OTHER_VARIABLES
    }
    given |= {name: value for name, value in overrides.items() if value is not None}  # type: ignore[misc]
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        raise ConfigError(
            *(_problem(each["loc"], each["type"], each["msg"]) for each in error.errors())
        ) from error


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> str:
    variable = f"NSW_{'.'.join(map(str, place)).upper()}"
    return f"{variable}: {'there is no such setting' if kind == 'extra_forbidden' else message}"


#: Variables of our prefix that are read elsewhere: by the embedded broker, the command line, and tests.
OTHER_VARIABLES = frozenset({"NSW_CACHE_DIR", "NSW_DEBUG", "NSW_TEST_BOOTSTRAP_SERVERS"})
