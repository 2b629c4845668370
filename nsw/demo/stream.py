"""The stream of records that the invented traders lodge: mixed by a seed, each with what must come of it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, count, cycle, islice
from pathlib import Path
from typing import TypeVar

from nsw import topics
from nsw.config import Config
from nsw.demo.contents import content_digest
from nsw.demo.facts import Draft, Expected
from nsw.demo.oddities import ODDITIES, Material, Oddity
from nsw.demo.samples import (
    Sample,
    Samples,
    load_samples,
    read_permit_codes,
    rewrite,
    with_goods,
    with_trader,
)
from nsw.documents import encode_document, identify
from nsw.errors import ConfigError
from nsw.identifiers import PartyId
from nsw.model import Format, Headers, Publication, Purpose
from nsw.reference import Reference
from nsw.routing import AnswerFormat, Party

_T = TypeVar("_T")
#: Begins every reference number of the demonstration.
PROFILE = "DEMO"
_LEAD = "CUSTOMS"
_PERMIT_TABLE = "permits.csv"
#: The largest declaration goes here, as a share of a round: a crash of the worker comes right behind it.
LARGEST_AT = 0.75
_ODD_SHARE = 0.2
_MOST_ODD_SHARE = 0.6
_BROKEN_SHARE = 0.35
_SCHEMA_BROKEN_EVERY = 3
_REAL_CODE_EVERY = 3
#: Who is answered in Avro sends Avro; who is answered as sent sends both.
_AVRO_CHANCE_BY_ANSWERS = {AnswerFormat.AVRO: 1.0, AnswerFormat.XML: 0.0, AnswerFormat.AS_SENT: 0.25}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """
    One record to be made.

    Attributes:
        sample: what it is made from.
        oddity: how it is spoilt, if it is.
    """

    title: str
    sample: Sample
    oddity: Oddity | None = None


class Stream:
    """
    Makes the records of a run, round by round.

    Args:
        permit_table: read naively, for the agencies of real codes.
        limit_bytes: the largest document that the window takes.
        first_number: running number of the first reference number.

    Raises:
        ConfigError: the samples or the register of parties are missing.
    """

    def __init__(
        self,
        reference: Reference,
        samples: Samples,
        permit_table: Path,
        *,
        limit_bytes: int,
        seed: int,
        first_number: int = 1,
    ) -> None:
        if not reference.parties:
            raise ConfigError("the demonstration needs parties: parties.yaml names none")
        self._reference = reference
        self._samples = samples
        self._permit_table = permit_table
        self._limit_bytes = limit_bytes
        self._random = random.Random(seed)
        self._numbers = count(first_number)
        self._parties = [reference.parties[each] for each in sorted(reference.parties)]

    def round(self, size: int, on: date, *, heavy: bool) -> list[Draft]:
        """
        Make some records in mixed order.

        Args:
            size: how many.
            on: the day on which they will be lodged.
            heavy: whether those of megabytes are among them.
        """
        wanted = self._choose(size, on, heavy=heavy)
        self._random.shuffle(wanted)
        if heavy and size > 1:
            wanted[int(size * LARGEST_AT) - 1] = _Wanted("999 items", self._samples.largest)
        offset = self._random.randrange(len(self._parties))
        return [
            self._draft(each, self._parties[(offset + place) % len(self._parties)], on)
            for place, each in enumerate(wanted)
        ]

    def _choose(self, size: int, on: date, *, heavy: bool) -> list[_Wanted]:
        odd = list(islice(self._odd(heavy=heavy), self._odd_count(size, heavy=heavy)))
        broken = list(islice(self._broken(), int((size - len(odd)) * _BROKEN_SHARE)))
        good = list(islice(self._good(on), size - len(odd) - len(broken)))
        return odd + broken + good

    def _odd_count(self, size: int, *, heavy: bool) -> int:
        """In the first round every oddity once where there is room; later a few."""
        least = min(len(ODDITIES), int(size * _MOST_ODD_SHARE)) if heavy else 0
        return max(least, int(size * _ODD_SHARE))

    def _odd(self, *, heavy: bool) -> Iterator[_Wanted]:
        # The heavy ones come once at most.
        light = [each for each in ODDITIES if not each.heavy]
        first = self._shuffled(ODDITIES if heavy else light)
        for each in chain(first, cycle(light)):
            yield _Wanted(each.title, self._samples.small, each)

    def _broken(self) -> Iterator[_Wanted]:
        schema = cycle(self._shuffled(self._samples.schema_broken))
        rule = cycle(self._shuffled(self._samples.rule_broken))
        for number in count():
            sample = next(schema if number % _SCHEMA_BROKEN_EVERY == 0 else rule)
            yield _Wanted(f"broken: {sample.name}", sample)

    def _good(self, on: date) -> Iterator[_Wanted]:
        samples = cycle(self._shuffled((*self._samples.good, *self._samples.logistics)))
        real = cycle(self._shuffled(self._real_goods(on)))
        for number in count(1):
            sample = next(real if number % _REAL_CODE_EVERY == 0 else samples)
            yield _Wanted(sample.name, sample)

    def _real_goods(self, on: date) -> list[Sample]:
        small = self._samples.small
        return [
            Sample(
                f"real code {code.tariff}/{code.statistical_code}",
                with_goods(small.document, code),
                replace(small.expected, agencies=tuple(sorted({_LEAD, *code.agencies}))),
            )
            for code in read_permit_codes(self._permit_table, on)
        ]

    def _shuffled(self, choices: Sequence[_T]) -> list[_T]:
        return self._random.sample(choices, len(choices))

    def _draft(self, wanted: _Wanted, party: Party, on: date) -> Draft:
        number = f"{PROFILE}{next(self._numbers):09d}"
        if wanted.oddity is not None:
            return self._odd_draft(wanted.oddity, number, party, on)
        sample = wanted.sample
        party = next(
            (each for each in self._parties if sample.sender and each.tax_id == sample.sender), party
        )
        xml = rewrite(sample.document, number, on)
        if not sample.expected.codes:
            xml = with_trader(xml, party)
        document = identify(xml, on, self._reference.catalogue, self._reference.limits.xml)
        sends_avro = self._random.random() < _AVRO_CHANCE_BY_ANSWERS[party.answers]
        form = Format.AVRO if sends_avro and sample.fits_schema else Format.XML
        value = encode_document(document.message_type, document.root, form) if form is Format.AVRO else xml
        return Draft(
            title=wanted.title,
            party=party.id,
            publication=_publication(party.id, number.encode(), value),
            form=form,
            answer_form=_answer_form(party, form),
            content=content_digest(document) if sample.expected.agencies else "",
            expected=sample.expected,
        )

    def _odd_draft(self, oddity: Oddity, number: str, party: Party, on: date) -> Draft:
        small = self._samples.small
        xml = rewrite(small.document, number, on)
        document = identify(xml, on, self._reference.catalogue, self._reference.limits.xml)
        material = Material(
            reference_number=number,
            xml=xml,
            avro=encode_document(document.message_type, document.root, Format.AVRO),
            response=rewrite(self._samples.response, number, on),
            limit_bytes=self._limit_bytes,
        )
        accepted = oddity.code is None
        return Draft(
            title=oddity.title,
            party=party.id,
            publication=_publication(party.id, oddity.key(material), oddity.value(material), oddity.headers),
            form=oddity.form,
            answer_form=_answer_form(party, oddity.form),
            content=content_digest(document) if accepted else "",
            expected=Expected(
                oddity.verdict,
                () if oddity.code is None else (oddity.code,),
                small.expected.agencies if accepted else (),
                answered=oddity.answered,
            ),
        )


def load_stream(reference: Reference, config: Config, *, seed: int, first_number: int = 1) -> Stream:
    """
    Prepare a stream from the window's own folders.

    Raises:
        ConfigError: the samples or the register of parties are missing.
    """
    return Stream(
        reference,
        load_samples(config.schema_folders[0]),
        config.reference_folder / _PERMIT_TABLE,
        limit_bytes=config.max_document_bytes,
        seed=seed,
        first_number=first_number,
    )


def _answer_form(party: Party, form: Format) -> Format:
    return form if party.answers is AnswerFormat.AS_SENT else Format(party.answers.value)


def _publication(
    party: PartyId, key: bytes | None, value: bytes | None, headers: Headers = ()
) -> Publication:
    return Publication(Purpose.CASE, topics.inbox(party), key, value, headers)
