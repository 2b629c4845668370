"""
Our own worker process, as ``nsw worker`` runs it, with the decision that is to be measured.

``like``: parse, XSD, route and copies only, which is what the other engines do: no business rules, no
acknowledgement, no events, and nothing new in the case state. Loops, intake, case lookup, headers of the copies and
everything about documents that are refused are the real ones. ``full``: the decision that windows run.
"""

import hashlib
import logging
import os
import sys

from nsw import worker
from nsw.cases import Case
from nsw.config import load_config
from nsw.deliveries import build_deliveries
from nsw.documents import Parsed
from nsw.envelope import parse_stamp
from nsw.model import Record, Verdict
from nsw.processing import Outcome, judge, process
from nsw.reference import Reference


def route_only(
    record: Record, reference: Reference, case: Case | None, parsed: Parsed | None = None
) -> Outcome:
    """Decide about a declaration by schema and tables, and publish its copies alone."""
    submission = parse_stamp(record)
    value = submission.value or b""
    judgement = judge(value, submission.lodged_on(reference.window.time_zone), reference, parsed)
    document = judgement.document
    if document is None or judgement.verdict is not Verdict.ACCEPTED:
        return process(record, reference, case, parsed)
    digest = hashlib.sha256(value).hexdigest()
    copies = build_deliveries(submission, reference, document, judgement.data, judgement.decision, digest)
    name = document.message_type.name
    return Outcome(Verdict.ACCEPTED, copies, None, judgement, submission, accepted_type=name)


def main() -> None:
    """Run until SIGTERM: arguments are the decision's name and the roles."""
    logging.basicConfig(level=logging.WARNING)
    kind, *roles = sys.argv[1:]
    decide = {"like": route_only, "full": process}[kind]
    sys.exit(worker.run(load_config(os.environ), [worker.Role(role) for role in roles], decide))


if __name__ == "__main__":
    main()
