"""The faults that an export and an import declaration are both tried with: one document for each rule they share."""

from dataclasses import dataclass

from tools.samples.faults import (
    MISSING,
    UNEXPECTED,
    WRONG_VALUE,
    Base,
    Case,
    drop,
    insert_before,
    move_before,
    put,
    repeat,
    without,
    wrong,
)

UNKNOWN_TAX_ID = "0105599000051"


@dataclass(frozen=True)
class Kind:
    """
    What differs between the two.

    Attributes:
        code: what the codes of its rules begin with.
        trader: what the names of its trader's fields begin with.
        value: what the names of customs' value begin with.
        border_date: name of the field of departure or arrival; *port* and *country* likewise.
        clothes: a document of one item that is not counted by weight.
    """

    code: str
    trader: str
    value: str
    border_date: str
    port: str
    country: str
    by_air: Base
    by_road: Base
    two_items: Base
    clothes: Base


def declaration_faults(kind: Kind) -> tuple[Case, ...]:
    """Give the cases that both kinds of declaration have."""
    groups = (
        _identification,
        _parties,
        _codes,
        _transport,
        _payment,
        _goods,
        _order,
        _weights,
        _values,
        _charges,
        _permits,
        _duties,
        _texts,
        _schema,
    )
    return tuple(case for group in groups for case in group(kind))


def _identification(kind: Kind) -> tuple[Case, ...]:
    """Identity and time of the declaration."""
    return (
        wrong(f"{kind.code}-001", "Control/FunctionalReferenceID", "nswd000000001"),
        wrong(f"{kind.code}-002", "Control/TypeCode", "Z"),
        wrong(f"{kind.code}-004", "Control/TransmissionDate", "20261131"),
        wrong(f"{kind.code}-005", "Control/TransmissionDate", "20270118"),
        wrong(f"{kind.code}-006", "Control/TransmissionTime", "2561"),
    )


def _parties(kind: Kind) -> tuple[Case, ...]:
    """Who acts for whom."""
    return (
        wrong(f"{kind.code}-020", f"Control/{kind.trader}ID", "0105599000018"),
        wrong(f"{kind.code}-021", "Control/AgentID", "105599000043"),
        wrong(f"{kind.code}-022", "Control/SubAgentID", "0105599000018"),
        Case(
            "023-sub-agent-without-agent",
            (f"{kind.code}-023 Control/SubAgentID",),
            (put("Control/SubAgentID", "0105599000043"), drop("Control/AgentID", "Control/AgentBranchID")),
        ),
        wrong(f"{kind.code}-024", "Control/TradingPartnerID", "0000000000000"),
        wrong(f"{kind.code}-025", "Control/ManagerID", "1999900000022"),
        Case(
            "026-model-company-id",
            (f"{kind.code}-026 GoodsItem/ModelCompanyID",),
            (
                put("GoodsItem/ModelID", "M-1"),
                put("GoodsItem/ModelVersionID", "1"),
                put("GoodsItem/ModelCompanyID", "0105599000018"),
            ),
        ),
    )


def _codes(kind: Kind) -> tuple[Case, ...]:
    """Codes outside their lists."""
    return (
        wrong(f"{kind.code}-040", "Control/BorderTransportMeansModeCode", "6"),
        wrong(f"{kind.code}-041", "Control/ReleaseLocationID", "9876"),
        wrong(f"{kind.code}-042", f"Control/{kind.country}", "UK"),
        wrong(f"{kind.code}-043", "Invoice/FreightCurrencyCode", "ZZZ"),
        wrong(f"{kind.code}-044", "Control/TotalPackageTypeCode", "XX"),
        wrong(f"{kind.code}-045", "Control/TotalNetNetWeightUnitCode", "KG"),
        wrong(f"{kind.code}-046", "GoodsItem/InvoiceQuantityUnitCode", "PCE"),
        wrong(f"{kind.code}-048", "Invoice/TradeTermsCode", "CNF"),
        wrong(f"{kind.code}-049", f"Control/{kind.trader}AddressProvinceName", "99"),
        wrong(f"{kind.code}-050", "GoodsItem/BOIIndicator", "J"),
    )


def _transport(kind: Kind) -> tuple[Case, ...]:
    """Means of transport and bills of lading."""
    return (
        wrong(f"{kind.code}-070", "Control/BorderTransportMeansName", "SIAM LOTUS", base=kind.by_road),
        wrong(f"{kind.code}-071", "Control/BorderTransportMeansName", "SIAM LOTUS", base=kind.by_air),
        wrong(f"{kind.code}-072", "Control/BorderTransportMeansName", "BY TRUCK"),
        wrong(f"{kind.code}-073", f"Control/{kind.border_date}", "20260230"),
        wrong(f"{kind.code}-074", f"Control/{kind.border_date}", "20270301"),
        wrong(f"{kind.code}-075", f"Control/{kind.border_date}", "20251120"),
        without(f"{kind.code}-076", "Control/MasterTransportDocumentID", "Control", base=kind.by_road),
        without(f"{kind.code}-077", "Control/HouseTransportDocumentID", "Control"),
        Case(
            "078-no-postal-number",
            (f"{kind.code}-078 Control",),
            (
                put("Control/BorderTransportMeansModeCode", "5"),
                put("Control/BorderTransportMeansName", "BY MAIL"),
                drop("Control/HouseTransportDocumentID"),
            ),
        ),
        wrong(f"{kind.code}-079", "Control/MasterTransportDocumentID", "STMBL26110001"),
        wrong(f"{kind.code}-080", "Control/MasterTransportDocumentID", "217-12345676", base=kind.by_air),
    )


def _payment(kind: Kind) -> tuple[Case, ...]:
    """Banks."""
    return (
        without(f"{kind.code}-100", "Control/CustomsBankCode", "Control"),
        without(f"{kind.code}-101", "Control/PaymentBankCode", "Control"),
        without(f"{kind.code}-102", "Control/PaymentBankBranchCode", "Control"),
        without(f"{kind.code}-103", "Control/PaymentBankAccountID", "Control"),
        without(f"{kind.code}-104", "Control/GuaranteeBankCode", "Control"),
        without(f"{kind.code}-105", "Control/GuaranteeBankBranchCode", "Control"),
    )


def _goods(kind: Kind) -> tuple[Case, ...]:
    """Classification, and fields that go together."""
    return (
        wrong(f"{kind.code}-130", "GoodsItem/TariffClassificationID", "4106220"),
        wrong(f"{kind.code}-132", "GoodsItem/StatisticalCode", "0"),
        wrong(f"{kind.code}-136", "GoodsItem/UNDGID", "126"),
        wrong(f"{kind.code}-137", "GoodsItem/ProductYear", "2569"),
        Case(
            "138-reference-declaration-id",
            (f"{kind.code}-138 GoodsItem/ReferenceDeclarationID",),
            (
                put("GoodsItem/ReferenceDeclarationID", "A0011691000000"),
                put("GoodsItem/ReferenceDeclarationLineNumeric", "1"),
            ),
        ),
        Case(
            "139-reference-declaration-date",
            (f"{kind.code}-139 GoodsItem/ReferenceDeclarationID",),
            (
                put("GoodsItem/ReferenceDeclarationID", "A0310690900001"),
                put("GoodsItem/ReferenceDeclarationLineNumeric", "1"),
            ),
        ),
        Case(
            "140-two-zones",
            (f"{kind.code}-140 GoodsItem",),
            (put("GoodsItem/FreeZoneIndicator", "Y"), put("GoodsItem/IEATFreeZoneIndicator", "Y")),
        ),
        Case(
            "141-half-an-argument",
            (f"{kind.code}-141 GoodsItem",),
            (
                put("GoodsItem/ArgumentativeTariffClassificationID", "41062100"),
                put("GoodsItem/ArgumentativeReasonCode", "R01"),
            ),
        ),
        Case(
            "142-reference-without-line",
            (f"{kind.code}-142 GoodsItem",),
            (put("GoodsItem/ReferenceDeclarationID", "A0010691000001"),),
        ),
        Case("143-half-a-model", (f"{kind.code}-143 GoodsItem",), (put("GoodsItem/ModelID", "M-1"),)),
        without(f"{kind.code}-145", "GoodsItem/PackageTypeCode", "GoodsItem"),
        wrong(f"{kind.code}-147", "GoodsItem/Section19BisIndicator", "Y"),
    )


def _order(kind: Kind) -> tuple[Case, ...]:
    """Items and invoices."""
    return (
        wrong(f"{kind.code}-160", "GoodsItem[2]/SequenceNumeric", "3", base=kind.two_items),
        wrong(f"{kind.code}-161", "GoodsItem[1]/LastEntryIndicator", "Y", base=kind.two_items),
        Case(
            "162-invoice-of-no-invoice",
            (f"{kind.code}-162 GoodsItem/InvoiceID", f"{kind.code}-164 Invoice/InvoiceID"),
            (put("GoodsItem/InvoiceID", "INV-OTHER"),),
        ),
        Case("163-invoice-twice", (f"{kind.code}-163 Invoice[2]/InvoiceID",), (repeat("Invoice"),)),
        Case(
            "164-invoice-without-item",
            (f"{kind.code}-164 Invoice[2]/InvoiceID",),
            (repeat("Invoice", InvoiceID="INV-OTHER"),),
        ),
        wrong(f"{kind.code}-165", "Invoice/InvoiceIssueDate", "20261131"),
        wrong(f"{kind.code}-166", "Invoice/InvoiceIssueDate", "20270301"),
        wrong(f"{kind.code}-167", "GoodsItem/CurrencyCode", "NOK"),
    )


def _weights(kind: Kind) -> tuple[Case, ...]:
    """Weights, quantities and packages."""
    return (
        wrong(f"{kind.code}-190", "Control/TotalNetNetWeightMeasure", "99.000"),
        Case(
            "191-mixed-units",
            (f"{kind.code}-191 Control/TotalNetNetWeightMeasure",),
            (
                put("GoodsItem[1]/NetNetWeightMeasure", "0.100"),
                put("GoodsItem[1]/NetNetWeightUnitCode", "TNE"),
                put("GoodsItem[1]/GrossMassMeasure", "0.104"),
                put("Control/TotalNetNetWeightMeasure", "36.100"),
            ),
            base=kind.two_items,
        ),
        wrong(f"{kind.code}-192", "Control/TotalGrossMassMeasure", "99.999"),
        Case(
            "193-mixed-units",
            (f"{kind.code}-193 Control/TotalGrossMassMeasure",),
            (put("Control/TotalGrossMassMeasure", "0.099"), put("Control/TotalGrossMassUnitCode", "TNE")),
        ),
        wrong(f"{kind.code}-194", "GoodsItem/GrossMassMeasure", "99.999"),
        Case(
            "195-net-net-weight-measure",
            (f"{kind.code}-195 GoodsItem/NetNetWeightMeasure",),
            (put("GoodsItem/NetNetWeightMeasure", "0"), put("Control/TotalNetNetWeightMeasure", "0.000")),
            base=kind.clothes,
        ),
        wrong(f"{kind.code}-196", "GoodsItem/Quantity", "110.000"),
        Case(
            "197-quantity-in-tonnes",
            (f"{kind.code}-197 GoodsItem/Quantity",),
            (put("GoodsItem/Quantity", "0.200"), put("GoodsItem/QuantityUnitCode", "TNE")),
        ),
        wrong(f"{kind.code}-198", "Control/TotalPackageQuantity", "5"),
    )


def _values(kind: Kind) -> tuple[Case, ...]:
    """Values."""
    return (
        Case(
            "228-invoice-foreign-amount",
            (f"{kind.code}-228 GoodsItem/InvoiceForeignAmount",),
            (put("GoodsItem/UnitPriceForeignAmount", "14.30"),),
        ),
        wrong(f"{kind.code}-229", "GoodsItem/InvoiceBahtAmount", "46111.95"),
        Case(
            "230-increased-price-baht-amount",
            (f"{kind.code}-230 GoodsItem/IncreasedPriceBahtAmount",),
            (
                put("GoodsItem/IncreasedPriceForeignAmount", "10.00"),
                put("GoodsItem/IncreasedPriceBahtAmount", "10.00"),
            ),
        ),
        wrong(f"{kind.code}-231", "Invoice/TotalInvoiceAmount", "1421.00"),
    )


def _charges(kind: Kind) -> tuple[Case, ...]:
    """Charges of an invoice."""
    return (
        Case(
            "250-freight-without-currency",
            (f"{kind.code}-250 Invoice/FreightForeignAmount",),
            (drop("Invoice/FreightCurrencyCode"),),
        ),
        Case(
            "251-other-charge-unexplained",
            (f"{kind.code}-251 Invoice",),
            (put("Invoice/OtherChargeForeignAmount", "5.00"), put("Invoice/OtherChargeCurrencyCode", "USD")),
        ),
    )


def _permits(kind: Kind) -> tuple[Case, ...]:
    """Permits and exemptions."""
    return (
        wrong(f"{kind.code}-270", "GoodsItem/Permit/PermitIssuingAuthorityID", "XX"),
        wrong(f"{kind.code}-271", "GoodsItem/Permit/PermitIssuingAuthorityID", UNKNOWN_TAX_ID),
        wrong(f"{kind.code}-272", "GoodsItem/Permit/PermitIssueDate", "20260931"),
        wrong(f"{kind.code}-273", "GoodsItem/Permit/PermitIssueDate", "20270301"),
        wrong(f"{kind.code}-274", "GoodsItem/Permit/PermitID", "EXEMPT77"),
    )


def _duties(kind: Kind) -> tuple[Case, ...]:
    """Duties and deposits."""
    return (
        wrong(f"{kind.code}-290", "GoodsItem/DutyTaxFee/ExemptionRateNumeric", "150.00"),
        wrong(f"{kind.code}-292", "GoodsItem/DutyTaxFee/SpecificRateNumeric", "1.500"),
        wrong(f"{kind.code}-295", "GoodsItem/DepositReasonCode", "D02"),
    )


def _texts(kind: Kind) -> tuple[Case, ...]:
    """Names and descriptions."""
    return (
        wrong(f"{kind.code}-310", "GoodsItem/EnglishDescription", "หนังแพะฟอก"),
        wrong(f"{kind.code}-311", "GoodsItem/ThaiDescription", "GOAT LEATHER"),
    )


def _schema(kind: Kind) -> tuple[Case, ...]:
    """Documents that break the schema."""
    return (
        Case("schema-missing-element", (f"{MISSING} Control",), (drop(f"Control/{kind.trader}ID"),)),
        Case("schema-missing-section", (MISSING,), (drop("Invoice"),)),
        Case(
            "schema-extra-element",
            (f"{UNEXPECTED} GoodsItem/Colour",),
            (insert_before("GoodsItem/OriginCountryCode", "Colour", "BROWN"),),
        ),
        Case(
            "schema-element-twice",
            (f"{UNEXPECTED} Control/TypeCode[2]",),
            (repeat("Control/TypeCode"),),
        ),
        Case(
            "schema-wrong-order",
            (f"{UNEXPECTED} Control/TypeCode",),
            (move_before("Control/TypeCode", f"Control/{kind.trader}Name"),),
        ),
        Case(
            "schema-no-number",
            (f"{WRONG_VALUE} Control/TotalNetNetWeightMeasure",),
            (put("Control/TotalNetNetWeightMeasure", "1,420"),),
        ),
        Case(
            "schema-no-date",
            (f"{WRONG_VALUE} Control/{kind.border_date}",),
            (put(f"Control/{kind.border_date}", "2026-11-20"),),
        ),
        Case(
            "schema-too-long",
            (f"{WRONG_VALUE} Invoice/InvoiceID",),
            (put("Invoice/InvoiceID", "INV-" + "0" * 32),),
        ),
        Case(
            "schema-empty-value",
            (f"{WRONG_VALUE} GoodsItem/BrandName",),
            (put("GoodsItem/BrandName", ""),),
        ),
        Case(
            "schema-several-values",
            (
                f"{WRONG_VALUE} Control/TransmissionDate",
                f"{WRONG_VALUE} GoodsItem/{kind.value}BahtAmount",
                f"{WRONG_VALUE} GoodsItem/Permit/PermitIssueDate",
                f"{WRONG_VALUE} Invoice/TradeTermsCode",
            ),
            (
                put("Control/TransmissionDate", "18112569"),
                put("Invoice/TradeTermsCode", "F.O.B."),
                put(f"GoodsItem/{kind.value}BahtAmount", "-1.00"),
                put("GoodsItem/Permit/PermitIssueDate", "20260015"),
            ),
        ),
        Case(
            "schema-several-kinds",
            (
                f"{MISSING} Invoice",
                f"{UNEXPECTED} GoodsItem/Colour",
                f"{WRONG_VALUE} Control/TypeCode",
                f"{WRONG_VALUE} Invoice/TotalInvoiceAmount",
            ),
            (
                put("Control/TypeCode", "10"),
                drop("Invoice/PaymentTermsCode"),
                put("Invoice/TotalInvoiceAmount", "one thousand"),
                insert_before("GoodsItem/OriginCountryCode", "Colour", "BROWN"),
            ),
        ),
        Case(
            "schema-hides-rules",
            (f"{MISSING} GoodsItem/Permit",),
            (drop("GoodsItem/Permit/PermitIssueDate"), put(f"Control/{kind.trader}ID", "0105599000018")),
        ),
    )
