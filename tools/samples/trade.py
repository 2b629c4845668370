"""
What is traded in the samples, and the fields that follow from it in an export as in an import.

Nothing here knows a clock or draws numbers: the same arguments give the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

NOTHING = Decimal("0.00")
CENT = Decimal("0.01")
GRAM = Decimal("0.001")
MODES_BY_WATER = ("1", "8")
PACKING_SHARE = Decimal("1.04")
"""Gross weight over net weight."""


@dataclass(frozen=True)
class Trader:
    """A trader here; its tax number passes the check digit but names a year of registration yet to come."""

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
    """
    How the goods cross the border: mode of transport 1 to 9, the means' name, area codes, transport documents.

    Args:
        port: of loading for an export, of discharge for an import.
        border_date: the day of departure or arrival.
    """

    mode: str
    name: str
    release_port: str
    port: str
    house_document: str
    master_document: str = ""
    border_date: date = date(2026, 11, 20)


@dataclass(frozen=True)
class Sale:
    """
    A sale to or a purchase from abroad.

    Args:
        partner: the foreign party: who buys an export, who sells an import.
        rate: baht for one unit of the currency.
        terms: Incoterms; empty means FOB by water and FCA otherwise for an export, CIF or CIP for an import.
        freight: part of the invoice or not, as the terms say, as is insurance.
    """

    partner: str
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
        agencies: who must permit the export or import by the permit table; an item carries a permit of each.
        duty_percent: export duty on the value free on board, or import duty on the value with freight and insurance.
        deposit: baht placed as deposit.
        origin: country of an import; empty means that of the seller.
        excise: baht for one unit that is imported.
        exempted_percent: the part of an import's duty that a privilege waives.
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
    origin: str = ""
    excise: Decimal = Decimal(0)
    exempted_percent: Decimal = Decimal(0)
    extra: Mapping[str, str] = field(default_factory=dict)


TAX_ID_BY_AGENCY = {
    "DFT": "0994000159561",
    "DIW": "0994000528116",
    "DLD": "0994000159251",
    "DOA": "0994000158921",
    "DOF": "0994000160259",
    "EXCISE": "0994000160461",
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
)

BROKER = {"AgentID": "0105599000043", "AgentBranchID": "0"}
#: The registration office 9999 does not exist: nobody has these card numbers.
PEOPLE = {
    "ClearancePersonID": "1999900000013",
    "ClearancePersonName": "นายสมมติ ตัวอย่าง",
    "ManagerID": "1999900000021",
    "ManagerName": "นางสาวตัวอย่าง ทดสอบ",
}
TRANSMISSION = {
    "RegistrationID": "NSWTH0000001",
    "TransmissionDate": "20261118",
    "TransmissionTime": "093000",
}


@dataclass(frozen=True)
class Line:
    """
    One item with its sums: currency amounts with 2 decimals, kilograms with 3.

    Attributes:
        value: customs' value: free on board for an export, with freight and insurance for an import.
    """

    goods: Goods
    number: int
    invoice: str
    invoice_line: int
    invoiced: Decimal
    value: Decimal
    value_baht: Decimal
    net_kg: Decimal
    gross_kg: Decimal


def lines_of(goods: Sequence[Goods], sale: Sale, reference: str, charge: Decimal) -> Iterator[Line]:
    """
    Reckon the items.

    Args:
        charge: what customs' value of all items is more than their invoices; negative where it is less.
    """
    per_invoice = -(-len(goods) // sale.invoice_count)
    for index, (each, share) in enumerate(zip(goods, shares(charge, len(goods)), strict=True)):
        invoiced = (each.quantity * each.unit_price).quantize(CENT, ROUND_HALF_UP)
        net_kg = (each.quantity * each.unit_kg).quantize(GRAM)
        yield Line(
            goods=each,
            number=index + 1,
            invoice=invoice_number(index // per_invoice, reference),
            invoice_line=index % per_invoice + 1,
            invoiced=invoiced,
            value=invoiced + share,
            value_baht=baht(invoiced + share, sale),
            net_kg=net_kg,
            gross_kg=(net_kg * PACKING_SHARE).quantize(GRAM, ROUND_HALF_UP),
        )


def address_fields(trader: Trader, role: str) -> dict[str, str]:
    """Give the fields of the trader, whose names begin with its role, and of its people."""
    return {
        f"{role}ID": trader.tax_id,
        f"{role}BranchID": "0",
        f"{role}Name": trader.name,
        f"{role}EnglishName": trader.english_name,
        f"{role}AddressLine": trader.street,
        f"{role}AddressDistrictName": trader.district,
        f"{role}AddressSubProvinceName": trader.sub_province,
        f"{role}AddressProvinceName": trader.province,
        f"{role}AddressPostcodeID": trader.postcode,
        **PEOPLE,
    }


def transport_fields(transport: Transport) -> dict[str, str]:
    """Give the fields of the means of transport but for its date and port."""
    return {
        "BorderTransportMeansModeCode": transport.mode,
        "CargoTypeCode": "1",
        "BorderTransportMeansName": transport.name,
        "MasterTransportDocumentID": transport.master_document,
        "HouseTransportDocumentID": transport.house_document,
        "ReleaseLocationID": transport.release_port,
    }


def total_fields(lines: Sequence[Line], sale: Sale) -> dict[str, str]:
    """Give the totals of packages and weights, and the currency."""
    package_types = {line.goods.package_type for line in lines}
    return {
        "TotalPackageQuantity": str(sum(line.goods.packages for line in lines)),
        "TotalPackageTypeCode": package_types.pop() if len(package_types) == 1 else "PK",
        "TotalNetNetWeightMeasure": str(sum(line.net_kg for line in lines)),
        "TotalNetNetWeightUnitCode": "KGM",
        "TotalGrossMassMeasure": str(sum(line.gross_kg for line in lines)),
        "TotalGrossMassUnitCode": "KGM",
        "CurrencyCode": sale.currency,
        "ExchangeRateNumeric": str(sale.rate),
    }


def payment_fields(tax: Decimal) -> dict[str, str]:
    """Give the fields of paying so much tax through a bank."""
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


def guarantee_fields(deposit: Decimal) -> dict[str, str]:
    """Give the fields of a bank's guarantee for so much deposit."""
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


def invoice_fields(number: int, lines: Sequence[Line], sale: Sale, reference: str) -> dict[str, str]:
    """Give the fields of an invoice but for its parties."""
    invoice = invoice_number(number, reference)
    freight = shares(sale.freight, sale.invoice_count)[number]
    insurance = shares(sale.insurance, sale.invoice_count)[number]
    return {
        "InvoiceID": invoice,
        "InvoiceIssueDate": "20261110",
        "PurchaseOrderID": f"PO-{reference[-6:]}",
        "PaymentTermsCode": "LC",
        "TradeTermsCode": sale.terms,
        "SellerStatusCode": "MF",
        "CommercialLevelCode": "WS",
        "InvoiceCurrencyCode": sale.currency,
        "TotalInvoiceAmount": str(sum(line.invoiced for line in lines if line.invoice == invoice)),
        "FreightCurrencyCode": sale.currency if freight else "",
        "FreightForeignAmount": str(freight) if freight else "",
        "InsuranceCurrencyCode": sale.currency if insurance else "",
        "InsuranceForeignAmount": str(insurance) if insurance else "",
    }


def item_fields(line: Line, sale: Sale, *, last: bool) -> dict[str, str]:
    """Give the fields of an item that an export and an import have in common."""
    goods = line.goods
    return {
        "SequenceNumeric": str(line.number),
        "InvoiceID": line.invoice,
        "InvoiceLineNumeric": str(line.invoice_line),
        "TariffClassificationID": goods.tariff_code,
        "TariffSequenceID": "00001",
        "StatisticalCode": goods.statistical_code,
        "TransactionNatureCode": "11",
        "UNDGID": goods.un_number,
        "ThaiDescription": goods.thai,
        "EnglishDescription": goods.english,
        "ProductYear": "2026",
        "BrandName": "N/A",
        "NetNetWeightMeasure": str(line.net_kg),
        "NetNetWeightUnitCode": "KGM",
        "Quantity": f"{goods.quantity}.000",
        "QuantityUnitCode": goods.unit,
        "CurrencyCode": sale.currency,
        "ExchangeRateNumeric": str(sale.rate),
        "UnitPriceForeignAmount": str(goods.unit_price),
        "PriceBahtAmount": str(baht(goods.unit_price, sale)),
        "InvoiceQuantity": f"{goods.quantity}.000",
        "InvoiceQuantityUnitCode": goods.unit,
        "InvoiceForeignAmount": str(line.invoiced),
        "InvoiceBahtAmount": str(baht(line.invoiced, sale)),
        "MarksNumbersID": "N/A",
        "PackageQuantity": str(goods.packages),
        "PackageTypeCode": goods.package_type,
        **dict.fromkeys(INDICATORS, "N"),
        "PurchaseCountryCode": sale.country,
        "GrossMassMeasure": str(line.gross_kg),
        "LastEntryIndicator": "Y" if last else "N",
    }


def permit_fields(agency: str, item: int) -> dict[str, str]:
    """Give the fields of an agency's permit."""
    return {
        "PermitID": f"{agency}-2569-{item:06}",
        "PermitIssueDate": "20261102",
        "PermitIssuingAuthorityID": TAX_ID_BY_AGENCY[agency],
    }


def deposit_fields(goods: Goods) -> dict[str, str]:
    """Give the fields of the deposit for an item."""
    return {"DepositReasonCode": "D01", "DepositAmount": str(goods.deposit)}


def agencies_for(goods: Sequence[Goods], *others: str) -> tuple[str, ...]:
    """Tell who gets a declaration of these goods: customs, who must permit them, and others; sorted."""
    return tuple(sorted({"CUSTOMS", *others} | {agency for each in goods for agency in each.agencies}))


def invoice_number(number: int, reference: str) -> str:
    """Give the number of an invoice; the first is 0."""
    return f"INV{reference[-9:]}-{number + 1}"


def baht(foreign: Decimal, sale: Sale) -> Decimal:
    """Turn an amount into baht."""
    return (foreign * sale.rate).quantize(CENT, ROUND_HALF_UP)


def shares(amount: Decimal, count: int) -> list[Decimal]:
    """Split an amount into *count* equal shares; the first takes what does not divide."""
    share = (amount / count).quantize(CENT)
    return [amount - share * (count - 1), *([share] * (count - 1))]
