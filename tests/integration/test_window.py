"""The running window: a real Kafka, a real worker process, and everything that people publish to it."""

import hashlib
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from lxml import etree

from nsw import admin, topics
from nsw.client import AgencyClient, Answer, Delivery, TraderClient
from nsw.config import Config, load_config
from nsw.connection import Connection, Publisher
from nsw.control import build_pause
from nsw.deadletter import DeadLetter, parse_dead_letter, plan_replay
from nsw.documents import Document, encode_document, identify
from nsw.errors import Code, MessageError, Verdict
from nsw.formats.avro import join_wire
from nsw.formats.xml import XmlLimits
from nsw.held import parse_held
from nsw.identifiers import AgencyCode, PartyId
from nsw.local import LocalSettings, LocalWindow
from nsw.model import Format, Headers, Publication, Purpose, Record
from nsw.reference import Reference
from nsw.worker import load_snapshot
from tools.samples.export_declaration import build_export_declaration
from tools.samples.trade import Goods

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 300_000
FLOOD = 5
WAIT_SECONDS = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """A running window, with what tests ask of it."""

    local: LocalWindow
    config: Config
    reference: Reference
    small: bytes

    @property
    def connection(self) -> Connection:
        """A connection to its Kafka."""
        return self.local.connection

    def add_party(self, name: str) -> PartyId:
        """Connect a new party while the window runs."""
        party = PartyId(name)
        admin.create_topics(self.connection, topics.party_topics(party, max_document_bytes=LARGEST), 1)
        return party

    def numbered(self, number: str) -> bytes:
        """Give a valid declaration with a reference number of its own (13 characters)."""
        assert len(number) == 13
        return self.small.replace(b"NSWD000000001", number.encode())

    def identify(self, value: bytes) -> Document:
        """Read a document as the window does today."""
        today = datetime.now(self.reference.window.time_zone).date()
        return identify(value, today, self.reference.catalogue, self.reference.limits.xml)

    def send(self, party: str, value: bytes | None, key: bytes | None, headers: Headers = ()) -> None:
        """Publish anything to a party's inbox."""
        publisher = Publisher(self.connection)
        publisher.publish(Publication(Purpose.CASE, topics.inbox(PartyId(party)), key, value, headers))
        publisher.close()

    def answers(self, party: str, count: int) -> list[Answer]:
        """Wait until a party has so many answers, and give all it has then."""

        def read() -> list[Answer]:
            with TraderClient(self.connection, party) as client:
                return list(client.answers())

        return wait_for(read, count)

    def deliveries(self, agency: str, party: str, count: int) -> list[Delivery]:
        """Wait until an agency has so many declarations of a party, and give all it has then."""

        def read() -> list[Delivery]:
            with AgencyClient(self.connection, agency) as client:
                return [each for each in client.deliveries() if each.party == party]

        return wait_for(read, count)

    def dead_letters(self, sender: str, count: int) -> list[DeadLetter]:
        """Wait until so many dead letters of a sender are kept, and give all of them then."""

        def read() -> list[DeadLetter]:
            letters = map(parse_dead_letter, admin.read_topic(self.connection, [topics.DEAD_LETTERS]))
            return [each for each in letters if each.sender == sender]

        return wait_for(read, count)


def wait_for(read: Callable[[], Sequence[T]], count: int) -> list[T]:
    """Read again until there are so many."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        found = list(read())
        if len(found) >= count:
            return found
        assert time.monotonic() < until, f"{len(found)} of {count} after {WAIT_SECONDS} s"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Window]:
    """Run a window with small limits, and with the WCO type where its documents are."""
    data = Path(os.environ.get("NSW_CONFORMANCE_DATA") or ROOT.parent / "shared" / "data")
    folders = [ROOT / "schemas"] + ([ROOT / "tests" / "conformance" / "cds"] if data.is_dir() else [])
    folder = tmp_path_factory.mktemp("window")
    config = load_config(
        {},
        schema_folders=tuple(folders),
        data_folder=folder,
        conformance_data=data,
        max_document_bytes=LARGEST,
        dead_letters_in_a_row=FLOOD,
    )
    reference = load_snapshot(config)
    settings = LocalSettings(worker_log=folder / "worker.log")
    with LocalWindow(config, reference, settings) as local:
        yield Window(local, config, reference, (samples / "valid" / "small.xml").read_bytes())


def test_a_declaration_reaches_its_agencies_and_answers_come_back(window: Window) -> None:
    """Trader to window to agency, and the agency's answer to the trader."""
    party = window.add_party("ROUNDTRIP")
    document = window.numbered("RTRP000000001")
    with TraderClient(window.connection, party) as trader:
        trader.publish(document, "RTRP000000001")
    (delivery,) = window.deliveries("CUSTOMS", party, 1)
    response = (ROOT / "schemas/th/response/1.0/samples/valid").glob("accepted*.xml")
    text = min(response).read_text("utf-8")
    number = text.partition("FunctionalReferenceID>")[2].partition("<")[0]
    with AgencyClient(window.connection, "CUSTOMS") as customs:
        customs.respond(delivery, text.replace(number, "RTRP000000001").encode(), Format.XML)
    answers = window.answers(party, 2)

    assert delivery.value == document
    assert delivery.original_digest == hashlib.sha256(document).hexdigest()
    assert [each.verdict for each in answers] == [Verdict.ACCEPTED, None]
    assert answers[1].agency == "CUSTOMS"
    assert answers[1].conversation_id == delivery.conversation_id == answers[0].conversation_id
    assert [each.original_digest for each in window.deliveries("DFT", party, 1)] == [delivery.original_digest]


def test_a_new_partys_first_record_is_not_missed(window: Window) -> None:
    """Its topics appear while the window runs, and what stands there before the window notices counts too."""
    party = window.add_party("LATECOMER")
    for number in range(5):
        window.send(party, window.numbered(f"LATE{number:09d}"), f"LATE{number:09d}".encode())
    answers = window.answers(party, 5)

    assert sorted(each.reference_number for each in answers) == [f"LATE{number:09d}" for number in range(5)]
    assert {each.verdict for each in answers} == {Verdict.ACCEPTED}


def test_avro_is_answered_in_avro(window: Window) -> None:
    """And the same declaration in XML in XML."""
    party = window.add_party("BOTHFORMATS")
    window.send(party, window.numbered("BOTH000000001"), b"BOTH000000001")
    parsed = window.identify(window.numbered("BOTH000000002"))
    window.send(party, encode_document(parsed.message_type, parsed.root, Format.AVRO), b"BOTH000000002")
    answers = {each.reference_number: each for each in window.answers(party, 2)}

    assert {each.verdict for each in answers.values()} == {Verdict.ACCEPTED}
    assert [answers[f"BOTH00000000{number}"].format for number in (1, 2)] == [Format.XML, Format.AVRO]


def test_the_same_declaration_is_answered_again_and_delivered_once(window: Window) -> None:
    """Also after the worker was killed and started anew; other content under its number is a conflict."""
    party = window.add_party("REPEATER")
    document, key = window.numbered("REPE000000001"), b"REPE000000001"
    window.send(party, document, key)
    window.send(party, document, key)
    window.answers(party, 2)
    window.local.worker.kill()
    window.local.worker.check()
    window.send(party, document + b"\n", key)
    window.send(party, document, key)
    answers = window.answers(party, 4)
    deliveries = window.deliveries("CUSTOMS", party, 1)

    assert [each.verdict for each in answers] == [
        *(Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED),
    ]
    assert {answers[place].value for place in (0, 1, 3)} == {answers[0].value}
    assert Code.REFERENCE_IN_USE.encode() in answers[2].value
    assert len(deliveries) == 1


def test_an_amendment_and_a_cancellation_follow_their_declaration(window: Window) -> None:
    """To the agencies that had it, in order; what comes too late or too early is refused by its code."""
    party = window.add_party("AMENDER")
    key = b"AMEN000000001"
    amendment, cancellation = (
        (ROOT / f"schemas/th/{name}/1.0/samples/valid/small.xml").read_bytes()
        for name in ("amendment", "cancellation")
    )
    documents = [
        of_case(amendment, b"AMEN000000002", key),
        window.numbered(key.decode()),
        of_case(amendment, b"AMEN000000002", key),
        of_case(cancellation, b"AMEN000000004", key),
        of_case(amendment, b"AMEN000000005", key),
    ]
    for each in documents:
        window.send(party, each, key)
    answers = window.answers(party, len(documents))
    deliveries = window.deliveries("DFT", party, 3)

    assert [each.verdict for each in answers] == [
        Verdict.REJECTED,
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.REJECTED,
    ]
    assert Code.CASE_UNKNOWN.encode() in answers[0].value
    assert Code.CASE_CANCELLED.encode() in answers[4].value
    assert [each.value for each in deliveries] == documents[1:4]


def of_case(document: bytes, reference: bytes, original: bytes) -> bytes:
    """Give an amendment or a cancellation a number of its own, and the declaration that it is about."""
    root = etree.fromstring(document)
    for name, text in (("FunctionalReferenceID", reference), ("OriginalReferenceID", original)):
        (element,) = root.iter(f"{{*}}{name}")
        element.text = text.decode()
    return etree.tostring(root)


BILLION_LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"""
)
XXE = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>"""
BAD: tuple[tuple[bytes | None, bytes | None, Headers, Code, Verdict], ...] = (
    (b"", b"K", (), Code.EMPTY_RECORD, Verdict.DEAD_LETTER),
    (None, b"K", (), Code.EMPTY_RECORD, Verdict.DEAD_LETTER),
    (b"hello", b"K", (), Code.UNKNOWN_FORMAT, Verdict.DEAD_LETTER),
    (b"<ExportDeclaration><a>", b"K", (), Code.NOT_WELL_FORMED, Verdict.REJECTED),
    (b"<?xml version='1.0'?><a>\xa1\xa2</a>", b"K", (), Code.WRONG_ENCODING, Verdict.REJECTED),
    (BILLION_LAUGHS, b"K", (), Code.DOCTYPE_REFUSED, Verdict.DEAD_LETTER),
    (XXE, b"K", (), Code.DOCTYPE_REFUSED, Verdict.DEAD_LETTER),
    (b"<a>" * 20_000 + b"</a>" * 20_000, b"K", (), Code.PARSER_LIMIT, Verdict.DEAD_LETTER),
    (b"<a>" + b"x" * LARGEST + b"</a>", b"K", (), Code.DOCUMENT_TOO_LARGE, Verdict.DEAD_LETTER),
    (b"<Unknown xmlns='urn:x'/>", b"K", (), Code.UNKNOWN_ROOT, Verdict.DEAD_LETTER),
    (b"<ExportDeclaration/>", b"K", (), Code.WRONG_NAMESPACE, Verdict.DEAD_LETTER),
    (join_wire(999_999, b"abc"), b"K", (), Code.UNKNOWN_SCHEMA_ID, Verdict.DEAD_LETTER),
    (join_wire(1001, b"\x02"), b"K", (), Code.AVRO_UNREADABLE, Verdict.REJECTED),
    (b"<a/>", b"k" * 2000, (), Code.KEY_TOO_LONG, Verdict.DEAD_LETTER),
)


def test_every_bad_record_is_answered_and_the_next_one_is_processed(window: Window) -> None:
    """Each bad record is followed by a good one of the same party."""
    party = window.add_party("TROUBLEMAKER")
    for number, (value, key, headers, _, _) in enumerate(BAD):
        window.send(party, value, key, headers)
        window.send(party, window.numbered(f"GOOD{number:09d}"), f"GOOD{number:09d}".encode())
    # Intake itself keeps a key beyond its limit, and can't answer: it does not know the case.
    answered = [each for each in BAD if each[3] is not Code.KEY_TOO_LONG]
    answers = window.answers(party, len(BAD) + len(answered))
    letters = {each.original.offset: each for each in window.dead_letters(party, 11)}

    # Different cases may be answered in another order than sent; each one's answers are in order.
    expected = [verdict for _, _, _, _, verdict in answered] + [Verdict.ACCEPTED] * len(BAD)
    assert Counter(each.verdict for each in answers) == Counter(expected)
    for number, (value, key, _, code, verdict) in enumerate(BAD):
        if verdict is Verdict.DEAD_LETTER:
            letter = letters[2 * number]
            assert (letter.code, letter.original.value, letter.original.key) == (code, value, key)
            assert letter.original.topic == topics.inbox(party)


def test_a_wrong_envelope_is_rejected_by_its_code(window: Window) -> None:
    """Key and headers: the rejection names what is wrong."""
    party = window.add_party("ENVELOPES")
    document = window.numbered("ENVE000000001")
    cases: list[tuple[bytes | None, Headers, Code]] = [
        (None, (), Code.KEY_MISSING),
        (b"SOMETHINGELSE", (), Code.KEY_NOT_REFERENCE),
        (b"ENVE000000001", (("content-type", b"\xff"),), Code.HEADER_NOT_UTF8),
        (b"ENVE000000001", (("content-type", b"text/xml"), ("content-type", b"a/b")), Code.HEADER_TWICE),
        (b"ENVE000000001", (("content-type", b"application/avro"),), Code.CONTENT_TYPE_WRONG),
    ]
    for key, headers, _ in cases:
        window.send(party, document, key, headers)
    answers = window.answers(party, len(cases))

    assert {each.verdict for each in answers} == {Verdict.REJECTED}
    for _, _, code in cases:
        assert any(code.encode() in each.value for each in answers), code


def test_a_record_exactly_at_the_size_limit_is_processed(window: Window) -> None:
    """Not one byte is lost to headers; a record beyond what the inbox takes is refused to its sender."""
    party = window.add_party("HEAVY")
    document = window.numbered("HEAV000000001")
    filled = document + b"<!--" + b"x" * (LARGEST - len(document) - 7) + b"-->"
    window.send(party, filled, b"HEAV000000001")
    with pytest.raises(MessageError, match=Code.DOCUMENT_TOO_LARGE):
        window.send(party, b"x" * (LARGEST + topics.INBOX_HEADROOM_BYTES + 1), b"HEAV000000002")
    (delivery,) = window.deliveries("CUSTOMS", party, 1)

    assert len(filled) == LARGEST
    assert delivery.value == filled


def test_an_avro_declaration_that_would_be_too_large_as_xml_is_a_dead_letter(
    window: Window,
) -> None:
    """Small in Avro, it would outgrow the inbox of the agency that asks for XML; the next one goes on."""
    party = window.add_party("OUTGROWN")
    rubber = Goods(
        "40012110",
        "000",
        "ยางแผ่นรมควัน",
        "Ribbed smoked sheet",
        100,
        "KGM",
        Decimal("1.80"),
        Decimal(1),
        4,
        "PK",
    )
    parsed = identify(
        build_export_declaration(reference="OUTG000000001", items=[rubber] * 260),
        datetime.now(window.reference.window.time_zone).date(),
        window.reference.catalogue,
        XmlLimits(max_document_bytes=10_000_000),
    )
    document = encode_document(parsed.message_type, parsed.root, Format.AVRO)
    window.send(party, document, b"OUTG000000001")
    window.send(party, window.numbered("OUTG000000002"), b"OUTG000000002")
    (letter,) = window.dead_letters(party, 1)
    answers = window.answers(party, 2)

    assert len(document) < LARGEST
    assert letter.code == Code.DOCUMENT_TOO_LARGE
    assert letter.original.value == document
    assert Counter(each.verdict for each in answers) == Counter([Verdict.DEAD_LETTER, Verdict.ACCEPTED])


def test_a_flood_of_dead_letters_pauses_that_inbox_only(window: Window) -> None:
    """The nation goes on; an operator resumes the party, and nothing of it is lost."""
    flooder, other = window.add_party("FLOODER"), window.add_party("NEIGHBOUR")
    for _ in range(FLOOD):
        window.send(flooder, b"rubbish", b"F")
    window.dead_letters(flooder, FLOOD)
    paused = wait_for(lambda: paused_parties(window.connection, flooder), 1)
    time.sleep(3)
    window.send(flooder, window.numbered("FLOO000000001"), b"FLOO000000001")
    window.send(other, window.numbered("NEIG000000001"), b"NEIG000000001")
    window.answers(other, 1)
    before = window.answers(flooder, FLOOD)
    resume = build_pause(flooder, paused=False, reason="")
    admin.publish_control(window.connection, (resume.key or b"").decode(), resume.value)
    after = window.answers(flooder, FLOOD + 1)

    assert b"dead letters in a row" in (paused[0].value or b"")
    assert len(before) == FLOOD
    assert after[-1].verdict is Verdict.ACCEPTED


def paused_parties(connection: Connection, party: str) -> list[Record]:
    """Give the commands that pause a party's inbox."""
    key = f"inbox:{party}".encode()
    return [each for each in admin.read_topic(connection, [topics.CONTROL]) if each.key == key and each.value]


def test_an_operator_pauses_and_resumes_an_inbox(window: Window) -> None:
    """What is published meanwhile waits."""
    party = window.add_party("PAUSED")
    pause = build_pause(party, paused=True, reason="test")
    admin.publish_control(window.connection, (pause.key or b"").decode(), pause.value)
    time.sleep(3)
    window.send(party, window.numbered("PAUS000000001"), b"PAUS000000001")
    time.sleep(3)
    with TraderClient(window.connection, party) as client:
        assert list(client.answers()) == []
    admin.publish_control(window.connection, (pause.key or b"").decode(), None)

    assert window.answers(party, 1)[0].verdict is Verdict.ACCEPTED


def test_a_missing_destination_is_held_and_released(window: Window) -> None:
    """A party without an outbox: its answer waits, everybody else goes on."""
    party = PartyId("NOOUTBOX")
    inbox, outbox = topics.party_topics(party, max_document_bytes=LARGEST)
    admin.create_topics(window.connection, [inbox], 1)
    window.send(party, window.numbered("NOOU000000001"), b"NOOU000000001")

    def held() -> list[Record]:
        records = admin.read_topic(window.connection, [topics.HELD])
        return [each for each in records if parse_held(each).meant.topic == outbox.name]

    (record,) = wait_for(held, 1)
    admin.create_topics(window.connection, [outbox], 1)
    released = nsw(window, "held", "release", "--topic", outbox.name)

    assert parse_held(record).code == Code.DESTINATION_MISSING
    assert "1 held deliveries released" in released
    assert window.answers(party, 1)[0].verdict is Verdict.ACCEPTED
    assert "0 held deliveries released" in nsw(window, "held", "release", "--topic", outbox.name)
    assert len(window.deliveries("CUSTOMS", party, 1)) == 1


def nsw(window: Window, *arguments: str) -> str:
    """Run the command line against the window."""
    command = [
        str(ROOT / ".venv" / "bin" / "nsw"),
        *arguments,
        "--bootstrap-servers",
        window.local.bootstrap_servers,
    ]
    environment = {**os.environ, "NSW_MAX_DOCUMENT_BYTES": str(LARGEST)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dead_letters_are_listed_shown_and_replayed_once(window: Window) -> None:
    """The replay answers the same submission again, as its second attempt, and is not repeated by itself."""
    party = window.add_party("REPLAYED")
    window.send(party, b"<Unknown xmlns='urn:later'/>", b"REPL", (("odd", b"\x00\xff"),))
    (letter,) = window.dead_letters(party, 1)
    listed = [
        orjson.loads(line)
        for line in nsw(window, "dead-letters", "list", "--sender", party, "--format", "json").splitlines()
    ]
    shown = orjson.loads(nsw(window, "dead-letters", "show", letter.identifier, "--format", "json"))
    dry = nsw(window, "dead-letters", "replay", "--sender", party, "--dry-run")
    done = nsw(window, "dead-letters", "replay", "--sender", party)
    letters = window.dead_letters(party, 2)
    again = nsw(window, "dead-letters", "replay", letter.identifier, "--dry-run")

    assert [(each["id"], each["code"], each["replayed"]) for each in listed] == [
        (letter.identifier, "NSW-1010", False)
    ]
    assert shown["key"] == "REPL"
    assert shown["headers"] == [["odd", "\x00\\xff"]]
    assert "1 dead letters would be replayed" in dry
    assert "1 dead letters replayed" in done
    assert [(each.identifier, each.attempts) for each in letters] == [
        (letter.identifier, 1),
        (letter.identifier, 2),
    ]
    assert [each.original.headers for each in letters] == [(("odd", b"\x00\xff"),)] * 2
    # The first is replayed; the second, its attempt, is new.
    assert "1 dead letters would be replayed" in again


def test_an_answer_with_a_forged_conversation_is_a_dead_letter(window: Window) -> None:
    """An agency can't put anything into a case that it was not given."""
    headers = ((topics.H_CONVERSATION, b"Rk9SR0VE.AAAA"),)
    publisher = Publisher(window.connection)
    publisher.publish(
        Publication(Purpose.ANSWER, topics.agency_outbox(AgencyCode("FDA")), b"k", b"<Response/>", headers)
    )
    publisher.close()
    (letter,) = window.dead_letters("FDA", 1)

    assert letter.code == Code.CONVERSATION_FORGED
    assert plan_replay(letter, window.config.case_partitions).topic == "nsw.agency.FDA.outbox"


@pytest.fixture(scope="module")
def kcat() -> str:
    """Give the foreign client; where a person has not installed it the tests say so, in CI they fail."""
    found = shutil.which("kcat")
    if found is None and os.environ.get("CI"):
        pytest.fail("kcat is missing: .ci/run installs it")
    if found is None:
        pytest.skip("left out: the foreign client kcat is not installed (Debian package kcat)")
    return found


def test_a_foreign_client_sees_identical_bytes_and_documented_headers(window: Window, kcat: str) -> None:
    """kcat, which shares no code with us, reads an agency's inbox."""
    party = window.add_party("FOREIGN")
    document = window.numbered("FORE000000001")
    window.send(party, document, b"FORE000000001")
    (delivery,) = window.deliveries("CUSTOMS", party, 1)
    base = [kcat, "-C", "-q", "-e", "-b", window.local.bootstrap_servers, "-t", "nsw.agency.CUSTOMS.inbox"]
    place = ["-p", "0", "-o", str(delivery.offset), "-c", "1", "-X", "isolation.level=read_committed"]
    value = subprocess.run([*base, *place, "-D", ""], capture_output=True, check=True, timeout=60).stdout
    headers = subprocess.run(
        [*base, *place, "-f", "%h"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    by_name = dict(each.split("=", 1) for each in headers.split(","))

    assert value == document
    assert by_name["ce_specversion"] == "1.0"
    assert by_name["ce_type"] == "nsw.declaration.delivered"
    assert by_name["content-type"] == "application/xml"
    assert by_name[topics.H_PARTY] == party
    assert by_name[topics.H_VIEW] == "identity"
    assert by_name[topics.H_ORIGINAL_DIGEST] == hashlib.sha256(document).hexdigest()
    assert by_name[topics.H_REFERENCE] == "FORE000000001"


def test_a_header_name_that_is_not_text_does_not_stop_the_stream(window: Window, kcat: str) -> None:
    """Only a foreign client can write one."""
    party = window.add_party("ODDHEADERS")
    base = [
        kcat.encode(),
        b"-P",
        b"-b",
        window.local.bootstrap_servers.encode(),
        b"-t",
        topics.inbox(party).encode(),
    ]
    document = window.numbered("ODDH000000001")
    path = window.config.data_folder / "odd.xml"
    path.write_bytes(document)
    subprocess.run(
        [*base, b"-H", b"\xff\xfe=x", b"-k", b"ODDH000000001", bytes(path)], check=True, timeout=60
    )
    window.send(party, window.numbered("ODDH000000002"), b"ODDH000000002")
    answers = window.answers(party, 2)

    assert sorted(each.reference_number for each in answers) == ["ODDH000000001", "ODDH000000002"]
    assert {each.verdict for each in answers} == {Verdict.ACCEPTED}


def test_documents_that_others_wrote_go_through(window: Window, conformance_data: Path) -> None:
    """WCO export declarations, with a message-type folder made by configuration only."""
    party = window.add_party("WCO")
    files = sorted((conformance_data / "hmrc-cds-dms" / "valid" / "declaration").glob("TT_EX*.xml"))
    # Some of them use a reference number that another one has.
    by_key: dict[str, bytes] = {}
    for path in files:
        by_key.setdefault(
            window.identify(path.read_bytes()).read_fields().reference_number or "", path.read_bytes()
        )
    read = list(by_key.values())[:30]
    with TraderClient(window.connection, party) as trader:
        trader.publish_many((value, key) for key, value in list(by_key.items())[:30])
    answers = window.answers(party, len(read))
    delivered = window.deliveries("CUSTOMS", party, len(read))

    assert len(read) == 30
    assert {each.verdict for each in answers} == {Verdict.ACCEPTED}
    assert sorted(each.original_digest for each in delivered) == sorted(
        hashlib.sha256(each).hexdigest() for each in read
    )
    assert sorted(each.value for each in delivered) == sorted(read)


def test_a_broken_folder_or_a_missing_table_refuses_to_start(window: Window, tmp_path: Path) -> None:
    """Every problem is listed at once, and the exit code says that starting again is no cure."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "type.yaml").write_text("message_type: x\nkind: nonsense\n")
    tables = tmp_path / "tables"
    tables.mkdir()
    environment = {
        **os.environ,
        "NSW_SCHEMA_FOLDERS": str(folder),
        "NSW_REFERENCE_FOLDER": str(tables),
        "NSW_BOOTSTRAP_SERVERS": window.local.bootstrap_servers,
    }
    command = [str(ROOT / ".venv" / "bin" / "nsw"), "worker", "--role", "casework", "--slot", "refused"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)

    assert done.returncode == 2
    for problem in (
        "type.yaml:2: kind",
        "type.yaml: root",
        "window.yaml",
        "permits.csv",
        "agencies.yaml",
        "parties.yaml",
    ):
        assert problem in done.stderr, problem
