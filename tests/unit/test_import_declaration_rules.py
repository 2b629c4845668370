"""The rules of the Thai import declaration where it differs from the export: arrival, manifest, value, duty."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from lxml import etree

from nsw.codelists import load_code_lists
from nsw.rules import RuleContext
from nsw.typefolders import load_message_type
from nsw.validation import check_schema
from tools.samples.faults import Base, Case, Edit, drop, put
from tools.samples.files import LODGED_ON
from tools.samples.import_faults import BASE, FREE_ON_BOARD, LISTED_BY_ROAD, SAMPLES
from tools.samples.layout import SCHEMAS

Judge = Callable[..., list[str]]
IMPORT_DUTY, VAT = "GoodsItem/DutyTaxFee[1]", "GoodsItem/DutyTaxFee[2]"


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the codes found in the base document after some edits; the document must keep its schema."""
    message_type = load_message_type(SAMPLES.layout.path / "type.yaml", {})
    rules = message_type.rules_on(LODGED_ON)
    code_lists = load_code_lists(SCHEMAS / "th" / "codes")
    assert rules is not None

    def codes(*edits: Edit, lodged_on: date = LODGED_ON, like: Base = BASE) -> list[str]:
        root = etree.fromstring(SAMPLES.build(Case("edited", (), edits, like)))
        assert check_schema(message_type, root) == []
        return [finding.code for finding in rules.check(root, RuleContext(lodged_on, code_lists)).findings]

    return codes


def pay(tax: str) -> tuple[Edit, Edit]:
    """Let the totals be those of other duties."""
    return put("Control/TotalTaxAmount", tax), put("Control/TotalPaymentAmount", tax)


@pytest.mark.parametrize(
    ("days", "codes"),
    [(-61, ["TH-IMP-075"]), (-60, []), (0, []), (30, []), (31, ["TH-IMP-074"])],
)
def test_arrival_may_be_thirty_days_ahead_and_sixty_past(judge: Judge, days: int, codes: list[str]) -> None:
    """Beyond that a warning asks for another look."""
    arrival = LODGED_ON + timedelta(days)

    assert judge(put("Control/BorderTransportMeansArrivalDate", f"{arrival:%Y%m%d}")) == codes


def test_the_arrival_of_goods_that_are_here_is_not_bounded(judge: Judge) -> None:
    """A transfer out of a free zone names an arrival of long ago."""
    arrival = put("Control/BorderTransportMeansArrivalDate", "20250102")

    assert judge(arrival, put("Control/TypeCode", "C")) == []


@pytest.mark.parametrize(("line", "codes"), [("1", []), ("01", []), ("2", ["TH-IMP-083"])])
def test_by_road_the_manifest_is_that_of_the_bills(judge: Judge, line: str, codes: list[str]) -> None:
    """Item 1 and item 01 of the land manifest are the same."""
    assert judge(put("Control/ManifestLineNumeric", line), like=LISTED_BY_ROAD) == codes


def test_by_sea_the_manifest_has_a_number_of_its_own(judge: Judge) -> None:
    """It is no bill of lading."""
    edits = put("Control/ManifestReferenceID", "MF1"), put("Control/ManifestLineNumeric", "9")

    assert judge(*edits) == []


@pytest.mark.parametrize(
    ("freight", "codes"),
    [("200.00", []), ("200.01", []), ("199.98", ["TH-IMP-232"])],
)
def test_value_is_cost_insurance_and_freight(judge: Judge, freight: str, codes: list[str]) -> None:
    """An item's charges add up to its value, to a cent."""
    assert judge(put("GoodsItem/FreightForeignAmount", freight), like=FREE_ON_BOARD) == codes


def test_a_deduction_lowers_the_value(judge: Judge) -> None:
    """What is deducted is in the invoice and not in the value."""
    deduction = put("GoodsItem/DeductedAmount", "100.00")
    freight = put("GoodsItem/FreightForeignAmount", "300.00")

    assert judge(deduction, like=FREE_ON_BOARD) == ["TH-IMP-232"]
    assert judge(deduction, freight, like=FREE_ON_BOARD) == []


@pytest.mark.parametrize(
    ("amount", "codes"),
    [("2305.37", []), ("2306.36", []), ("2304.36", ["TH-IMP-297"]), ("2306.38", ["TH-IMP-297"])],
)
def test_duty_is_base_times_rate_to_a_baht(judge: Judge, amount: str, codes: list[str]) -> None:
    """5 percent of 46,107.40 baht are 2,305.37; a baht more or less is rounding."""
    edits = [put(f"{IMPORT_DUTY}/DutyAmount", amount), put(f"{IMPORT_DUTY}/DutyPaidAmount", "0.00")]
    edits += [put(f"{VAT}/TaxBaseAmount", "46107.40"), put(f"{VAT}/DutyAmount", "3227.52")]

    assert judge(*edits, put(f"{VAT}/DutyPaidAmount", "3227.52"), *pay("3227.52")) == codes


def test_duty_is_the_higher_of_value_and_quantity(judge: Judge) -> None:
    """100 units at 30 baht are more than 5 percent of the value."""
    by_quantity = (
        put(f"{IMPORT_DUTY}/SpecificRateNumeric", "30.000"),
        put(f"{IMPORT_DUTY}/SpecificUnitCode", "1"),
        put(f"{IMPORT_DUTY}/SpecificQuantity", "100.000"),
    )

    assert judge(*by_quantity) == ["TH-IMP-297"]
    assert judge(*by_quantity, put(f"{IMPORT_DUTY}/DutyAmount", "3000.00")) == []


def test_what_is_exempted_is_not_paid(judge: Judge) -> None:
    """Half of the duty is waived: paying all of it is too much, and the value added tax follows what is paid."""
    exempted = (
        put(f"{IMPORT_DUTY}/ExemptionRateNumeric", "50.00"),
        put(f"{IMPORT_DUTY}/ExemptedAmount", "1152.69"),
    )
    halved = (
        put(f"{IMPORT_DUTY}/DutyPaidAmount", "1152.68"),
        put(f"{VAT}/TaxBaseAmount", "47260.08"),
        put(f"{VAT}/DutyAmount", "3308.21"),
        put(f"{VAT}/DutyPaidAmount", "3308.21"),
    )

    assert judge(*exempted) == ["TH-IMP-291"]
    assert judge(*exempted, *halved, *pay("4460.89")) == []


def test_duty_follows_the_value_that_customs_assessed(judge: Judge) -> None:
    """An assessed value takes the declared one's place as base."""
    assessed = put("GoodsItem/CIFAssessedAmount", "50000.00")

    assert judge(assessed) == ["TH-IMP-299", "TH-IMP-300"]
    assert (
        judge(
            assessed,
            put(f"{IMPORT_DUTY}/TaxBaseAmount", "50000.00"),
            put(f"{IMPORT_DUTY}/DutyAmount", "2500.00"),
            put(f"{IMPORT_DUTY}/DutyPaidAmount", "2500.00"),
            put(f"{VAT}/TaxBaseAmount", "52500.00"),
            put(f"{VAT}/DutyAmount", "3675.00"),
            put(f"{VAT}/DutyPaidAmount", "3675.00"),
            *pay("6175.00"),
        )
        == []
    )


def test_a_rate_is_that_of_the_month(judge: Judge) -> None:
    """Another month has another rate, and a currency without one is not judged."""
    codes = judge(lodged_on=date(2026, 10, 20))

    assert "TH-IMP-234" in codes
    assert "TH-IMP-234" not in judge(put("Control/CurrencyCode", "NOK"))


def test_goods_without_duties_are_no_fault(judge: Judge) -> None:
    """A transfer pays none."""
    nothing = (put("Control/TotalTaxAmount", "0.00"), drop("Control/TotalPaymentAmount"))

    assert judge(drop(VAT, IMPORT_DUTY), *nothing) == []
