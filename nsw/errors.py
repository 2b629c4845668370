"""
The exception tree, grouped by what the caller does next, and the catalogue of stable codes.

    NswError
    x MessageError     this record can never succeed: reject it, or keep it as a dead letter
    x TransientError   try again: the offset is not committed
    x ConfigError      stop at start, with every problem listed
    x InvariantError   stop now: our own bug

Broken schemas and business rules are findings (see ``model.Finding``), not exceptions.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Verdict(StrEnum):
    """What became of one record."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEAD_LETTER = "dead-letter"


class Severity(StrEnum):
    """How much a finding weighs; only an error rejects a document."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Layer(StrEnum):
    """Which check reported a finding."""

    SYNTAX = "syntax"
    SCHEMA = "schema"
    RULE = "rule"
    CASE = "case"


class Code(StrEnum):
    """
    The stable codes that integrators route on; a code is never reused for another meaning.

    1xxx envelope and syntax, 2xxx schema, 3xxx the running of business rules, 4xxx routing and delivery,
    5xxx what was lodged before, 9xxx ours. The codes of business rules themselves are the ids in ``rules.sch``.
    """

    EMPTY_RECORD = "NSW-1001"
    UNKNOWN_FORMAT = "NSW-1002"
    NOT_WELL_FORMED = "NSW-1003"
    DOCUMENT_TOO_LARGE = "NSW-1004"
    DOCTYPE_REFUSED = "NSW-1005"
    PARSER_LIMIT = "NSW-1006"
    WRONG_ENCODING = "NSW-1007"
    UNKNOWN_ROOT = "NSW-1010"
    WRONG_NAMESPACE = "NSW-1011"
    UNKNOWN_SCHEMA_ID = "NSW-1012"
    AVRO_UNREADABLE = "NSW-1013"
    AVRO_TRAILING_BYTES = "NSW-1014"
    VERSION_NOT_IN_FORCE = "NSW-1015"
    UNWELCOME_KIND = "NSW-1016"
    KEY_MISSING = "NSW-1020"
    KEY_NOT_REFERENCE = "NSW-1021"
    KEY_TOO_LONG = "NSW-1022"
    HEADER_TWICE = "NSW-1023"
    HEADER_NOT_UTF8 = "NSW-1024"
    CONTENT_TYPE_WRONG = "NSW-1025"
    CONVERSATION_MISSING = "NSW-1030"
    CONVERSATION_FORGED = "NSW-1031"
    NOT_LOG_APPEND_TIME = "NSW-1040"
    STAMP_UNREADABLE = "NSW-1041"
    SCHEMA_MISSING_ELEMENT = "NSW-2001"
    SCHEMA_UNEXPECTED_ELEMENT = "NSW-2002"
    SCHEMA_WRONG_VALUE = "NSW-2003"
    SCHEMA_ATTRIBUTE = "NSW-2004"
    SCHEMA_KEY = "NSW-2005"
    SCHEMA_OTHER = "NSW-2006"
    SCHEMA_BUDGET_ENDED = "NSW-2007"
    RULE_NOT_JUDGED = "NSW-3001"
    FINDINGS_CAPPED = "NSW-3002"
    LAW_DATE_UNREADABLE = "NSW-3010"
    LAW_DATE_OUT_OF_BOUNDS = "NSW-3011"
    DESTINATION_MISSING = "NSW-4001"
    FORMAT_NOT_ACCEPTED = "NSW-4002"
    OUTPUT_TOO_LARGE = "NSW-4003"
    ANSWER_NOT_VALID = "NSW-4010"
    REFERENCE_IN_USE = "NSW-5001"
    CASE_UNKNOWN = "NSW-5002"
    CASE_CANCELLED = "NSW-5003"
    INTERNAL = "NSW-9001"
    ENDS_PROCESS = "NSW-9002"


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """
    What the catalogue says of one code.

    Attributes:
        verdict: what a finding of this code makes of the record; ACCEPTED marks codes that never reject.
        layer: the layer under which a finding of this code is reported.
        text_en: one sentence for people; ``{detail}`` is replaced by what was seen.
        text_th: the same sentence in Thai.
        source: the standard or decision behind it.
    """

    verdict: Verdict
    layer: Layer
    text_en: str
    text_th: str
    source: str


_D, _R, _A = Verdict.DEAD_LETTER, Verdict.REJECTED, Verdict.ACCEPTED
_SYNTAX, _SCHEMA, _RULE, _CASE = Layer.SYNTAX, Layer.SCHEMA, Layer.RULE, Layer.CASE
_XML = "W3C XML 1.0"
_XSD = "W3C XML Schema 1.0"
_OURS = "our choice, docs/adr/0004"
_CONFLUENT = "Confluent wire format"

CATALOGUE: dict[Code, CodeEntry] = {
    Code.EMPTY_RECORD: CodeEntry(_D, _SYNTAX, "The record has no value.", "ระเบียนไม่มีข้อมูล", _OURS),
    Code.UNKNOWN_FORMAT: CodeEntry(
        _D,
        _SYNTAX,
        "The value is neither XML (it does not begin with '<') nor Avro (no magic byte 0): {detail}.",
        "ข้อมูลไม่ใช่ XML (ไม่ได้ขึ้นต้นด้วย '<') และไม่ใช่ Avro (ไม่มีไบต์ 0 นำหน้า): {detail}",
        _OURS,
    ),
    Code.NOT_WELL_FORMED: CodeEntry(
        _R, _SYNTAX, "The XML is not well-formed: {detail}.", "เอกสาร XML ไม่ถูกต้องตามไวยากรณ์: {detail}", _XML
    ),
    Code.DOCUMENT_TOO_LARGE: CodeEntry(
        _D, _SYNTAX, "The document is too large: {detail}.", "เอกสารมีขนาดใหญ่เกินกำหนด: {detail}", _OURS
    ),
    Code.DOCTYPE_REFUSED: CodeEntry(
        _D,
        _SYNTAX,
        "The document has a DOCTYPE, which is refused: send it without one.",
        "เอกสารมี DOCTYPE ซึ่งไม่อนุญาต โปรดส่งใหม่โดยไม่มี DOCTYPE",
        "OWASP XML External Entity Prevention",
    ),
    Code.PARSER_LIMIT: CodeEntry(
        _D,
        _SYNTAX,
        "The document exceeds a limit of the parser: {detail}.",
        "เอกสารเกินขีดจำกัดของตัวแยกวิเคราะห์: {detail}",
        _OURS,
    ),
    Code.WRONG_ENCODING: CodeEntry(
        _R,
        _SYNTAX,
        "The characters are not in an accepted encoding (UTF-8, or UTF-16 with a byte order mark): {detail}.",
        "อักขระของเอกสารไม่อยู่ในรหัสที่รับได้ (UTF-8 หรือ UTF-16 ที่มี BOM): {detail}",
        f"{_XML}, section 4.3.3",
    ),
    Code.UNKNOWN_ROOT: CodeEntry(
        _D,
        _SYNTAX,
        "No message type has the root element {detail}.",
        "ไม่มีประเภทเอกสารที่มีองค์ประกอบรากเป็น {detail}",
        "Namespaces in XML 1.0",
    ),
    Code.WRONG_NAMESPACE: CodeEntry(
        _D,
        _SYNTAX,
        "The root element is known in another namespace only: {detail}.",
        "องค์ประกอบรากนี้รู้จักเฉพาะในเนมสเปซอื่น: {detail}",
        "Namespaces in XML 1.0",
    ),
    Code.UNKNOWN_SCHEMA_ID: CodeEntry(
        _D,
        _SYNTAX,
        "No message type has the Avro schema id {detail}.",
        "ไม่มีประเภทเอกสารที่ใช้รหัสสคีมา Avro {detail}",
        _CONFLUENT,
    ),
    Code.AVRO_UNREADABLE: CodeEntry(
        _R,
        _SYNTAX,
        "The Avro body cannot be read with its schema: {detail}.",
        "ไม่สามารถอ่านข้อมูล Avro ตามสคีมาได้: {detail}",
        "Apache Avro 1.12 specification",
    ),
    Code.AVRO_TRAILING_BYTES: CodeEntry(
        _R,
        _SYNTAX,
        "Bytes follow the Avro body: {detail}.",
        "มีไบต์เกินต่อท้ายข้อมูล Avro: {detail}",
        _CONFLUENT,
    ),
    Code.VERSION_NOT_IN_FORCE: CodeEntry(
        _R,
        _SYNTAX,
        "The message type is not in force on the day whose law applies: {detail}.",
        "ประเภทเอกสารนี้ไม่มีผลใช้บังคับในวันที่ใช้กำหนดกฎเกณฑ์: {detail}",
        _OURS,
    ),
    Code.UNWELCOME_KIND: CodeEntry(
        _R,
        _SYNTAX,
        "This sender may not send this kind of message: {detail}.",
        "ผู้ส่งรายนี้ไม่มีสิทธิส่งเอกสารประเภทนี้: {detail}",
        _OURS,
    ),
    Code.KEY_MISSING: CodeEntry(
        _R,
        _SYNTAX,
        "The record has no key: its key must be the declaration's reference number.",
        "ระเบียนไม่มีคีย์ คีย์ต้องเป็นเลขที่อ้างอิงของใบขนสินค้า",
        _OURS,
    ),
    Code.KEY_NOT_REFERENCE: CodeEntry(
        _R,
        _SYNTAX,
        "The record's key is not the declaration's reference number: {detail}.",
        "คีย์ของระเบียนไม่ตรงกับเลขที่อ้างอิงของใบขนสินค้า: {detail}",
        _OURS,
    ),
    Code.KEY_TOO_LONG: CodeEntry(
        _D, _SYNTAX, "The record's key is too long: {detail}.", "คีย์ของระเบียนยาวเกินกำหนด: {detail}", _OURS
    ),
    Code.HEADER_TWICE: CodeEntry(
        _R,
        _SYNTAX,
        "A header that must be single is given several times: {detail}.",
        "มีส่วนหัวที่ต้องมีเพียงค่าเดียวแต่ถูกส่งมาหลายครั้ง: {detail}",
        _OURS,
    ),
    Code.HEADER_NOT_UTF8: CodeEntry(
        _R,
        _SYNTAX,
        "A header's value is not UTF-8 text: {detail}.",
        "ค่าของส่วนหัวไม่ใช่ข้อความ UTF-8: {detail}",
        "CloudEvents Kafka protocol binding 1.0.2, section 3.2.3",
    ),
    Code.CONTENT_TYPE_WRONG: CodeEntry(
        _R,
        _SYNTAX,
        "The content-type header does not fit the value: {detail}.",
        "ส่วนหัว content-type ไม่ตรงกับข้อมูล: {detail}",
        "CloudEvents Kafka protocol binding 1.0.2, section 3.2.1",
    ),
    Code.CONVERSATION_MISSING: CodeEntry(
        _D,
        _SYNTAX,
        "The answer carries no nsw-conversation-id header, so its case is unknown.",
        "คำตอบไม่มีส่วนหัว nsw-conversation-id จึงไม่ทราบว่าเป็นของเรื่องใด",
        _OURS,
    ),
    Code.CONVERSATION_FORGED: CodeEntry(
        _D,
        _SYNTAX,
        "The conversation id was not given out by this window.",
        "รหัสการสนทนานี้ไม่ได้ออกโดยระบบนี้",
        _OURS,
    ),
    Code.NOT_LOG_APPEND_TIME: CodeEntry(
        _D,
        _SYNTAX,
        "The inbox topic takes the sender's clock (message.timestamp.type is not LogAppendTime).",
        "หัวข้อรับเอกสารใช้นาฬิกาของผู้ส่ง (message.timestamp.type ไม่ใช่ LogAppendTime)",
        _OURS,
    ),
    Code.STAMP_UNREADABLE: CodeEntry(
        _D,
        _SYNTAX,
        "The record in nsw.cases carries no readable stamp of intake: {detail}.",
        "ระเบียนใน nsw.cases ไม่มีตราประทับรับเข้าที่อ่านได้: {detail}",
        _OURS,
    ),
    Code.SCHEMA_MISSING_ELEMENT: CodeEntry(
        _R, _SCHEMA, "An element is missing: {detail}.", "ขาดองค์ประกอบที่จำเป็น: {detail}", _XSD
    ),
    Code.SCHEMA_UNEXPECTED_ELEMENT: CodeEntry(
        _R, _SCHEMA, "An element is not expected here: {detail}.", "มีองค์ประกอบที่ไม่ควรอยู่ตรงนี้: {detail}", _XSD
    ),
    Code.SCHEMA_WRONG_VALUE: CodeEntry(
        _R, _SCHEMA, "A value is not allowed by its type: {detail}.", "ค่าไม่ถูกต้องตามชนิดข้อมูล: {detail}", _XSD
    ),
    Code.SCHEMA_ATTRIBUTE: CodeEntry(
        _R,
        _SCHEMA,
        "An attribute is missing or not allowed: {detail}.",
        "แอตทริบิวต์ขาดหรือไม่อนุญาต: {detail}",
        _XSD,
    ),
    Code.SCHEMA_KEY: CodeEntry(
        _R,
        _SCHEMA,
        "A key of the schema is missing, given twice, or refers to nothing: {detail}.",
        "คีย์ตามสคีมาขาดหาย ซ้ำ หรืออ้างถึงสิ่งที่ไม่มี: {detail}",
        _XSD,
    ),
    Code.SCHEMA_OTHER: CodeEntry(
        _R, _SCHEMA, "The document breaks its schema: {detail}.", "เอกสารไม่ถูกต้องตามสคีมา: {detail}", _XSD
    ),
    Code.SCHEMA_BUDGET_ENDED: CodeEntry(
        _A,
        _SCHEMA,
        "The search for further schema findings ended early: {detail}.",
        "การค้นหาข้อผิดพลาดตามสคีมาเพิ่มเติมสิ้นสุดก่อนกำหนด: {detail}",
        _OURS,
    ),
    Code.RULE_NOT_JUDGED: CodeEntry(
        _A, _RULE, "A rule could not be judged: {detail}.", "ไม่สามารถตรวจตามกฎได้: {detail}", _OURS
    ),
    Code.FINDINGS_CAPPED: CodeEntry(
        _A, _RULE, "More findings are not listed: {detail}.", "มีข้อผิดพลาดอื่นที่ไม่ได้แสดง: {detail}", _OURS
    ),
    Code.LAW_DATE_UNREADABLE: CodeEntry(
        _R,
        _RULE,
        "The date that decides which rules apply is missing or no date; those of the lodging date were used: {detail}.",
        "วันที่ที่ใช้กำหนดกฎเกณฑ์ขาดหายหรือไม่ใช่วันที่ จึงใช้กฎเกณฑ์ ณ วันที่ยื่น: {detail}",
        _OURS,
    ),
    Code.LAW_DATE_OUT_OF_BOUNDS: CodeEntry(
        _R,
        _RULE,
        "The date that decides which rules apply is too far from the lodging date, whose rules were used: {detail}.",
        "วันที่ที่ใช้กำหนดกฎเกณฑ์ห่างจากวันที่ยื่นเกินกำหนด จึงใช้กฎเกณฑ์ ณ วันที่ยื่น: {detail}",
        _OURS,
    ),
    Code.DESTINATION_MISSING: CodeEntry(
        _A, _SYNTAX, "The destination topic is missing: {detail}.", "ไม่พบหัวข้อปลายทาง: {detail}", _OURS
    ),
    Code.FORMAT_NOT_ACCEPTED: CodeEntry(
        _A,
        _SYNTAX,
        "The destination does not accept this document's format: {detail}.",
        "ปลายทางไม่รับรูปแบบของเอกสารนี้: {detail}",
        _OURS,
    ),
    Code.OUTPUT_TOO_LARGE: CodeEntry(
        _D,
        _SYNTAX,
        "What the record leads to is too large: {detail}.",
        "ผลลัพธ์ของระเบียนมีขนาดใหญ่เกินไป: {detail}",
        _OURS,
    ),
    Code.ANSWER_NOT_VALID: CodeEntry(
        _D, _SYNTAX, "The agency's answer is not valid: {detail}.", "คำตอบของหน่วยงานไม่ถูกต้อง: {detail}", _OURS
    ),
    Code.REFERENCE_IN_USE: CodeEntry(
        _R,
        _CASE,
        "Another declaration was accepted under this reference number: send an amendment, or use a new number.",
        "เลขที่อ้างอิงนี้มีใบขนสินค้าอื่นที่รับไว้แล้ว โปรดยื่นคำขอแก้ไข หรือใช้เลขที่ใหม่",
        "Thai Customs e-Export manual: a reference that has a declaration number is refused",
    ),
    Code.CASE_UNKNOWN: CodeEntry(
        _R,
        _CASE,
        "No declaration was accepted under the reference number that this document is about.",
        "ไม่พบใบขนสินค้าที่รับไว้แล้วตามเลขที่อ้างอิงที่เอกสารนี้อ้างถึง",
        _OURS,
    ),
    Code.CASE_CANCELLED: CodeEntry(
        _R,
        _CASE,
        "The declaration that this document is about was cancelled.",
        "ใบขนสินค้าที่เอกสารนี้อ้างถึงถูกยกเลิกแล้ว",
        _OURS,
    ),
    Code.INTERNAL: CodeEntry(
        _D,
        _SYNTAX,
        "The window failed while judging this record: {detail}.",
        "ระบบขัดข้องขณะตรวจระเบียนนี้: {detail}",
        _OURS,
    ),
    Code.ENDS_PROCESS: CodeEntry(
        _D,
        _SYNTAX,
        "Judging this record ends the process that does it: {detail}.",
        "การตรวจระเบียนนี้ทำให้กระบวนการที่ตรวจยุติลง: {detail}",
        "our choice, docs/adr/0013",
    ),
}


class NswError(Exception):
    """Any error this project raises on purpose."""


class MessageError(NswError):
    """
    A record can never succeed: reject it, or keep it as a dead letter, as its code says.

    Attributes:
        code: the stable code.
        detail: what was seen, without any text of the document that could be personal data.
        line: 1-based line in the XML document, when known.
        column: 1-based column in that line, when known.
    """

    def __init__(
        self, code: Code, detail: str = "", *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(f"{code}: {CATALOGUE[code].text_en.format(detail=detail)}")
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column


class TransientError(NswError):
    """
    Try again: nothing was committed.

    Attributes:
        question: what an operator should look at first.
    """

    question: ClassVar[str] = "Is the broker running at NSW_BOOTSTRAP_SERVERS?"


class ConfigError(NswError):
    """
    The process must not start.

    Attributes:
        problems: one sentence each, with file, line or variable.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RefusedError(ConfigError):
    """A change that somebody asked for is refused, with every reason; nothing was changed."""


class InvariantError(NswError):
    """Our own bug: stop at once rather than go on with a wrong state."""
