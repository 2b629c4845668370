"""Laws of the catalogues: codes, metrics, topics, settings."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest

from nsw import telemetry, topics
from nsw.config import load_config
from nsw.errors import CATALOGUE, Code, ConfigError, Layer, Verdict
from nsw.identifiers import AgencyCode, PartyId
from nsw.model import finding_of
from nsw.provision import window_topics
from nsw.reference import Reference, load_reference
from nsw.telemetry import Telemetry

ROOT = Path(__file__).resolve().parents[2]


def test_every_code_is_in_the_catalogue_once() -> None:
    """With sentences of its own in both languages, and a source."""
    assert set(CATALOGUE) == set(Code)
    assert len({entry.text_en for entry in CATALOGUE.values()}) == len(CATALOGUE)
    assert len({entry.text_th for entry in CATALOGUE.values()}) == len(CATALOGUE)
    for code, entry in CATALOGUE.items():
        assert entry.source, code
        assert any("\u0e01" <= letter <= "\u0e5b" for letter in entry.text_th), code
        assert ("{detail}" in entry.text_en) == ("{detail}" in entry.text_th), code


def test_codes_are_numbered_by_layer() -> None:
    """1xxx syntax and envelope, 2xxx schema, 3xxx rules."""
    for code, entry in CATALOGUE.items():
        expected = {"1": Layer.SYNTAX, "2": Layer.SCHEMA, "3": Layer.RULE}.get(code[4])
        assert expected in (None, entry.layer), code


def test_every_code_is_found_in_a_test_or_raised() -> None:
    """A code that nothing uses would be a promise that nobody keeps."""
    sources = "".join(
        path.read_text("utf-8") for path in (ROOT / "nsw").rglob("*.py") if path.name != "errors.py"
    )
    unused = [code for code in Code if f"Code.{code.name}" not in sources]

    assert unused == []


def test_a_finding_holds_no_character_that_an_answer_can_not_carry() -> None:
    """Details quote what was seen."""
    finding = finding_of(Code.UNKNOWN_FORMAT, "a\x00b\x1b[31m\ud800")

    assert finding.text_en.isprintable()


def test_a_warning_of_the_catalogue_does_not_reject() -> None:
    """Codes that leave a document accepted are warnings."""
    for code, entry in CATALOGUE.items():
        assert (finding_of(code).severity == "warning") == (entry.verdict is Verdict.ACCEPTED)


def test_metrics_are_served_with_their_names_and_units() -> None:
    """Every entry of the catalogue can be registered; names follow one form."""
    text = generate_latest(Telemetry().registry).decode()
    for metric in telemetry.CATALOGUE:
        assert f"# HELP {metric.name.removesuffix('_total')}" in text
        assert metric.name.startswith("nsw_")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert "_created" not in text


def test_a_label_outside_its_closed_set_makes_no_new_series() -> None:
    """Documents can't grow the metrics."""
    metrics = Telemetry({"agency": ["DOF"]})
    for agency in ("DOF", "x1", "x2"):
        metrics.count(telemetry.ROUTED, agency)
    text = generate_latest(metrics.registry).decode()

    assert 'nsw_deliveries_routed_total{agency="other"} 2.0' in text
    assert "x1" not in text


def test_serves_metrics_over_http() -> None:
    """On a free port when asked for none."""
    import urllib.request

    port = Telemetry().serve("127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b"nsw_records_lodged_total" in answer.read()


def test_topics_name_their_party_and_agency() -> None:
    """And only those."""
    assert topics.party_of_inbox(topics.inbox(PartyId("A-1_b"))) == "A-1_b"
    assert topics.agency_of_outbox(topics.agency_outbox(AgencyCode("DOF"))) == "DOF"
    for other in ("nsw.inbox.", "nsw.inbox.a.b", "xnsw.inbox.a", "nsw.outbox.a", "nsw.inbox.ก"):
        assert topics.party_of_inbox(other) is None
    assert topics.agency_of_outbox("nsw.agency.DOF.inbox") is None


def test_outputs_take_more_than_inboxes() -> None:
    """A record at the limit must fit once headers are added, else its batch would abort for ever."""
    specs = {
        spec.name: int(spec.settings["max.message.bytes"])
        for spec in (
            *topics.system_topics(case_partitions=6, max_document_bytes=1000),
            *topics.party_topics(PartyId("P"), max_document_bytes=1000),
            *topics.agency_topics(AgencyCode("DOF"), max_document_bytes=1000),
        )
    }
    inbox = specs["nsw.inbox.P"]
    for name in (topics.CASES, topics.EVENTS, "nsw.outbox.P", "nsw.agency.DOF.inbox"):
        assert specs[name] >= inbox + 64 * 1024
    assert specs[topics.DEAD_LETTERS] > specs[topics.CASES]
    assert specs[topics.HELD] > specs["nsw.outbox.P"]


def test_every_topic_takes_the_brokers_clock(reference: Reference) -> None:
    """The lodging time is ours, not the sender's."""
    specs = window_topics(load_config({}), reference)

    assert {spec.settings["message.timestamp.type"] for spec in specs} == {"LogAppendTime"}
    assert len({spec.name for spec in specs}) == len(specs)


def test_lists_every_wrong_setting_at_once() -> None:
    """Each with the variable's name."""
    with pytest.raises(ConfigError) as caught:
        load_config({"NSW_CASE_PARTITIONS": "none", "NSW_BATCH_SECONDS": "-1", "NSW_TYPO": "1", "OTHER": "x"})

    assert sorted(problem.partition(":")[0] for problem in caught.value.problems) == [
        "NSW_BATCH_SECONDS",
        "NSW_CASE_PARTITIONS",
        "NSW_TYPO",
    ]


def test_an_empty_part_names_no_folder() -> None:
    """A trailing ':' would otherwise load all below the current folder; nothing but ':' is a problem."""
    assert load_config({"NSW_SCHEMA_FOLDERS": "a::b:"}).schema_folders == (Path("a"), Path("b"))
    with pytest.raises(ConfigError, match="NSW_SCHEMA_FOLDERS"):
        load_config({"NSW_SCHEMA_FOLDERS": ":"})


def test_the_secret_is_never_shown() -> None:
    """Neither in text nor in a trace."""
    config = load_config({"NSW_CONVERSATION_KEY": "s3cret-s3cret-s3cret"})

    assert "s3cret" not in repr(config)
    assert not config.uses_development_key
    with pytest.raises(ConfigError, match="16 characters"):
        load_config({"NSW_CONVERSATION_KEY": "short"})


def test_a_snapshot_lists_every_problem_of_every_file(tmp_path: Path) -> None:
    """Missing tables and broken folders together."""
    (tmp_path / "type.yaml").write_text("kind: nonsense\n")
    with pytest.raises(ConfigError) as caught:
        load_reference([tmp_path, tmp_path / "none"], tmp_path, {})
    text = "\n".join(caught.value.problems)

    for expected in (
        "type.yaml:1: kind",
        "type.yaml: root",
        "none: no message type",
        "window.yaml",
        "permits.csv",
    ):
        assert expected in text, expected


def test_a_snapshot_is_named_by_its_contents(reference: Reference, tmp_path: Path) -> None:
    """The same files give the same version; one changed row gives another."""
    import shutil

    folder = tmp_path / "reference"
    shutil.copytree(ROOT / "deploy" / "reference", folder)
    same = load_reference([ROOT / "schemas"], folder, {})
    with (folder / "permits.csv").open("a") as table:
        table.write("99999999,000,export,DOF,2020-01-01\n")
    changed = load_reference([ROOT / "schemas"], folder, {})

    assert same.version == reference.version
    assert changed.version != reference.version
