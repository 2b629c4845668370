"""The business rules of the Thai export declaration, their code tables, and the samples that break them."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest
from lxml import etree

from nsw.codelists import CodeLists, load_code_lists
from nsw.errors import Severity
from nsw.messagetypes import MessageType
from nsw.model import Finding
from nsw.rules import RuleContext, RuleSet, load_rule_set
from nsw.typefolders import load_message_type
from nsw.validation import check_schema
from tools import make_codes
from tools.samples.declaration_faults import UNKNOWN_TAX_ID
from tools.samples.export_faults import BASE, BY_AIR, BY_ROAD, SAMPLES, TWO_ITEMS
from tools.samples.faults import Base, Case, Edit, drop, put, repeat
from tools.samples.files import LODGED_ON

ROOT = Path(__file__).resolve().parents[2]
EXPORT = ROOT / "schemas" / "th" / "export-declaration" / "1.0"
CODES = ROOT / "schemas" / "th" / "codes"
VALID = sorted((EXPORT / "samples" / "valid").glob("*.xml"))
INVALID = sorted((EXPORT / "samples" / "invalid").glob("*.xml"))
MAX_EVALUATIONS_PER_ITEM = 40

Judge = Callable[..., list[str]]


def name_of(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    return load_rule_set(EXPORT / "rules.sch")


@pytest.fixture(scope="module")
def code_lists() -> CodeLists:
    return load_code_lists(CODES)


@pytest.fixture(scope="module")
def message_type() -> MessageType:
    return load_message_type(EXPORT / "type.yaml", {})


@pytest.fixture
def judge(rule_set: RuleSet, code_lists: CodeLists, message_type: MessageType) -> Judge:
    """Give the codes found in the base document after some edits; the document must keep its schema."""

    def codes(*edits: Edit, lodged_on: date = LODGED_ON, like: Base = BASE) -> list[str]:
        root = etree.fromstring(SAMPLES.build(Case("edited", (), edits, like)))
        assert check_schema(message_type, root) == []
        return [finding.code for finding in rule_set.check(root, RuleContext(lodged_on, code_lists)).findings]

    return codes


def expected_of(sample: Path) -> dict[str, object]:
    expected: dict[str, object] = json.loads(sample.with_suffix(".expected.json").read_text("utf-8"))
    return expected


def told(findings: Iterable[Finding]) -> list[dict[str, str]]:
    ordered = sorted((finding.path or "", str(finding.code)) for finding in findings)
    return [{"code": code, "path": path} for path, code in ordered]


class TestSamples:
    @pytest.mark.parametrize("sample", INVALID, ids=name_of)
    def test_give_exactly_the_expected_findings(
        self, sample: Path, message_type: MessageType, rule_set: RuleSet, code_lists: CodeLists
    ) -> None:
        """Every planted fault is found at its place, nothing else is, and only errors reject."""
        root = etree.parse(sample).getroot()
        findings = check_schema(message_type, root)
        if not findings:
            report = rule_set.check(root, RuleContext(LODGED_ON, code_lists))
            assert report.omitted == 0
            findings = list(report.findings)
        expected = expected_of(sample)

        assert told(findings) == expected["findings"]
        is_rejected = any(finding.severity is Severity.ERROR for finding in findings)
        assert expected["verdict"] == ("rejected" if is_rejected else "accepted")
        assert bool(expected["agencies"]) != is_rejected

    @pytest.mark.parametrize("sample", VALID, ids=name_of)
    def test_that_are_valid_give_no_finding(
        self, sample: Path, rule_set: RuleSet, code_lists: CodeLists
    ) -> None:
        """A correct declaration gets not even a warning."""
        report = rule_set.check(etree.parse(sample).getroot(), RuleContext(LODGED_ON, code_lists))

        assert told(report.findings) == []

    def test_cost_no_more_for_each_item_of_a_large_declaration(
        self, rule_set: RuleSet, code_lists: CodeLists
    ) -> None:
        """The work grows with the number of items, not with its square."""
        root = etree.parse(EXPORT / "samples" / "valid" / "largest.xml").getroot()
        report = rule_set.check(root, RuleContext(LODGED_ON, code_lists))

        assert report.evaluations < MAX_EVALUATIONS_PER_ITEM * 999


class TestDates:
    @pytest.mark.parametrize(("days", "codes"), [(-60, []), (0, []), (20, []), (21, ["TH-EXP-074"])])
    def test_let_goods_leave_up_to_twenty_days_after_lodging(
        self, judge: Judge, days: int, codes: list[str]
    ) -> None:
        """For document type 1 the twentieth day still passes and the next does not."""
        departure = LODGED_ON + timedelta(days)

        assert judge(put("Control/BorderTransportMeansDepartureDate", f"{departure:%Y%m%d}")) == codes

    def test_bind_no_other_document_type_to_twenty_days(self, judge: Judge) -> None:
        """A domestic transfer may be lodged long before."""
        departure = put("Control/BorderTransportMeansDepartureDate", "20270301")

        assert judge(departure, put("Control/TypeCode", "B")) == []
        assert judge(departure, put("Control/TypeCode", "Y")) == ["TH-EXP-074"]

    def test_take_a_permit_issued_on_the_lodging_date(self, judge: Judge) -> None:
        """Only a permit of a later day is refused."""
        assert judge(put("GoodsItem/Permit/PermitIssueDate", "20261118")) == []
        assert judge(put("GoodsItem/Permit/PermitIssueDate", "20261119")) == ["TH-EXP-273"]

    def test_judge_a_code_by_the_lodging_date(self, judge: Judge) -> None:
        """Privilege 381 is in force from 15 April 2020 and unknown on the day before."""
        privilege = (put("GoodsItem/ExportTariffCode", "41062200"), put("GoodsItem/PrivilegeCode", "381"))

        assert "TH-EXP-047" not in judge(*privilege, lodged_on=date(2020, 4, 15))
        assert "TH-EXP-047" in judge(*privilege, lodged_on=date(2020, 4, 14))

    def test_read_the_buddhist_year_in_a_declaration_number(self, judge: Judge) -> None:
        """The 29th of February stands in 2567, a leap year, and not in 2568."""
        line = put("GoodsItem/ReferenceDeclarationLineNumeric", "1")

        assert judge(line, put("GoodsItem/ReferenceDeclarationID", "A0290670200001")) == []
        assert judge(line, put("GoodsItem/ReferenceDeclarationID", "A0290680200001")) == ["TH-EXP-139"]


class TestTransport:
    @pytest.mark.parametrize(
        ("mode", "name", "codes"),
        [
            ("1", "SIAM LOTUS V.7E", []),
            ("2", "TRAIN 77", []),
            ("1", "BY BOAT", ["TH-EXP-072"]),
            ("5", "BY MAIL", []),
            ("5", "BY TRUCK", ["TH-EXP-070"]),
            ("7", "BY PIPE", []),
            ("7", "PIPE", ["TH-EXP-070"]),
            ("8", "BY BOAT", []),
            ("8", "BOAT 5", ["TH-EXP-070"]),
            ("9", "BY PASSENGER", []),
            ("9", "TG640", ["TH-EXP-070"]),
        ],
    )
    def test_needs_the_name_that_belongs_to_the_mode(
        self, judge: Judge, mode: str, name: str, codes: list[str]
    ) -> None:
        """By mail, pipe, boat and passenger the name is fixed; by sea and rail it is the vessel's own."""
        edits = (
            put("Control/BorderTransportMeansModeCode", mode),
            put("Control/BorderTransportMeansName", name),
        )

        assert judge(*edits) == codes

    @pytest.mark.parametrize("name", ["BY TRUCK", "ON FOOT"])
    def test_by_road_is_by_truck_or_on_foot(self, judge: Judge, name: str) -> None:
        """Both names are good by road, and neither is by any other mode."""
        assert judge(put("Control/BorderTransportMeansName", name), like=BY_ROAD) == []
        assert judge(put("Control/BorderTransportMeansName", name)) == ["TH-EXP-072"]

    @pytest.mark.parametrize("flight", ["TG640", "TG 640", "3K512", "THA640A", "FD-3112"])
    def test_by_air_takes_flight_numbers(self, judge: Judge, flight: str) -> None:
        """Airlines have two characters or three letters."""
        assert judge(put("Control/BorderTransportMeansName", flight), like=BY_AIR) == []

    @pytest.mark.parametrize("flight", ["640", "TG", "BY AIR", "TG64000", "tg640"])
    def test_by_air_takes_nothing_else(self, judge: Judge, flight: str) -> None:
        """A name without airline or number is no flight."""
        edit = put("Control/BorderTransportMeansName", flight)

        assert judge(edit, like=BY_AIR) == ["TH-EXP-071"]

    def test_by_air_needs_both_bills(self, judge: Judge) -> None:
        """Master and house air waybill are missed separately."""
        bills = drop("Control/MasterTransportDocumentID", "Control/HouseTransportDocumentID")

        assert judge(bills, like=BY_AIR) == ["TH-EXP-076", "TH-EXP-077"]


class TestTotals:
    def test_add_up_exactly_in_one_unit(self, judge: Judge) -> None:
        """One gram too many in the total is a fault, trailing zeros and plus signs are not."""
        assert judge(put("Control/TotalNetNetWeightMeasure", "+100.0")) == []
        assert judge(put("Control/TotalNetNetWeightMeasure", "100.001")) == ["TH-EXP-190"]

    @pytest.mark.parametrize(("total", "codes"), [("0.136", []), ("0.137", ["TH-EXP-191"])])
    def test_convert_weights_of_several_units(self, judge: Judge, total: str, codes: list[str]) -> None:
        """Items of 100 kg and 36,000 g make 0.136 t."""
        edits = (
            put("GoodsItem[2]/NetNetWeightMeasure", "36000"),
            put("GoodsItem[2]/NetNetWeightUnitCode", "GRM"),
            put("GoodsItem[2]/GrossMassMeasure", "37440"),
            put("Control/TotalNetNetWeightMeasure", total),
            put("Control/TotalNetNetWeightUnitCode", "TNE"),
        )

        assert judge(*edits, like=TWO_ITEMS) == codes

    def test_take_a_gross_weight_equal_to_the_net_weight(self, judge: Judge) -> None:
        """Goods in bulk have no packing."""
        assert judge(put("Control/TotalGrossMassMeasure", "100")) == []

    def test_compare_a_quantity_in_tonnes_with_kilograms(self, judge: Judge) -> None:
        """0.1 t is 100 kg, 0.2 t is not."""
        unit = put("GoodsItem/QuantityUnitCode", "TNE")

        assert judge(unit, put("GoodsItem/Quantity", "0.100")) == []
        assert judge(unit, put("GoodsItem/Quantity", "0.101")) == ["TH-EXP-197"]

    @pytest.mark.parametrize(
        ("amount", "codes"),
        [
            ("38967.01", []),
            ("38966.99", []),
            ("38967.03", ["TH-EXP-221", "TH-EXP-226"]),
            ("38966.98", ["TH-EXP-226"]),
        ],
    )
    def test_round_baht_to_the_satang(self, judge: Judge, amount: str, codes: list[str]) -> None:
        """An item's FOB value may be rounded up or down, no further."""
        assert judge(put("GoodsItem/FOBBahtAmount", amount)) == codes

    def test_are_not_compared_across_currencies(self, judge: Judge) -> None:
        """With items in another currency than the control section only the baht can be added up."""
        edits = (
            put("GoodsItem/CurrencyCode", "EUR"),
            put("Invoice/InvoiceCurrencyCode", "EUR"),
            put("Control/FOBForeignAmount", "600.00"),
            put("Control/ExchangeRateNumeric", "64.945"),
        )

        assert judge(*edits) == []

    def test_of_an_invoice_count_its_own_items_only(self, judge: Judge) -> None:
        """Two invoices with an item each have a total each."""
        edits = (
            repeat("Invoice", InvoiceID="INV-2", TotalInvoiceAmount="770.00"),
            put("Invoice[1]/TotalInvoiceAmount", "1420.00"),
            put("GoodsItem[2]/InvoiceID", "INV-2"),
        )

        assert judge(*edits, like=TWO_ITEMS) == []
        assert judge(*edits, put("Invoice[1]/TotalInvoiceAmount", "770.00"), like=TWO_ITEMS) == ["TH-EXP-231"]


class TestInvoices:
    def test_that_no_invoice_bears_are_told_at_every_item(self, judge: Judge) -> None:
        """Two items with the same wrong invoice number are two findings."""
        wrong = (put("GoodsItem[1]/InvoiceID", "INV-OTHER"), put("GoodsItem[2]/InvoiceID", "INV-OTHER"))

        assert Counter(judge(*wrong, like=TWO_ITEMS)) == {"TH-EXP-162": 2, "TH-EXP-164": 1}

    def test_given_three_times_are_told_twice(self, judge: Judge) -> None:
        """The first of equal invoices is not at fault."""
        assert judge(repeat("Invoice"), repeat("Invoice")) == ["TH-EXP-163", "TH-EXP-163"]

    def test_may_name_their_items_in_any_order(self, judge: Judge) -> None:
        """An invoice may come after the one whose items stand first."""
        edits = (
            repeat("Invoice", InvoiceID="INV-2", TotalInvoiceAmount="1420.00"),
            put("Invoice[1]/TotalInvoiceAmount", "770.00"),
            put("GoodsItem[1]/InvoiceID", "INV-2"),
        )

        assert judge(*edits, like=TWO_ITEMS) == []

    def test_in_several_currencies_bind_their_own_items(self, judge: Judge) -> None:
        """An item is in the currency of the invoice that it names, not of another one."""
        second = (
            repeat("Invoice", InvoiceID="INV-2", TotalInvoiceAmount="770.00", InvoiceCurrencyCode="EUR"),
            put("Invoice[1]/TotalInvoiceAmount", "1420.00"),
            put("GoodsItem[2]/InvoiceID", "INV-2"),
        )

        assert judge(*second, like=TWO_ITEMS) == ["TH-EXP-167"]
        in_euro = put("GoodsItem[2]/CurrencyCode", "EUR")
        assert judge(*second, in_euro, like=TWO_ITEMS) == []


class TestPermits:
    def test_take_a_country_for_a_foreign_certificate(self, judge: Judge) -> None:
        """A certificate of origin names two letters instead of a tax number."""
        assert judge(put("GoodsItem/Permit/PermitIssuingAuthorityID", "JP")) == []

    def test_take_an_exemption_of_the_agency_itself(self, judge: Judge) -> None:
        """EXEMPT99 exists at the livestock department; a code of another spelling does not."""
        assert judge(put("GoodsItem/Permit/PermitID", "EXEMPT99")) == []
        assert judge(put("GoodsItem/Permit/PermitID", "exempt99")) == ["TH-EXP-274"]

    def test_do_not_judge_an_exemption_of_an_agency_without_known_tax_number(self, judge: Judge) -> None:
        """The standards institute's number is not in the facts, so its code 152 can't be looked up."""
        edits = (
            put("GoodsItem/Permit/PermitID", "EXEMPT152"),
            put("GoodsItem/Permit/PermitIssuingAuthorityID", UNKNOWN_TAX_ID),
        )

        assert judge(*edits) == ["TH-EXP-271"]

    def test_give_no_exemption_to_a_country(self, judge: Judge) -> None:
        """Exemption codes are an agency's."""
        edits = (
            put("GoodsItem/Permit/PermitID", "EXEMPT1"),
            put("GoodsItem/Permit/PermitIssuingAuthorityID", "JP"),
        )

        assert judge(*edits) == ["TH-EXP-274"]


class TestCodeTables:
    def test_are_what_the_tool_makes(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Tables made from the facts are not edited by hand, and lists.yaml describes each."""
        if not make_codes.facts_folder().is_dir():
            notice = "the official tables are not here; NSW_CONFORMANCE_DATA can name their folder"
            if os.environ.get("CI") == "true":
                pytest.fail(notice)
            pytest.skip(notice)

        assert (make_codes.main(["--check"]), capsys.readouterr().err) == (0, "")

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("th.units", "NA"),
            ("th.offices", "0010"),
            ("th.exemptions", "TISI:EXEMPT152"),
            ("th.container_sizes", "22G1"),
            ("th.provinces", "10"),
            ("th.trade_terms", "DPU"),
        ],
    )
    def test_hold_codes_that_were_hard_to_read(self, code_lists: CodeLists, name: str, code: str) -> None:
        """Leading zeros, the code that a spreadsheet lost, and exemptions by agency are there."""
        assert code_lists.contains(name, code, LODGED_ON)

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("th.units", "nan"),
            ("th.container_sizes", "Mech"),
            ("th.vehicle_types", "1523"),
            ("th.vehicle_types", "1765"),
            ("th.privileges", "392"),
            ("iso.currencies", "XXX"),
        ],
    )
    def test_leave_out_what_is_dirty_or_withdrawn(self, code_lists: CodeLists, name: str, code: str) -> None:
        """Fragments of broken rows and withdrawn codes are in no list at the lodging date."""
        assert not code_lists.contains(name, code, LODGED_ON)

    def test_convert_every_weight_unit_to_kilograms(self, code_lists: CodeLists) -> None:
        """The factors in the table are those that the rules use."""
        factors = {
            unit: code_lists.value("th.weight_units", unit, "factor_kg", LODGED_ON)
            for unit in ("KGM", "TNE", "GRM", "CTM")
        }

        assert factors == {"KGM": "1", "TNE": "1000", "GRM": "0.001", "CTM": "0.0002"}
