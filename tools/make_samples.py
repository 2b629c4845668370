"""
Makes the valid samples of the Thai export declaration, and export declarations for demos and tests.

It knows no clock and draws no numbers: the same arguments give the same bytes. All companies and people are
invented; offices, codes and permit rows are real.

Run ``python tools/make_samples.py`` to write the samples, and with ``--check`` to fail if one differs.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from lxml import etree

NAMESPACE = "urn:nsw:th:export-declaration:1"
FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "th" / "export-declaration" / "1.0"
SAMPLES = FOLDER / "samples" / "valid"

NOTHING = Decimal("0.00")
CENT = Decimal("0.01")
GRAM = Decimal("0.001")
MODES_BY_WATER = ("1", "8")
PACKING_SHARE = Decimal("1.04")
"""Gross weight over net weight."""

TAX_ID_BY_AGENCY = {
    "DFT": "0994000159561",
    "DIW": "0994000528116",
    "DLD": "0994000159251",
    "DOA": "0994000158921",
    "DOF": "0994000160259",
    "FDA": "0994000165676",
    "NBTC": "0994000049447",
}

INDICATORS = (
    "ReImportationCertificateIndicator",
    "BOIIndicator",
    "BondIndicator",
    "Section19BisIndicator",
    "ReExportIndicator",
    "FreeZoneIndicator",
    "IEATFreeZoneIndicator",
    "CompensationIndicator",
)


@dataclass(frozen=True)
class Trader:
    """An exporter; its tax number passes the check digit but names a year of registration yet to come."""

    tax_id: str
    name: str
    english_name: str
    street: str
    district: str
    sub_province: str
    province: str
    postcode: str


@dataclass(frozen=True)
class Transport:
    """How the goods leave: mode of transport 1 to 9, the means' name, area codes, transport documents."""

    mode: str
    name: str
    release_port: str
    load_port: str
    house_document: str
    master_document: str = ""
    departs_on: date = date(2026, 11, 20)


@dataclass(frozen=True)
class Sale:
    """
    Who buys and how.

    Args:
        rate: baht for one unit of the currency.
        terms: Incoterms; empty means FOB by water and FCA otherwise.
        freight: part of the invoice but not of the value free on board, as is insurance.
    """

    consignee: str
    street: str
    postcode: str
    country: str
    currency: str = "USD"
    rate: Decimal = Decimal("32.47")
    terms: str = ""
    freight: Decimal = Decimal(0)
    insurance: Decimal = Decimal(0)
    invoice_count: int = 1


@dataclass(frozen=True)
class Goods:
    """
    What one item holds.

    Args:
        unit_price: foreign currency for one unit.
        unit_kg: net weight of one unit.
        agencies: who must permit the export by the permit table; an item carries a permit of each.
        duty_percent: export duty on the value free on board.
        deposit: baht placed as deposit.
        extra: further fields of the item by element name, which win over those made here.
    """

    tariff_code: str
    statistical_code: str
    thai: str
    english: str
    quantity: int
    unit: str
    unit_price: Decimal
    unit_kg: Decimal
    packages: int
    package_type: str
    agencies: tuple[str, ...] = ()
    un_number: str = ""
    duty_percent: Decimal = Decimal(0)
    deposit: Decimal = Decimal(0)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One item with its sums: currency amounts with 2 decimals, kilograms with 3."""

    goods: Goods
    number: int
    invoice: str
    invoice_line: int
    invoiced: Decimal
    fob: Decimal
    fob_baht: Decimal
    net_kg: Decimal
    gross_kg: Decimal
    duty: Decimal


FOOD = Trader(
    tax_id="0105599000019",
    name="บริษัท เจ้าพระยา ออร์คิด ฟู้ดส์ จำกัด",
    english_name="CHAO PHRAYA ORCHID FOODS CO., LTD.",
    street="99/1 ถนนตัวอย่าง",
    district="แขวงคลองเตย",
    sub_province="เขตคลองเตย",
    province="กรุงเทพมหานคร",
    postcode="10110",
)
CHEMICALS = Trader(
    tax_id="0105599000027",
    name="บริษัท เคมีทดสอบ (ประเทศไทย) จำกัด",
    english_name="TODSOB CHEMICALS (THAILAND) CO., LTD.",
    street="18 ถนนทดสอบ",
    district="ตำบลมาบตาพุด",
    sub_province="อำเภอเมืองระยอง",
    province="ระยอง",
    postcode="21150",
)
ELECTRONICS = Trader(
    tax_id="0105599000035",
    name="บริษัท สมมติอิเล็กทรอนิกส์ จำกัด (มหาชน)",
    english_name="SOMMUT ELECTRONICS PUBLIC COMPANY LIMITED",
    street="55 หมู่ 5 ถนนสมมติ",
    district="ตำบลราชาเทวะ",
    sub_province="อำเภอบางพลี",
    province="สมุทรปราการ",
    postcode="10540",
)

SEA = Transport("1", "SIAM ORCHID V.112E", "2801", "2836", house_document="STFLCB2611000123")
AIR = Transport("4", "TG676", "1190", "1190", house_document="SMT26110047", master_document="21712345675")
ROAD = Transport("3", "BY TRUCK", "2901", "2901", house_document="1", master_document="LM29012611000045")

SINGAPORE = Sale("MERLION SAMPLE TRADING PTE. LTD.", "1 EXAMPLE QUAY", "018900", "SG")
JAPAN = Sale("MIHON SHOJI K.K.", "1-2-3 REIBUN, KOTO-KU, TOKYO", "1350000", "JP")
LAOS = Sale("VIENTIANE SAMPLE IMPORT-EXPORT CO., LTD.", "THADEUA ROAD KM 10, VIENTIANE", "01000", "LA")
GERMANY = Sale(
    "MUSTER HANDELS GMBH", "MUSTERSTRASSE 12, HAMBURG", "20095", "DE", currency="EUR", rate=Decimal("37.62")
)

RICE = Goods(
    "10063040",
    "001",
    "ข้าวหอมมะลิไทย ชั้น 100% ข้าวใหม่ บรรจุกระสอบละ 50 กิโลกรัม",
    "THAI HOM MALI RICE 100% NEW CROP, IN BAGS OF 50 KG",
    1250,
    "KGM",
    Decimal("1.12"),
    Decimal(1),
    25,
    "BG",
    agencies=("DFT",),
)
CRAB = Goods(
    "16051010",
    "090",
    "เนื้อปูบรรจุกระป๋อง",
    "CRAB MEAT IN AIRTIGHT CONTAINERS",
    240,
    "KGM",
    Decimal("18.50"),
    Decimal(1),
    20,
    "CT",
    agencies=("DOF",),
)
NOODLES = Goods(
    "19023040",
    "000",
    "บะหมี่กึ่งสำเร็จรูป รสต้มยำกุ้ง",
    "INSTANT NOODLES, TOM YUM SHRIMP FLAVOUR",
    1800,
    "KGM",
    Decimal("2.10"),
    Decimal(1),
    300,
    "CT",
    extra={"CompensationIndicator": "Y"},
)
TABLEWARE = Goods(
    "69111000",
    "000",
    "ชุดจานชามพอร์ซเลน ลายเบญจรงค์",
    "PORCELAIN TABLEWARE, BENJARONG PATTERN",
    60,
    "SET",
    Decimal("42.75"),
    Decimal("6.250"),
    15,
    "CT",
)
SHIRTS = Goods(
    "61091010",
    "000",
    "เสื้อยืดผ้าฝ้าย สำหรับบุรุษ",
    "MEN'S T-SHIRTS OF COTTON, KNITTED",
    1000,
    "C62",
    Decimal("3.85"),
    Decimal("0.180"),
    10,
    "CT",
)
BRAKES = Goods(
    "68138100",
    "000",
    "ผ้าเบรกรถยนต์",
    "BRAKE LININGS AND PADS FOR MOTOR CARS",
    250,
    "SET",
    Decimal("9.40"),
    Decimal("1.350"),
    5,
    "PX",
    extra={"CompensationIndicator": "Y"},
)
NOTEBOOKS = Goods(
    "48201000",
    "000",
    "สมุดบันทึกปกแข็ง",
    "NOTE BOOKS, HARD COVER",
    500,
    "C62",
    Decimal("1.25"),
    Decimal("0.420"),
    5,
    "CT",
)
AIR_CONDITIONERS = Goods(
    "84158191",
    "899",
    "เครื่องปรับอากาศ ขนาดไม่เกิน 21.10 กิโลวัตต์",
    "AIR CONDITIONING MACHINES, NOT EXCEEDING 21.10 KW",
    12,
    "C62",
    Decimal(385),
    Decimal("38.500"),
    12,
    "CT",
    agencies=("DIW",),
)
ROUTERS = Goods(
    "85176251",
    "000",
    "อุปกรณ์กระจายสัญญาณเครือข่ายไร้สาย",
    "WIRELESS LAN ROUTERS",
    40,
    "C62",
    Decimal("64.50"),
    Decimal("0.650"),
    2,
    "CT",
    agencies=("NBTC",),
)
CIRCUITS = Goods(
    "85423100",
    "000",
    "วงจรรวมตัวประมวลผล",
    "INTEGRATED CIRCUITS, PROCESSORS AND CONTROLLERS",
    2500,
    "C62",
    Decimal("2.36"),
    Decimal("0.004"),
    2,
    "CT",
    extra={"BOIIndicator": "Y", "BOILicenseID": "69-0001-1-00-1-0"},
)
PERMANGANATE = Goods(
    "28416100",
    "000",
    "โพแทสเซียมเปอร์แมงกาเนต ความบริสุทธิ์ไม่น้อยกว่าร้อยละ 99",
    "POTASSIUM PERMANGANATE, PURITY NOT LESS THAN 99 %",
    500,
    "KGM",
    Decimal("2.84"),
    Decimal(1),
    10,
    "DR",
    agencies=("DFT", "DOF"),
    un_number="1490",
)
PAINT = Goods(
    "32089090",
    "000",
    "สีทาเรือ ละลายในตัวทำละลายอินทรีย์",
    "MARINE PAINT, DISSOLVED IN A NON-AQUEOUS MEDIUM",
    150,
    "LTR",
    Decimal("4.20"),
    Decimal("1.300"),
    8,
    "DR",
    un_number="1263",
)
INSECTICIDE = Goods(
    "38089120",
    "131",
    "ยากำจัดแมลง บรรจุกระป๋องฉีดพ่น",
    "INSECTICIDE IN AEROSOL CONTAINERS",
    300,
    "KGM",
    Decimal("7.90"),
    Decimal(1),
    25,
    "CT",
    agencies=("DOA", "FDA"),
)
LEATHER = Goods(
    "41062200",
    "000",
    "หนังแพะฟอก แห้ง (ครัสต์)",
    "GOAT LEATHER WITHOUT HAIR, IN THE DRY STATE (CRUST)",
    100,
    "KGM",
    Decimal("14.20"),
    Decimal(1),
    4,
    "PX",
    agencies=("DLD",),
    duty_percent=Decimal(5),
    deposit=Decimal(1000),
)

CATALOGUE = (
    RICE,
    CRAB,
    NOODLES,
    TABLEWARE,
    SHIRTS,
    BRAKES,
    NOTEBOOKS,
    AIR_CONDITIONERS,
    ROUTERS,
    INSECTICIDE,
)

NO_EXTRA: Mapping[str, str] = {}
BROKER = {"AgentID": "0105599000043", "AgentBranchID": "0"}


def build_export_declaration(
    *,
    reference: str,
    items: int | Sequence[Goods] = 1,
    trader: Trader = FOOD,
    transport: Transport = SEA,
    sale: Sale = SINGAPORE,
    control: Mapping[str, str] = NO_EXTRA,
    compact: bool = False,
) -> bytes:
    """
    Build an export declaration whose totals, weights and values agree.

    Args:
        reference: the reference number: 4 characters of the sender's profile and 9 running digits.
        items: how many items to take from the catalogue in turn, or the goods themselves.
        trader: the exporter.
        transport: the mode of transport and what hangs on it.
        sale: the buyer, the currency and the term of delivery.
        control: fields of the control section by element name, which win over those made here;
            empty text leaves a field out.
        compact: one item a line instead of one element a line.

    Returns:
        A UTF-8 document of the message type th.export-declaration 1.0.
    """
    goods = _from_catalogue(items) if isinstance(items, int) else tuple(items)
    if not sale.terms:
        sale = replace(sale, terms="FOB" if transport.mode in MODES_BY_WATER else "FCA")
    lines = tuple(_lines(goods, sale, reference))
    root = etree.Element(_name("ExportDeclaration"), nsmap={None: NAMESPACE})
    sections = {**_control(reference, lines, trader, transport, sale), **control}
    _append(root, "EDC", "Control", sections)
    for number in range(sale.invoice_count):
        _append(root, "EIC", "Invoice", _invoice(number, lines, sale, reference))
    for line in lines:
        _append_item(root, line, sale, last=line is lines[-1])
    if compact:
        root.text = "\n"
        for child in root:
            child.tail = "\n"
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=not compact)


def expected_answer(goods: Sequence[Goods], transport: Transport) -> dict[str, object]:
    """Tell what the window answers to a valid declaration of these goods."""
    agencies = {"CUSTOMS"} | {agency for each in goods for agency in each.agencies}
    if transport.mode == "1" and any(each.un_number for each in goods):
        agencies.add("PAT")
    return {"verdict": "accepted", "findings": [], "agencies": sorted(agencies)}


def _from_catalogue(count: int) -> tuple[Goods, ...]:
    return tuple(islice(cycle(CATALOGUE), count))


def _lines(goods: Sequence[Goods], sale: Sale, reference: str) -> Iterator[Line]:
    charges = _shares(sale.freight + sale.insurance, len(goods))
    per_invoice = -(-len(goods) // sale.invoice_count)
    for index, (each, charge) in enumerate(zip(goods, charges, strict=True)):
        invoiced = (each.quantity * each.unit_price).quantize(CENT, ROUND_HALF_UP)
        fob = invoiced - charge
        fob_baht = _baht(fob, sale)
        net_kg = (each.quantity * each.unit_kg).quantize(GRAM)
        yield Line(
            goods=each,
            number=index + 1,
            invoice=_invoice_number(index // per_invoice, reference),
            invoice_line=index % per_invoice + 1,
            invoiced=invoiced,
            fob=fob,
            fob_baht=fob_baht,
            net_kg=net_kg,
            gross_kg=(net_kg * PACKING_SHARE).quantize(GRAM, ROUND_HALF_UP),
            duty=(fob_baht * each.duty_percent / 100).quantize(CENT, ROUND_HALF_UP),
        )


def _control(
    reference: str, lines: Sequence[Line], trader: Trader, transport: Transport, sale: Sale
) -> dict[str, str]:
    fob = sum((line.fob for line in lines), NOTHING)
    package_types = {line.goods.package_type for line in lines}
    return {
        "FunctionalReferenceID": reference,
        "TypeCode": "1",
        **_exporter(trader),
        **_transport(transport),
        "PurchaseCountryCode": sale.country,
        "DestinationCountryCode": sale.country,
        "MarksNumbersID": f"{sale.consignee} / {sale.country} / MADE IN THAILAND",
        "TotalPackageQuantity": str(sum(line.goods.packages for line in lines)),
        "TotalPackageTypeCode": package_types.pop() if len(package_types) == 1 else "PK",
        "TotalNetNetWeightMeasure": str(sum(line.net_kg for line in lines)),
        "TotalNetNetWeightUnitCode": "KGM",
        "TotalGrossMassMeasure": str(sum(line.gross_kg for line in lines)),
        "TotalGrossMassUnitCode": "KGM",
        "CurrencyCode": sale.currency,
        "ExchangeRateNumeric": str(sale.rate),
        "FOBForeignAmount": str(fob),
        "FOBBahtAmount": str(_baht(fob, sale)),
        **_payment(sum((line.duty for line in lines), NOTHING)),
        **_guarantee(sum((line.goods.deposit for line in lines), NOTHING)),
        "RegistrationID": "NSWTH0000001",
        "TransmissionDate": "20261118",
        "TransmissionTime": "093000",
    }


def _exporter(trader: Trader) -> dict[str, str]:
    return {
        "ExporterID": trader.tax_id,
        "ExporterBranchID": "0",
        "ExporterName": trader.name,
        "ExporterEnglishName": trader.english_name,
        "ExporterAddressLine": trader.street,
        "ExporterAddressDistrictName": trader.district,
        "ExporterAddressSubProvinceName": trader.sub_province,
        "ExporterAddressProvinceName": trader.province,
        "ExporterAddressPostcodeID": trader.postcode,
        # The registration office 9999 does not exist: nobody has these card numbers.
        "ClearancePersonID": "1999900000013",
        "ClearancePersonName": "นายสมมติ ตัวอย่าง",
        "ManagerID": "1999900000021",
        "ManagerName": "นางสาวตัวอย่าง ทดสอบ",
    }


def _transport(transport: Transport) -> dict[str, str]:
    return {
        "BorderTransportMeansModeCode": transport.mode,
        "CargoTypeCode": "1",
        "BorderTransportMeansName": transport.name,
        "BorderTransportMeansDepartureDate": f"{transport.departs_on:%Y%m%d}",
        "MasterTransportDocumentID": transport.master_document,
        "HouseTransportDocumentID": transport.house_document,
        "ReleaseLocationID": transport.release_port,
        "LoadingLocationID": transport.load_port,
    }


def _payment(tax: Decimal) -> dict[str, str]:
    fields = {"PaymentMethodCode": "A", "TotalTaxAmount": str(tax)}
    if not tax:
        return fields
    return fields | {
        "PaymentMethodCode": "H",
        "CustomsBankCode": "006",
        "PaymentBankCode": "002",
        "PaymentBankBranchCode": "0101",
        "PaymentBankAccountID": "0000000000",
        "TotalPaymentAmount": str(tax),
    }


def _guarantee(deposit: Decimal) -> dict[str, str]:
    fields = {"GuaranteeMethodCode": "A", "TotalDepositAmount": str(deposit)}
    if not deposit:
        return fields
    return fields | {
        "GuaranteeMethodCode": "H",
        "GuaranteeTypeCode": "C",
        "GuaranteeBankCode": "002",
        "GuaranteeBankBranchCode": "0101",
        "GuaranteeTotalDepositAmount": str(deposit),
    }


def _invoice(number: int, lines: Sequence[Line], sale: Sale, reference: str) -> dict[str, str]:
    invoice = _invoice_number(number, reference)
    freight = _shares(sale.freight, sale.invoice_count)[number]
    insurance = _shares(sale.insurance, sale.invoice_count)[number]
    return {
        "InvoiceID": invoice,
        "InvoiceIssueDate": "20261110",
        "PurchaseOrderID": f"PO-{reference[-6:]}",
        "PaymentTermsCode": "LC",
        "TradeTermsCode": sale.terms,
        "SellerStatusCode": "MF",
        "ConsigneeStatusCode": "WS",
        "CommercialLevelCode": "WS",
        "ConsigneeName": sale.consignee,
        "ConsigneeAddressLine": sale.street,
        "ConsigneeAddressPostcodeID": sale.postcode,
        "ConsigneeAddressCountryCode": sale.country,
        "InvoiceCurrencyCode": sale.currency,
        "TotalInvoiceAmount": str(sum(line.invoiced for line in lines if line.invoice == invoice)),
        "FreightCurrencyCode": sale.currency if freight else "",
        "FreightForeignAmount": str(freight) if freight else "",
        "InsuranceCurrencyCode": sale.currency if insurance else "",
        "InsuranceForeignAmount": str(insurance) if insurance else "",
    }


def _append_item(root: etree._Element, line: Line, sale: Sale, *, last: bool) -> None:
    goods = line.goods
    fields = _goods(line) | _values(line, sale) | {"LastEntryIndicator": "Y" if last else "N"}
    item = _append(root, "EDD", "GoodsItem", {**fields, **goods.extra})
    if goods.duty_percent:
        _append(item, "EDT", "DutyTaxFee", _duty(line))
    for agency in goods.agencies:
        _append(item, "EDP", "Permit", _permit(agency, line.number))
    if goods.deposit:
        deposit = {"DepositReasonCode": "D01", "DepositAmount": str(goods.deposit)}
        _append(item, "EDS", "Deposit", deposit)


def _goods(line: Line) -> dict[str, str]:
    goods = line.goods
    return {
        "SequenceNumeric": str(line.number),
        "InvoiceID": line.invoice,
        "InvoiceLineNumeric": str(line.invoice_line),
        "TariffClassificationID": goods.tariff_code,
        "TariffSequenceID": "00001",
        "StatisticalCode": goods.statistical_code,
        "ExportTariffCode": "PART3",
        "PrivilegeCode": "003",
        "TransactionNatureCode": "11",
        "UNDGID": goods.un_number,
        "ThaiDescription": goods.thai,
        "EnglishDescription": goods.english,
        "ProductYear": "2026",
        "BrandName": "N/A",
        "OriginCountryCode": "TH",
        "NetNetWeightMeasure": str(line.net_kg),
        "NetNetWeightUnitCode": "KGM",
        "MarksNumbersID": "N/A",
        "PackageQuantity": str(goods.packages),
        "PackageTypeCode": goods.package_type,
        "GrossMassMeasure": str(line.gross_kg),
        **dict.fromkeys(INDICATORS, "N"),
    }


def _values(line: Line, sale: Sale) -> dict[str, str]:
    goods = line.goods
    return {
        "Quantity": f"{goods.quantity}.000",
        "QuantityUnitCode": goods.unit,
        "CurrencyCode": sale.currency,
        "ExchangeRateNumeric": str(sale.rate),
        "UnitPriceForeignAmount": str(goods.unit_price),
        "PriceBahtAmount": str(_baht(goods.unit_price, sale)),
        "InvoiceQuantity": f"{goods.quantity}.000",
        "InvoiceQuantityUnitCode": goods.unit,
        "InvoiceForeignAmount": str(line.invoiced),
        "InvoiceBahtAmount": str(_baht(line.invoiced, sale)),
        "FOBForeignAmount": str(line.fob),
        "FOBBahtAmount": str(line.fob_baht),
        "PurchaseCountryCode": sale.country,
    }


def _duty(line: Line) -> dict[str, str]:
    return {
        "DutyTypeCode": "EXPD",
        "ValueRateNumeric": f"{line.goods.duty_percent}.000",
        "SpecificRateNumeric": "0.000",
        "DutyAmount": str(line.duty),
        "DutyPaidAmount": str(line.duty),
    }


def _permit(agency: str, item: int) -> dict[str, str]:
    return {
        "PermitID": f"{agency}-2569-{item:06}",
        "PermitIssueDate": "20261102",
        "PermitIssuingAuthorityID": TAX_ID_BY_AGENCY[agency],
    }


def _invoice_number(number: int, reference: str) -> str:
    return f"INV{reference[-9:]}-{number + 1}"


def _baht(foreign: Decimal, sale: Sale) -> Decimal:
    return (foreign * sale.rate).quantize(CENT, ROUND_HALF_UP)


def _shares(amount: Decimal, count: int) -> list[Decimal]:
    """Split an amount into *count* equal shares; the first takes what does not divide."""
    share = (amount / count).quantize(CENT)
    return [amount - share * (count - 1), *([share] * (count - 1))]


@cache
def _element_names() -> dict[str, list[str]]:
    """Read the names of each section's elements, in the order of the schema."""
    names: dict[str, list[str]] = {}
    with (FOLDER / "fields.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            names.setdefault(row["section"], []).append(row["path"].rpartition("/")[2])
    return names


def _append(parent: etree._Element, section: str, name: str, fields: Mapping[str, str]) -> etree._Element:
    """Append one section; a field without text is left out."""
    names = _element_names()[section]
    unknown = fields.keys() - set(names)
    if unknown:
        raise ValueError(f"section {section} has no {', '.join(sorted(unknown))}")
    element = etree.SubElement(parent, _name(name))
    for each in names:
        if fields.get(each):
            etree.SubElement(element, _name(each)).text = fields[each]
    return element


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


@dataclass(frozen=True)
class Sample:
    """A sample's declaration and the goods and transport that decide the answer to it."""

    number: int
    goods: tuple[Goods, ...]
    trader: Trader = FOOD
    transport: Transport = SEA
    sale: Sale = SINGAPORE
    control: Mapping[str, str] = field(default_factory=dict)
    compact: bool = False


SAMPLE_BY_NAME = {
    "small": Sample(1, (RICE,)),
    "typical": Sample(
        2,
        (RICE, CRAB, NOODLES),
        sale=replace(JAPAN, terms="CIF", freight=Decimal(240), insurance=Decimal(30)),
        control=BROKER,
    ),
    "dangerous": Sample(3, (PERMANGANATE, PAINT), trader=CHEMICALS),
    "air": Sample(4, (CIRCUITS, ROUTERS), trader=ELECTRONICS, transport=AIR, sale=JAPAN),
    "road": Sample(5, (AIR_CONDITIONERS, NOODLES), trader=ELECTRONICS, transport=ROAD, sale=LAOS),
    "fifty": Sample(
        6, (LEATHER, *_from_catalogue(49)), sale=replace(GERMANY, invoice_count=2), control=BROKER
    ),
    "largest": Sample(7, _from_catalogue(999), compact=True),
}


def sample_files() -> Iterator[tuple[Path, bytes]]:
    """Make every sample and its expected answer: the path and the bytes that belong there."""
    for name, sample in SAMPLE_BY_NAME.items():
        document = build_export_declaration(
            reference=f"NSWD{sample.number:09}",
            items=sample.goods,
            trader=sample.trader,
            transport=sample.transport,
            sale=sample.sale,
            control=sample.control,
            compact=sample.compact,
        )
        expected = json.dumps(expected_answer(sample.goods, sample.transport), indent=2) + "\n"
        yield SAMPLES / f"{name}.xml", document
        yield SAMPLES / f"{name}.expected.json", expected.encode()


def main(arguments: Sequence[str]) -> int:
    """Write the samples; with --check only compare, and give 1 if a file is missing or differs."""
    if not set(arguments) <= {"--check"}:
        print(f"usage: {Path(__file__).name} [--check]", file=sys.stderr)
        return 2
    stale = [
        (path, content)
        for path, content in sample_files()
        if not path.is_file() or path.read_bytes() != content
    ]
    for path, content in stale:
        if "--check" in arguments:
            print(f"{path.name} is not what this tool makes", file=sys.stderr)
        else:
            SAMPLES.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"wrote {path.name}, {len(content)} bytes")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
