"""The Thai message types: the official field table, the schemas made from it, and their valid samples."""

import csv
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import yaml
from lxml import etree
from stdnum.th import tin

from tools.samples.catalogue import FOOD, RICE
from tools.samples.export_declaration import VALID, build_export_declaration

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
EXPORT = SCHEMAS / "th" / "export-declaration" / "1.0"
TYPES = (
    EXPORT,
    *(SCHEMAS / each / "1.0" for each in ("th/response", "nsw/acknowledgement", "nsw/rejection")),
)
FIELD_COUNT_BY_SECTION = {"EDC": 70, "EIC": 35, "EDD": 72, "EDT": 11, "EDP": 3, "EDS": 2}
XS = {"xs": "http://www.w3.org/2001/XMLSchema"}
D = {"d": "urn:nsw:th:export-declaration:1"}
CENT = Decimal("0.01")


def rows_of(path: Path, delimiter: str = "\t") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter=delimiter))


FIELDS = rows_of(EXPORT / "fields.tsv")
SECTION_PATHS = tuple(dict.fromkeys(row["path"].rpartition("/")[0] for row in FIELDS))
VALID_SAMPLES = sorted(path for folder in TYPES for path in folder.glob("samples/valid/*.xml"))
EXPORT_SAMPLES = [EXPORT / "samples" / "valid" / f"{name}.xml" for name in VALID]


def name_of(path: Path) -> str:
    return path.relative_to(SCHEMAS).as_posix() if path.is_relative_to(SCHEMAS) else path.name


@pytest.fixture(scope="module")
def thai_facts() -> Path:
    data = Path(os.environ.get("NSW_CONFORMANCE_DATA", ROOT.parent / "shared" / "data")) / "thai-facts"
    if not data.is_dir():
        notice = "the official tables are not here; NSW_CONFORMANCE_DATA can name their folder"
        if os.environ.get("CI") == "true":
            pytest.fail(notice)
        pytest.skip(notice)
    return data


@pytest.fixture(scope="module")
def xsd() -> etree._Element:
    return etree.parse(EXPORT / "message.xsd").getroot()


@pytest.fixture(scope="module")
def fast_schema() -> dict[Path, etree.XMLSchema]:
    return {folder: etree.XMLSchema(etree.parse(folder / "message.xsd")) for folder in TYPES}


@pytest.fixture(scope="module")
def full_schema() -> dict[Path, xmlschema.XMLSchema]:
    return {folder: xmlschema.XMLSchema(str(folder / "message.xsd"), allow="local") for folder in TYPES}


def schema_elements(xsd: etree._Element, section: str) -> list[etree._Element]:
    """Follow a section's path, such as GoodsItem/Permit, to the elements of its type."""
    found = xsd.xpath(
        f"xs:complexType[@name='{section.rpartition('/')[2]}']/xs:sequence/xs:element", namespaces=XS
    )
    return [each for each in found if isinstance(each, etree._Element)] if isinstance(found, list) else []


def texts(document: etree._Element, path: str) -> list[str]:
    found = document.xpath(path, namespaces=D)
    return (
        [str(each.text) for each in found if isinstance(each, etree._Element)]
        if isinstance(found, list)
        else []
    )


def total(document: etree._Element, path: str) -> Decimal:
    return sum(map(Decimal, texts(document, path)), Decimal(0))


def permit_agencies(facts: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for row in rows_of(facts / "permits-sample.csv", ","):
        if row["direction"] in {"export", "both"} and row["effective_from"] <= "2026-11-22":
            yield (row["tariff"], row["statistical_code"]), row["agency"]


class TestFields:
    def test_has_one_row_for_each_of_the_193_official_fields(self) -> None:
        """Every section has as many fields as the official table, numbered without gaps."""
        for section, count in FIELD_COUNT_BY_SECTION.items():
            numbers = [int(row["seq"]) for row in FIELDS if row["section"] == section]
            assert list(range(1, count + 1)) == numbers

        assert len(FIELDS) == 193

    def test_repeats_the_official_table(self, thai_facts: Path) -> None:
        """Section, sequence, presence, name and format are those of the official table, in its order."""
        columns = ("section", "seq", "presence", "field", "format")
        official = [
            tuple(row[column] for column in columns)
            for row in rows_of(thai_facts / "export_declaration_fields.tsv")
            if row["section"] in FIELD_COUNT_BY_SECTION
        ]

        assert official == [tuple(row[column] for column in columns) for row in FIELDS]

    def test_gives_each_field_a_path_of_its_own(self) -> None:
        """No two fields share an element, and the Avro name is the element's name."""
        assert len({row["path"] for row in FIELDS}) == len(FIELDS)
        assert [row["path"].rpartition("/")[2] for row in FIELDS] == [row["avro"] for row in FIELDS]


class TestSchema:
    def test_has_no_element_beyond_the_official_fields_and_their_sections(self, xsd: etree._Element) -> None:
        """What is in the schema and not in the table are only the sections themselves."""
        names = {each.get("name") for section in SECTION_PATHS for each in schema_elements(xsd, section)}

        assert {"DutyTaxFee", "Permit", "Deposit"} == names - {row["avro"] for row in FIELDS}

    @pytest.mark.parametrize("folder", TYPES, ids=name_of)
    def test_is_compiled_by_both_validators(
        self,
        folder: Path,
        fast_schema: dict[Path, etree.XMLSchema],
        full_schema: dict[Path, xmlschema.XMLSchema],
    ) -> None:
        """The schema has the root element that type.yaml names, for libxml2 and for xmlschema."""
        root = yaml.safe_load((folder / "type.yaml").read_text("utf-8"))["root"]

        assert folder in fast_schema
        assert root in full_schema[folder].maps.elements

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("BorderTransportMeansDepartureDate", "20261320"),
            ("BorderTransportMeansDepartureDate", "20261132"),
            ("BorderTransportMeansDepartureDate", "2026112"),
            ("FunctionalReferenceID", "NSWD00000001"),
            ("DestinationCountryCode", "S1"),
            ("ReleaseLocationID", "28011"),
            ("TotalGrossMassMeasure", "-1"),
            ("TotalGrossMassMeasure", "1.0001"),
            ("TotalGrossMassMeasure", "123456789012"),
            ("ExporterEnglishName", "A" * 71),
            ("MarksNumbersID", "A\tB"),
        ],
    )
    def test_refuses_a_value_of_another_format(
        self, field: str, value: str, fast_schema: dict[Path, etree.XMLSchema]
    ) -> None:
        """Dates, lengths, letters, digits and decimals are as the official format says."""
        document = etree.fromstring(
            build_export_declaration(reference="NSWD000000001", control={field: value})
        )

        assert not fast_schema[EXPORT].validate(document)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ClearancePersonID", "N/A"),
            ("TotalPackageQuantity", "0"),
            ("TotalGrossMassMeasure", "0"),
            ("ExporterName", "ก" * 120),
            ("ReleaseLocationID", "0119"),
            ("ExporterBranchID", "000000"),
        ],
    )
    def test_takes_the_unknown_thai_text_and_leading_zeros(
        self, field: str, value: str, fast_schema: dict[Path, etree.XMLSchema]
    ) -> None:
        """N/A or 0 stands for what is unknown, lengths count characters, digits of codes are kept."""
        document = etree.fromstring(
            build_export_declaration(reference="NSWD000000001", control={field: value})
        )

        fast_schema[EXPORT].assertValid(document)


class TestSamples:
    @pytest.mark.parametrize("sample", VALID_SAMPLES, ids=name_of)
    def test_are_valid_for_both_validators(
        self,
        sample: Path,
        fast_schema: dict[Path, etree.XMLSchema],
        full_schema: dict[Path, xmlschema.XMLSchema],
    ) -> None:
        """libxml2 and xmlschema agree that a valid sample is valid."""
        folder = sample.parents[2]
        fast_schema[folder].assertValid(etree.parse(sample))

        assert list(full_schema[folder].iter_errors(str(sample))) == []

    @pytest.mark.parametrize("sample", VALID_SAMPLES, ids=name_of)
    def test_have_an_expected_answer(self, sample: Path) -> None:
        """Beside each valid sample stands that it is accepted, without findings, and where it goes."""
        expected: dict[str, Any] = json.loads(sample.with_suffix(".expected.json").read_text("utf-8"))

        assert (expected["verdict"], expected["findings"]) == ("accepted", [])
        assert sorted(set(expected["agencies"])) == expected["agencies"]

    @pytest.mark.parametrize("sample", EXPORT_SAMPLES, ids=name_of)
    def test_go_where_the_permit_table_sends_them(self, sample: Path, thai_facts: Path) -> None:
        """The expected agencies are customs, those of the permit table, and the port for dangerous goods."""
        table: dict[tuple[str, str], set[str]] = {}
        for goods, agency in permit_agencies(thai_facts):
            table.setdefault(goods, set()).add(agency)
        document = etree.parse(sample).getroot()
        tariffs = texts(document, "d:GoodsItem/d:TariffClassificationID")
        codes = texts(document, "d:GoodsItem/d:StatisticalCode")
        agencies = {"CUSTOMS"}.union(*(table.get(goods, set()) for goods in zip(tariffs, codes, strict=True)))
        if document.xpath(
            "d:Control/d:BorderTransportMeansModeCode = 1 and d:GoodsItem/d:UNDGID", namespaces=D
        ):
            agencies.add("PAT")
        expected = json.loads(sample.with_suffix(".expected.json").read_text("utf-8"))

        assert expected["agencies"] == sorted(agencies)

    @pytest.mark.parametrize("sample", EXPORT_SAMPLES, ids=name_of)
    def test_have_totals_that_agree_with_their_items(self, sample: Path) -> None:
        """Weights, packages and values add up, and baht is foreign currency times the exchange rate."""
        document = etree.parse(sample).getroot()
        for item_field, control_field in (
            ("NetNetWeightMeasure", "TotalNetNetWeightMeasure"),
            ("GrossMassMeasure", "TotalGrossMassMeasure"),
            ("PackageQuantity", "TotalPackageQuantity"),
            ("FOBForeignAmount", "FOBForeignAmount"),
            ("FOBBahtAmount", "FOBBahtAmount"),
        ):
            assert total(document, f"d:Control/d:{control_field}") == total(
                document, f"d:GoodsItem/d:{item_field}"
            )
        foreign, rate, baht = (
            texts(document, f"*/d:{name}")
            for name in ("FOBForeignAmount", "ExchangeRateNumeric", "FOBBahtAmount")
        )
        for amount, factor, product in zip(foreign, rate, baht, strict=True):
            assert Decimal(product) == (Decimal(amount) * Decimal(factor)).quantize(CENT)
        assert total(document, "d:Invoice/d:TotalInvoiceAmount") == total(
            document, "d:GoodsItem/d:InvoiceForeignAmount"
        )

    @pytest.mark.parametrize("sample", EXPORT_SAMPLES, ids=name_of)
    def test_name_companies_whose_tax_number_passes_the_check(self, sample: Path) -> None:
        """Tax numbers have 13 digits and the right check digit."""
        document = etree.parse(sample).getroot()
        numbers = texts(
            document, "d:Control/d:ExporterID | d:Control/d:AgentID | //d:PermitIssuingAuthorityID"
        )

        assert [number for number in numbers if not tin.is_valid(number)] == []

    def test_use_offices_units_packages_and_privileges_of_the_official_tables(self, thai_facts: Path) -> None:
        """Every code in a sample is in the official code table."""
        for table, column, path in (
            ("area_code", 0, "d:Control/d:ReleaseLocationID | d:Control/d:LoadingLocationID"),
            ("unit_code", 1, "*/*[contains(local-name(), 'UnitCode')]"),
            ("package_code", 0, "*/*[contains(local-name(), 'PackageTypeCode')]"),
            ("privilege_code", 0, "d:GoodsItem/d:PrivilegeCode"),
        ):
            lines = (thai_facts / "codes" / f"{table}.tsv").read_text("utf-8").splitlines()
            known = {line.split("\t")[column] for line in lines}
            used = {text for sample in EXPORT_SAMPLES for text in texts(etree.parse(sample).getroot(), path)}

            assert set() == used - known

    def test_stay_below_two_and_a_half_megabytes(self) -> None:
        """The largest sample has 999 items and is still a small file."""
        largest = EXPORT / "samples" / "valid" / "largest.xml"

        assert largest.stat().st_size < 2_500_000
        assert len(texts(etree.parse(largest).getroot(), "d:GoodsItem/d:SequenceNumeric")) == 999


class TestBuilder:
    def test_gives_the_same_bytes_for_the_same_arguments(self) -> None:
        """Samples can be made again anywhere."""
        assert build_export_declaration(reference="NSWD000000001", items=(RICE,), trader=FOOD) == (
            build_export_declaration(reference="NSWD000000001", items=1)
        )

    def test_refuses_a_field_that_the_section_has_not(self) -> None:
        """A misspelt element name fails at once instead of giving an invalid document."""
        with pytest.raises(ValueError, match="section Control has no Mode"):
            build_export_declaration(reference="NSWD000000001", control={"Mode": "1"})

    def test_leaves_out_a_field_that_is_overridden_with_nothing(self) -> None:
        """A test can plant a missing field."""
        document = etree.fromstring(
            build_export_declaration(reference="NSWD000000001", control={"ExporterName": ""})
        )

        assert texts(document, "d:Control/d:ExporterName") == []
