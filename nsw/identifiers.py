"""
One type per identifier, and the only place that parses or derives it.

Identifiers derive from what is in the log (cluster, topic, partition, offset; party and reference number), so
a replay or a retry gives the same ones. Nothing here knows Kafka or a clock.
"""

import hashlib
import hmac
import re
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import NewType

from nsw.errors import Code, ConfigError, MessageError

PartyId = NewType("PartyId", str)
AgencyCode = NewType("AgencyCode", str)
SubmissionId = NewType("SubmissionId", str)
CaseId = NewType("CaseId", str)
ConversationId = NewType("ConversationId", str)

# Both become part of topic names: Kafka allows [a-zA-Z0-9._-]; a dot would blur where the name ends.
_PARTY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AGENCY = re.compile(r"[A-Z][A-Z0-9_-]{1,31}")
_REFERENCE = re.compile(r"[!-~]{1,64}")
_MAC_BYTES = 16
_SUBMISSION_NAMESPACE = uuid.UUID("0d1f9a52-7c1e-5b0e-9a35-6f8a2c1b7e10")


def parse_party_id(text: str) -> PartyId:
    """
    Read a party's id.

    Args:
        text: 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_'; it becomes part of the party's topic names.

    Raises:
        ConfigError: *text* has another shape.
    """
    if not _PARTY.fullmatch(text):
        raise ConfigError(f"party id {text!r}: 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_' are allowed")
    return PartyId(text)


def parse_agency_code(text: str) -> AgencyCode:
    """
    Read an agency's code.

    Args:
        text: 2 to 32 characters of A-Z, 0-9, '-' and '_', beginning with a letter.

    Raises:
        ConfigError: *text* has another shape.
    """
    if not _AGENCY.fullmatch(text):
        raise ConfigError(f"agency code {text!r}: 2 to 32 characters of A-Z, 0-9, '-', '_', a letter first")
    return AgencyCode(text)


def build_submission_id(cluster: str, topic: str, partition: int, offset: int) -> SubmissionId:
    """
    Name the submission that stands at one place of one log: the same place gives the same id.

    Source:
        RFC 9562 section 5.5 (UUID version 5).
    """
    return SubmissionId(str(uuid.uuid5(_SUBMISSION_NAMESPACE, f"{cluster}:{topic}:{partition}:{offset}")))


def build_case_id(party: str, key: bytes | None) -> CaseId:
    """
    Name the case of a party's declaration.

    Args:
        party: the party whose inbox the record stood in.
        key: the record's key, meant to be the reference number of the (original) declaration.

    Returns:
        ``party/reference``; for a key that can't be a reference number ``party/~`` and its digest, so that such
        records are still in one place, in order, and can be answered.
    """
    text = key.decode("ascii", "replace") if key else ""
    if _REFERENCE.fullmatch(text) and not text.startswith("~"):
        return CaseId(f"{party}/{text}")
    return CaseId(f"{party}/~{hashlib.sha256(key or b'').hexdigest()[:32]}")


def split_case_id(case_id: CaseId) -> tuple[PartyId, str | None]:
    """Give the party and the reference number (None where the key was no reference number)."""
    party, _, reference = case_id.partition("/")
    return PartyId(party), None if reference.startswith("~") else reference


def build_conversation_id(case_id: CaseId, key: bytes) -> ConversationId:
    """
    Name a case towards agencies, with a keyed MAC so that nobody can guess or forge another case's name.

    Args:
        case_id: ASCII.
        key: the window's secret, at least 16 bytes.

    Source:
        RFC 2104 (HMAC) with SHA-256, truncated to 128 bits as RFC 2104 section 5 allows.
    """
    name = urlsafe_b64encode(case_id.encode()).rstrip(b"=")
    return ConversationId(f"{name.decode()}.{_mac(name, key)}")


def parse_conversation_id(text: str, key: bytes) -> CaseId:
    """
    Read back the case that a conversation id names.

    Raises:
        MessageError: NSW-1031, this window did not give it out.
    """
    name, _, mac = text.partition(".")
    if not text.isascii() or not hmac.compare_digest(mac, _mac(name.encode(), key)):
        raise MessageError(Code.CONVERSATION_FORGED)
    try:
        return CaseId(urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("ascii"))
    except (Base64Error, UnicodeDecodeError) as error:
        raise MessageError(Code.CONVERSATION_FORGED) from error


def _mac(name: bytes, key: bytes) -> str:
    digest = hmac.digest(key, b"nsw-conversation:" + name, "sha256")[:_MAC_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_traceparent(text: str) -> bool:
    """
    Tell whether *text* is a usable trace parent.

    Source:
        W3C Trace Context level 1, section 3.2 (version 00; ids of zeros only are invalid).
    """
    match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", text)
    return bool(match and match[1].strip("0") and match[2].strip("0"))


def build_traceparent(submission_id: SubmissionId) -> str:
    """Begin a trace for a submission that came without one, from its id, so that a retry gives the same."""
    trace_id = uuid.UUID(submission_id).hex
    return f"00-{trace_id}-{trace_id[16:]}-01"
