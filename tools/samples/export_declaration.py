"""
Export declarations for samples, demos and tests: their totals, weights and values agree.

The same arguments give the same bytes. All companies and people are invented; offices, codes and permit rows are
real.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from lxml import etree

from tools.samples.catalogue import (
    AIR,
    AIR_CONDITIONERS,
    CHEMICALS,
    CIRCUITS,
    CRAB,
    ELECTRONICS,
    FOOD,
    GERMANY,
    JAPAN,
    LAOS,
    LEATHER,
    NOODLES,
    PAINT,
    PERMANGANATE,
    RICE,
    ROAD,
    ROUTERS,
    SEA,
    SINGAPORE,
    from_catalogue,
)
from tools.samples.layout import Layout, write_document
from tools.samples.trade import (
    BROKER,
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
    total_fields,
    transport_fields,
)

LAYOUT = Layout("th/export-declaration/1.0", "urn:nsw:th:export-declaration:1", "ExportDeclaration")
NO_EXTRA: Mapping[str, str] = {}


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
    goods = from_catalogue(items) if isinstance(items, int) else tuple(items)
    if not sale.terms:
        sale = replace(sale, terms="FOB" if transport.mode in MODES_BY_WATER else "FCA")
    lines = tuple(lines_of(goods, sale, reference, -(sale.freight + sale.insurance)))
    root = LAYOUT.start()
    LAYOUT.append(root, "Control", {**_control(reference, lines, trader, transport, sale), **control})
    for number in range(sale.invoice_count):
        parties = {
            "ConsigneeStatusCode": "WS",
            "ConsigneeName": sale.partner,
            "ConsigneeAddressLine": sale.street,
            "ConsigneeAddressPostcodeID": sale.postcode,
            "ConsigneeAddressCountryCode": sale.country,
        }
        LAYOUT.append(root, "Invoice", invoice_fields(number, lines, sale, reference) | parties)
    for line in lines:
        _append_item(root, line, sale, last=line is lines[-1])
    if compact:
        root.text = "\n"
        for child in root:
            child.tail = "\n"
    return write_document(root, pretty=not compact)


def _control(
    reference: str, lines: Sequence[Line], trader: Trader, transport: Transport, sale: Sale
) -> dict[str, str]:
    fob = sum((line.value for line in lines), NOTHING)
    return {
        "FunctionalReferenceID": reference,
        "TypeCode": "1",
        **address_fields(trader, "Exporter"),
        **transport_fields(transport),
        "BorderTransportMeansDepartureDate": f"{transport.border_date:%Y%m%d}",
        "LoadingLocationID": transport.port,
        "PurchaseCountryCode": sale.country,
        "DestinationCountryCode": sale.country,
        "MarksNumbersID": f"{sale.partner} / {sale.country} / MADE IN THAILAND",
        **total_fields(lines, sale),
        "FOBForeignAmount": str(fob),
        "FOBBahtAmount": str(baht(fob, sale)),
        **payment_fields(sum(map(_duty, lines), NOTHING)),
        **guarantee_fields(sum((line.goods.deposit for line in lines), NOTHING)),
        **TRANSMISSION,
    }


def _append_item(root: etree._Element, line: Line, sale: Sale, *, last: bool) -> None:
    goods = line.goods
    fields = item_fields(line, sale, last=last) | {
        "ExportTariffCode": "PART3",
        "PrivilegeCode": "003",
        "OriginCountryCode": "TH",
        "FOBForeignAmount": str(line.value),
        "FOBBahtAmount": str(line.value_baht),
        "CompensationIndicator": "N",
    }
    item = LAYOUT.append(root, "GoodsItem", {**fields, **goods.extra})
    if goods.duty_percent:
        duty = {
            "DutyTypeCode": "EXPD",
            "ValueRateNumeric": f"{goods.duty_percent}.000",
            "SpecificRateNumeric": "0.000",
            "DutyAmount": str(_duty(line)),
            "DutyPaidAmount": str(_duty(line)),
        }
        LAYOUT.append(item, "DutyTaxFee", duty)
    for agency in goods.agencies:
        LAYOUT.append(item, "Permit", permit_fields(agency, line.number))
    if goods.deposit:
        LAYOUT.append(item, "Deposit", deposit_fields(goods))


def _duty(line: Line) -> Decimal:
    return (line.value_baht * line.goods.duty_percent / 100).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class ExportSample:
    """A sample's declaration."""

    reference: str
    goods: tuple[Goods, ...]
    trader: Trader = FOOD
    transport: Transport = SEA
    sale: Sale = SINGAPORE
    control: Mapping[str, str] = field(default_factory=dict)
    compact: bool = False

    def build(self) -> bytes:
        """Build the document."""
        return build_export_declaration(
            reference=self.reference,
            items=self.goods,
            trader=self.trader,
            transport=self.transport,
            sale=self.sale,
            control=self.control,
            compact=self.compact,
        )

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who gets it, sorted."""
        is_dangerous_by_sea = self.transport.mode == "1" and any(each.un_number for each in self.goods)
        return agencies_for(self.goods, *(["PAT"] if is_dangerous_by_sea else []))


VALID = {
    "small": ExportSample("NSWD000000001", (RICE,)),
    "typical": ExportSample(
        "NSWD000000002",
        (RICE, CRAB, NOODLES),
        sale=replace(JAPAN, terms="CIF", freight=Decimal(240), insurance=Decimal(30)),
        control=BROKER,
    ),
    "dangerous": ExportSample("NSWD000000003", (PERMANGANATE, PAINT), trader=CHEMICALS),
    "air": ExportSample("NSWD000000004", (CIRCUITS, ROUTERS), trader=ELECTRONICS, transport=AIR, sale=JAPAN),
    "road": ExportSample(
        "NSWD000000005", (AIR_CONDITIONERS, NOODLES), trader=ELECTRONICS, transport=ROAD, sale=LAOS
    ),
    "fifty": ExportSample(
        "NSWD000000006",
        (LEATHER, *from_catalogue(49)),
        sale=replace(GERMANY, invoice_count=2),
        control=BROKER,
    ),
    "largest": ExportSample("NSWD000000007", from_catalogue(999), compact=True),
}
