"""
Import declarations for samples, demos and tests: their totals, weights, values and duties agree.

The same arguments give the same bytes. All companies and people are invented; offices, codes and permit rows are
real, rates of duty are not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from lxml import etree

from tools.samples.catalogue import FOOD, JAPAN
from tools.samples.layout import Layout, write_document
from tools.samples.trade import (
    CENT,
    MODES_BY_WATER,
    NOTHING,
    TRANSMISSION,
    Goods,
    Line,
    Sale,
    Trader,
    Transport,
    address_fields,
    agencies_for,
    baht,
    deposit_fields,
    guarantee_fields,
    invoice_fields,
    item_fields,
    lines_of,
    payment_fields,
    permit_fields,
    shares,
    total_fields,
    transport_fields,
)

LAYOUT = Layout("th/import-declaration/1.0", "urn:nsw:th:import-declaration:1", "ImportDeclaration")
#: Terms whose price leaves out the main carriage, which customs' value holds.
TERMS_WITHOUT_FREIGHT = ("EXW", "FAS", "FCA", "FOB")
VAT_PERCENT = Decimal(7)
INTERIOR_PERCENT = Decimal(10)
NO_EXTRA: Mapping[str, str] = {}

BY_SEA = Transport("1", "SIAM ORCHID V.112W", "2801", "2836", house_document="MHSLCB2611000456")


@dataclass(frozen=True)
class Duty:
    """
    One duty on an item, in baht.

    Attributes:
        quantity: number of units that *per_unit* is for.
    """

    code: str
    base: Decimal
    percent: Decimal = Decimal(0)
    quantity: int = 0
    per_unit: Decimal = Decimal(0)
    exempted_percent: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        """What falls due by value or by quantity, whichever is higher."""
        return max(_cents(self.base * self.percent / 100), _cents(self.quantity * self.per_unit))

    @property
    def exempted(self) -> Decimal:
        """The part that a privilege waives."""
        return _cents(self.amount * self.exempted_percent / 100)

    @property
    def paid(self) -> Decimal:
        """What is left to pay."""
        return self.amount - self.exempted

    def fields(self) -> dict[str, str]:
        """Give the fields of the duty section."""
        fields = {
            "DutyTypeCode": self.code,
            "TaxBaseAmount": str(self.base),
            "ValueRateNumeric": f"{self.percent}.000",
            "SpecificRateNumeric": f"{self.per_unit}.000",
            "DutyAmount": str(self.amount),
            "DutyPaidAmount": str(self.paid),
        }
        if self.quantity:
            fields |= {"SpecificUnitCode": "1", "SpecificQuantity": f"{self.quantity}.000"}
        if self.exempted_percent:
            fields |= {
                "ExemptionRateNumeric": f"{self.exempted_percent}.00",
                "ExemptedAmount": str(self.exempted),
            }
        return fields


def duties_of(line: Line) -> Iterator[Duty]:
    """Reckon the duties on an item: import duty, excise with the interior tax on it, and value added tax on all."""
    goods, value = line.goods, line.value_baht
    duties = [
        Duty("IMPD", value, goods.duty_percent, exempted_percent=goods.exempted_percent),
    ]
    if goods.excise:
        excise = Duty("EXCT", NOTHING, quantity=goods.quantity, per_unit=goods.excise)
        duties += [excise, Duty("INTT", excise.paid, INTERIOR_PERCENT)]
    yield from duties
    yield Duty("VATX", value + sum(each.paid for each in duties), VAT_PERCENT)


def build_import_declaration(
    *,
    reference: str,
    items: Sequence[Goods],
    trader: Trader = FOOD,
    transport: Transport = BY_SEA,
    sale: Sale = JAPAN,
    control: Mapping[str, str] = NO_EXTRA,
) -> bytes:
    """
    Build an import declaration whose totals, weights, values and duties agree.

    Args:
        reference: the reference number: 4 characters of the sender's profile and 9 running digits.
        trader: the importer.
        transport: the mode of transport and what hangs on it.
        sale: the seller, the currency and the term of delivery.
        control: fields of the control section by element name, which win over those made here;
            empty text leaves a field out.

    Returns:
        A UTF-8 document of the message type th.import-declaration 1.0.
    """
    if not sale.terms:
        sale = replace(sale, terms="CIF" if transport.mode in MODES_BY_WATER else "CIP")
    adds_charges = sale.terms in TERMS_WITHOUT_FREIGHT
    freight = sale.freight if adds_charges else Decimal(0)
    charge = freight + (sale.insurance if adds_charges else Decimal(0))
    lines = tuple(lines_of(items, sale, reference, charge))
    root = LAYOUT.start()
    LAYOUT.append(root, "Control", {**_control(reference, lines, trader, transport, sale), **control})
    for number in range(sale.invoice_count):
        parties = {
            "BuyerStatusCode": "WS",
            "ConsignorName": sale.partner,
            "ConsignorAddressLine": sale.street,
            "ConsignorAddressPostcodeID": sale.postcode,
            "ConsignorAddressCountryCode": sale.country,
        }
        LAYOUT.append(root, "Invoice", invoice_fields(number, lines, sale, reference) | parties)
    for line, share in zip(lines, shares(freight, len(lines)), strict=True):
        _append_item(root, line, sale, share, last=line is lines[-1])
    return write_document(root)


def _control(
    reference: str, lines: Sequence[Line], trader: Trader, transport: Transport, sale: Sale
) -> dict[str, str]:
    cif = sum((line.value for line in lines), NOTHING)
    return {
        "FunctionalReferenceID": reference,
        "TypeCode": "0",
        **address_fields(trader, "Importer"),
        **transport_fields(transport),
        "BorderTransportMeansArrivalDate": f"{transport.border_date:%Y%m%d}",
        "DischargeLocationID": transport.port,
        "PurchaseCountryCode": sale.country,
        "ExportationCountryCode": sale.country,
        "MarksNumbersID": f"{trader.english_name} / BANGKOK",
        **total_fields(lines, sale),
        "CIFForeignAmount": str(cif),
        "CIFBahtAmount": str(baht(cif, sale)),
        **payment_fields(sum((duty.paid for line in lines for duty in duties_of(line)), NOTHING)),
        **guarantee_fields(sum((line.goods.deposit for line in lines), NOTHING)),
        **TRANSMISSION,
    }


def _append_item(root: etree._Element, line: Line, sale: Sale, freight: Decimal, *, last: bool) -> None:
    goods = line.goods
    insurance = line.value - line.invoiced - freight
    fields = item_fields(line, sale, last=last) | {
        "ImportTariffCode": "PART2",
        "PrivilegeCode": "000",
        "OriginCountryCode": goods.origin or sale.country,
        "FreightForeignAmount": str(freight) if freight else "",
        "InsuranceForeignAmount": str(insurance) if insurance else "",
        "CIFForeignAmount": str(line.value),
        "CIFBahtAmount": str(line.value_baht),
    }
    item = LAYOUT.append(root, "GoodsItem", {**fields, **goods.extra})
    for duty in duties_of(line):
        LAYOUT.append(item, "DutyTaxFee", duty.fields())
    for agency in goods.agencies:
        LAYOUT.append(item, "Permit", permit_fields(agency, line.number))
    if goods.deposit:
        LAYOUT.append(item, "Deposit", deposit_fields(goods))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class ImportSample:
    """
    A sample's declaration.

    Attributes:
        routed_to: agencies that get it for other reasons than a permit of its goods.
    """

    reference: str
    goods: tuple[Goods, ...]
    trader: Trader = FOOD
    transport: Transport = BY_SEA
    sale: Sale = JAPAN
    control: Mapping[str, str] = field(default_factory=dict)
    routed_to: tuple[str, ...] = ()

    def build(self) -> bytes:
        """Build the document."""
        return build_import_declaration(
            reference=self.reference,
            items=self.goods,
            trader=self.trader,
            transport=self.transport,
            sale=self.sale,
            control=self.control,
        )

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who gets it, sorted."""
        return agencies_for(self.goods, *self.routed_to)
