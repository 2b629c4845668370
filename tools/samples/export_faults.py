"""The invalid samples of the Thai export declaration: small documents with planted faults, and what is found."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tools.samples.export_declaration import LAYOUT, VALID, ExportSample
from tools.samples.faults import (
    MISSING,
    UNEXPECTED,
    WRONG_VALUE,
    Case,
    drop,
    insert_before,
    move_before,
    put,
    repeat,
    without,
    wrong,
)
from tools.samples.files import SampleSet
from tools.samples.trade import BROKER, Goods, Sale, Trader, Transport

TRADER = Trader(
    tax_id="0105599000019",
    name="บริษัท ผิดพลาดตัวอย่าง จำกัด",
    english_name="PHITPHLAT TUAYANG CO., LTD.",
    street="1 ถนนตัวอย่าง",
    district="แขวงคลองเตย",
    sub_province="เขตคลองเตย",
    province="กรุงเทพมหานคร",
    postcode="10110",
)
SEA = Transport("1", "SIAM LOTUS V.7E", "2801", "2836", "STHBL26110001", border_date=date(2026, 11, 20))
AIR = Transport("4", "TG640", "1190", "1190", "STHAWB26110001", "21712345675", date(2026, 11, 20))
ROAD = Transport("3", "BY TRUCK", "2901", "2901", "1", "LM29012611000045", date(2026, 11, 20))
SALE = Sale(
    partner="MIHON SHOJI K.K.",
    street="1-2-3 REIBUN, TOKYO",
    postcode="1350000",
    country="JP",
    currency="USD",
    rate=Decimal("32.4725"),
    terms="CIF",
    freight=Decimal(200),
    insurance=Decimal(20),
)
LEATHER = Goods(
    "41062200",
    "000",
    "หนังแพะฟอก แห้ง (ครัสต์)",
    "GOAT LEATHER, CRUST",
    quantity=100,
    unit="KGM",
    unit_price=Decimal("14.20"),
    unit_kg=Decimal(1),
    packages=4,
    package_type="PX",
    agencies=("DLD",),
    duty_percent=Decimal(5),
    deposit=Decimal(1000),
)
SHIRTS = Goods(
    "61091010",
    "000",
    "เสื้อยืดผ้าฝ้าย",
    "T-SHIRTS OF COTTON",
    quantity=200,
    unit="C62",
    unit_price=Decimal("3.85"),
    unit_kg=Decimal("0.180"),
    packages=2,
    package_type="CT",
)

BASE = ExportSample("NSWE000000001", (LEATHER,), TRADER, SEA, SALE, BROKER)
BY_AIR = replace(BASE, transport=AIR)
BY_ROAD = replace(BASE, transport=ROAD)
TWO_ITEMS = replace(BASE, goods=(LEATHER, SHIRTS))
IN_BAHT = replace(BASE, sale=replace(SALE, currency="THB"))
UNKNOWN_TAX_ID = "0105599000051"

IDENTIFICATION = (
    wrong("TH-EXP-001", "Control/FunctionalReferenceID", "nswd000000001"),
    wrong("TH-EXP-002", "Control/TypeCode", "Z"),
    wrong("TH-EXP-003", "Control/TypeCode", "0"),
    wrong("TH-EXP-004", "Control/TransmissionDate", "20261131"),
    wrong("TH-EXP-005", "Control/TransmissionDate", "20270118"),
    wrong("TH-EXP-006", "Control/TransmissionTime", "2561"),
)
PARTIES = (
    wrong("TH-EXP-020", "Control/ExporterID", "0105599000018"),
    wrong("TH-EXP-021", "Control/AgentID", "105599000043"),
    wrong("TH-EXP-022", "Control/SubAgentID", "0105599000018"),
    Case(
        "023-sub-agent-without-agent",
        ("TH-EXP-023 Control/SubAgentID",),
        (put("Control/SubAgentID", "0105599000043"), drop("Control/AgentID", "Control/AgentBranchID")),
    ),
    wrong("TH-EXP-024", "Control/TradingPartnerID", "0000000000000"),
    wrong("TH-EXP-025", "Control/ManagerID", "1999900000022"),
    Case(
        "026-model-company-id",
        ("TH-EXP-026 GoodsItem/ModelCompanyID",),
        (
            put("GoodsItem/ModelID", "M-1"),
            put("GoodsItem/ModelVersionID", "1"),
            put("GoodsItem/ModelCompanyID", "0105599000018"),
        ),
    ),
)
CODES = (
    wrong("TH-EXP-040", "Control/BorderTransportMeansModeCode", "6"),
    wrong("TH-EXP-041", "Control/ReleaseLocationID", "9876"),
    wrong("TH-EXP-042", "Control/DestinationCountryCode", "UK"),
    wrong("TH-EXP-043", "Invoice/FreightCurrencyCode", "ZZZ"),
    wrong("TH-EXP-044", "Control/TotalPackageTypeCode", "XX"),
    wrong("TH-EXP-045", "Control/TotalNetNetWeightUnitCode", "KG"),
    wrong("TH-EXP-046", "GoodsItem/InvoiceQuantityUnitCode", "PCE"),
    Case(
        "047-privilege-code",
        ("TH-EXP-047 GoodsItem/PrivilegeCode",),
        (put("GoodsItem/ExportTariffCode", "41062200"), put("GoodsItem/PrivilegeCode", "392")),
    ),
    wrong("TH-EXP-048", "Invoice/TradeTermsCode", "CNF"),
    wrong("TH-EXP-049", "Control/ExporterAddressProvinceName", "99"),
    wrong("TH-EXP-050", "GoodsItem/BOIIndicator", "J"),
)
TRANSPORT = (
    wrong("TH-EXP-070", "Control/BorderTransportMeansName", "SIAM LOTUS", base=BY_ROAD),
    wrong("TH-EXP-071", "Control/BorderTransportMeansName", "SIAM LOTUS", base=BY_AIR),
    wrong("TH-EXP-072", "Control/BorderTransportMeansName", "BY TRUCK"),
    wrong("TH-EXP-073", "Control/BorderTransportMeansDepartureDate", "20260230"),
    wrong("TH-EXP-074", "Control/BorderTransportMeansDepartureDate", "20270301"),
    wrong("TH-EXP-075", "Control/BorderTransportMeansDepartureDate", "20251120"),
    without("TH-EXP-076", "Control/MasterTransportDocumentID", "Control", base=BY_ROAD),
    without("TH-EXP-077", "Control/HouseTransportDocumentID", "Control"),
    Case(
        "078-no-postal-number",
        ("TH-EXP-078 Control",),
        (
            put("Control/BorderTransportMeansModeCode", "5"),
            put("Control/BorderTransportMeansName", "BY MAIL"),
            drop("Control/HouseTransportDocumentID"),
        ),
    ),
    wrong("TH-EXP-079", "Control/MasterTransportDocumentID", "STMBL26110001"),
    wrong("TH-EXP-080", "Control/MasterTransportDocumentID", "217-12345676", base=BY_AIR),
)
PAYMENT = (
    without("TH-EXP-100", "Control/CustomsBankCode", "Control"),
    without("TH-EXP-101", "Control/PaymentBankCode", "Control"),
    without("TH-EXP-102", "Control/PaymentBankBranchCode", "Control"),
    without("TH-EXP-103", "Control/PaymentBankAccountID", "Control"),
    without("TH-EXP-104", "Control/GuaranteeBankCode", "Control"),
    without("TH-EXP-105", "Control/GuaranteeBankBranchCode", "Control"),
)
GOODS = (
    wrong("TH-EXP-130", "GoodsItem/TariffClassificationID", "4106220"),
    wrong("TH-EXP-131", "GoodsItem/TariffClassificationID", "99030000"),
    wrong("TH-EXP-132", "GoodsItem/StatisticalCode", "0"),
    Case(
        "133-part3-without-privilege",
        ("TH-EXP-133 GoodsItem/ExportTariffCode",),
        (drop("GoodsItem/PrivilegeCode"),),
    ),
    wrong("TH-EXP-134", "GoodsItem/ExportTariffCode", "PART4"),
    wrong("TH-EXP-135", "GoodsItem/ExportTariffCode", "99010000"),
    wrong("TH-EXP-136", "GoodsItem/UNDGID", "126"),
    wrong("TH-EXP-137", "GoodsItem/ProductYear", "2569"),
    Case(
        "138-reference-declaration-id",
        ("TH-EXP-138 GoodsItem/ReferenceDeclarationID",),
        (
            put("GoodsItem/ReferenceDeclarationID", "A0011691000000"),
            put("GoodsItem/ReferenceDeclarationLineNumeric", "1"),
        ),
    ),
    Case(
        "139-reference-declaration-date",
        ("TH-EXP-139 GoodsItem/ReferenceDeclarationID",),
        (
            put("GoodsItem/ReferenceDeclarationID", "A0310690900001"),
            put("GoodsItem/ReferenceDeclarationLineNumeric", "1"),
        ),
    ),
    Case(
        "140-two-zones",
        ("TH-EXP-140 GoodsItem",),
        (put("GoodsItem/FreeZoneIndicator", "Y"), put("GoodsItem/IEATFreeZoneIndicator", "Y")),
    ),
    Case(
        "141-half-an-argument",
        ("TH-EXP-141 GoodsItem",),
        (
            put("GoodsItem/ArgumentativeTariffClassificationID", "41062100"),
            put("GoodsItem/ArgumentativeReasonCode", "R01"),
        ),
    ),
    Case(
        "142-reference-without-line",
        ("TH-EXP-142 GoodsItem",),
        (put("GoodsItem/ReferenceDeclarationID", "A0010691000001"),),
    ),
    Case("143-half-a-model", ("TH-EXP-143 GoodsItem",), (put("GoodsItem/ModelID", "M-1"),)),
    Case(
        "144-re-export-without-reference",
        ("TH-EXP-144 GoodsItem",),
        (put("GoodsItem/ReExportIndicator", "Y"),),
    ),
    without("TH-EXP-145", "GoodsItem/PackageTypeCode", "GoodsItem"),
    Case(
        "146-compensation-and-boi",
        ("TH-EXP-146 GoodsItem/BOIIndicator",),
        (
            put("GoodsItem/CompensationIndicator", "Y"),
            put("GoodsItem/BOIIndicator", "Y"),
            put("GoodsItem/BOILicenseID", "69-0001-1-00-1-0"),
        ),
    ),
    wrong("TH-EXP-147", "GoodsItem/Section19BisIndicator", "Y"),
)
ORDER = (
    wrong("TH-EXP-160", "GoodsItem[2]/SequenceNumeric", "3", base=TWO_ITEMS),
    wrong("TH-EXP-161", "GoodsItem[1]/LastEntryIndicator", "Y", base=TWO_ITEMS),
    Case(
        "162-invoice-of-no-invoice",
        ("TH-EXP-162 GoodsItem/InvoiceID", "TH-EXP-164 Invoice/InvoiceID"),
        (put("GoodsItem/InvoiceID", "INV-OTHER"),),
    ),
    Case("163-invoice-twice", ("TH-EXP-163 Invoice[2]/InvoiceID",), (repeat("Invoice"),)),
    Case(
        "164-invoice-without-item",
        ("TH-EXP-164 Invoice[2]/InvoiceID",),
        (repeat("Invoice", InvoiceID="INV-OTHER"),),
    ),
    wrong("TH-EXP-165", "Invoice/InvoiceIssueDate", "20261131"),
    wrong("TH-EXP-166", "Invoice/InvoiceIssueDate", "20270301"),
    wrong("TH-EXP-167", "GoodsItem/CurrencyCode", "EUR"),
)
WEIGHTS = (
    wrong("TH-EXP-190", "Control/TotalNetNetWeightMeasure", "99.000"),
    Case(
        "191-mixed-units",
        ("TH-EXP-191 Control/TotalNetNetWeightMeasure",),
        (
            put("GoodsItem[1]/NetNetWeightMeasure", "0.100"),
            put("GoodsItem[1]/NetNetWeightUnitCode", "TNE"),
            put("GoodsItem[1]/GrossMassMeasure", "0.104"),
            put("Control/TotalNetNetWeightMeasure", "36.100"),
        ),
        base=TWO_ITEMS,
    ),
    wrong("TH-EXP-192", "Control/TotalGrossMassMeasure", "99.999"),
    Case(
        "193-mixed-units",
        ("TH-EXP-193 Control/TotalGrossMassMeasure",),
        (put("Control/TotalGrossMassMeasure", "0.099"), put("Control/TotalGrossMassUnitCode", "TNE")),
    ),
    wrong("TH-EXP-194", "GoodsItem/GrossMassMeasure", "99.999"),
    Case(
        "195-net-net-weight-measure",
        ("TH-EXP-195 GoodsItem/NetNetWeightMeasure",),
        (put("GoodsItem/NetNetWeightMeasure", "0"), put("Control/TotalNetNetWeightMeasure", "0.000")),
        base=replace(BASE, goods=(SHIRTS,)),
    ),
    wrong("TH-EXP-196", "GoodsItem/Quantity", "110.000"),
    Case(
        "197-quantity-in-tonnes",
        ("TH-EXP-197 GoodsItem/Quantity",),
        (put("GoodsItem/Quantity", "0.200"), put("GoodsItem/QuantityUnitCode", "TNE")),
    ),
    wrong("TH-EXP-198", "Control/TotalPackageQuantity", "5"),
)
VALUES = (
    Case(
        "220-fob-baht-amount",
        ("TH-EXP-220 Control/FOBBahtAmount", "TH-EXP-221 Control/FOBBahtAmount"),
        (put("Control/FOBBahtAmount", "38968.00"),),
    ),
    Case(
        "221-fob-baht-amount",
        ("TH-EXP-221 Control/FOBBahtAmount", "TH-EXP-222 Control/FOBForeignAmount"),
        (put("Control/FOBForeignAmount", "1300.00"), put("Control/FOBBahtAmount", "42214.25")),
    ),
    Case(
        "222-fob-foreign-amount",
        ("TH-EXP-220 Control/FOBBahtAmount", "TH-EXP-222 Control/FOBForeignAmount"),
        (put("Control/FOBForeignAmount", "1201.00"),),
    ),
    Case(
        "223-exchange-rate-numeric",
        (
            "TH-EXP-223 GoodsItem/ExchangeRateNumeric",
            "TH-EXP-225 GoodsItem/ExchangeRateNumeric",
            "TH-EXP-226 GoodsItem/FOBBahtAmount",
            "TH-EXP-229 GoodsItem/InvoiceBahtAmount",
        ),
        (put("GoodsItem/ExchangeRateNumeric", "0"),),
    ),
    Case(
        "224-rate-of-the-baht",
        ("TH-EXP-224 Control/ExchangeRateNumeric", "TH-EXP-224 GoodsItem/ExchangeRateNumeric"),
        base=IN_BAHT,
    ),
    Case(
        "225-exchange-rate-numeric",
        ("TH-EXP-221 Control/FOBBahtAmount", "TH-EXP-225 GoodsItem/ExchangeRateNumeric"),
        (
            put("GoodsItem/ExchangeRateNumeric", "32.5"),
            put("GoodsItem/InvoiceBahtAmount", "46150.00"),
            put("GoodsItem/FOBBahtAmount", "39000.00"),
        ),
    ),
    Case(
        "226-fob-baht-amount",
        ("TH-EXP-221 Control/FOBBahtAmount", "TH-EXP-226 GoodsItem/FOBBahtAmount"),
        (put("GoodsItem/FOBBahtAmount", "38967.05"),),
    ),
    Case(
        "227-fob-baht-amount",
        ("TH-EXP-227 GoodsItem/FOBBahtAmount",),
        tuple(
            put(f"{section}/{field}", "0.00")
            for section in ("Control", "GoodsItem")
            for field in ("FOBForeignAmount", "FOBBahtAmount")
        ),
    ),
    Case(
        "228-invoice-foreign-amount",
        ("TH-EXP-228 GoodsItem/InvoiceForeignAmount",),
        (put("GoodsItem/UnitPriceForeignAmount", "14.30"),),
    ),
    wrong("TH-EXP-229", "GoodsItem/InvoiceBahtAmount", "46111.95"),
    Case(
        "230-increased-price-baht-amount",
        ("TH-EXP-230 GoodsItem/IncreasedPriceBahtAmount",),
        (
            put("GoodsItem/IncreasedPriceForeignAmount", "10.00"),
            put("GoodsItem/IncreasedPriceBahtAmount", "10.00"),
        ),
    ),
    wrong("TH-EXP-231", "Invoice/TotalInvoiceAmount", "1421.00"),
)
CHARGES = (
    Case(
        "250-freight-without-currency",
        ("TH-EXP-250 Invoice/FreightForeignAmount",),
        (drop("Invoice/FreightCurrencyCode"),),
    ),
    Case(
        "251-other-charge-unexplained",
        ("TH-EXP-251 Invoice",),
        (put("Invoice/OtherChargeForeignAmount", "5.00"), put("Invoice/OtherChargeCurrencyCode", "USD")),
    ),
    Case(
        "252-no-freight",
        ("TH-EXP-252 Invoice",),
        (drop("Invoice/FreightForeignAmount", "Invoice/FreightCurrencyCode"),),
    ),
    Case(
        "253-no-insurance",
        ("TH-EXP-253 Invoice",),
        (drop("Invoice/InsuranceForeignAmount", "Invoice/InsuranceCurrencyCode"),),
    ),
)
PERMITS = (
    wrong("TH-EXP-270", "GoodsItem/Permit/PermitIssuingAuthorityID", "XX"),
    wrong("TH-EXP-271", "GoodsItem/Permit/PermitIssuingAuthorityID", UNKNOWN_TAX_ID),
    wrong("TH-EXP-272", "GoodsItem/Permit/PermitIssueDate", "20260931"),
    wrong("TH-EXP-273", "GoodsItem/Permit/PermitIssueDate", "20270301"),
    wrong("TH-EXP-274", "GoodsItem/Permit/PermitID", "EXEMPT77"),
)
DUTIES = (
    wrong("TH-EXP-290", "GoodsItem/DutyTaxFee/ExemptionRateNumeric", "150.00"),
    Case(
        "291-duty-paid-amount",
        ("TH-EXP-291 GoodsItem/DutyTaxFee/DutyPaidAmount",),
        (put("GoodsItem/DutyTaxFee/DutyPaidAmount", "2000.00"), put("Control/TotalTaxAmount", "2000.00")),
    ),
    wrong("TH-EXP-292", "GoodsItem/DutyTaxFee/SpecificRateNumeric", "1.500"),
    wrong("TH-EXP-293", "Control/TotalTaxAmount", "0.00"),
    wrong("TH-EXP-294", "Control/TotalDepositAmount", "100.00"),
    wrong("TH-EXP-295", "GoodsItem/DepositReasonCode", "D02"),
)
TEXTS = (
    wrong("TH-EXP-310", "GoodsItem/EnglishDescription", "หนังแพะฟอก"),
    wrong("TH-EXP-311", "GoodsItem/ThaiDescription", "GOAT LEATHER"),
)
SEVERAL = (
    Case(
        "several-mistyped-codes",
        (
            "TH-EXP-020 Control/ExporterID",
            "TH-EXP-041 Control/LoadingLocationID",
            "TH-EXP-042 GoodsItem/OriginCountryCode",
            "TH-EXP-045 Control/TotalGrossMassUnitCode",
            "TH-EXP-046 GoodsItem/QuantityUnitCode",
            "TH-EXP-132 GoodsItem/StatisticalCode",
        ),
        (
            put("Control/ExporterID", "0105599000091"),
            put("Control/LoadingLocationID", "2386"),
            put("Control/TotalGrossMassUnitCode", "GKM"),
            put("GoodsItem/OriginCountryCode", "TA"),
            put("GoodsItem/QuantityUnitCode", "KMG"),
            put("GoodsItem/StatisticalCode", "00"),
        ),
    ),
    Case(
        "several-flown-like-a-ship",
        (
            "TH-EXP-071 Control/BorderTransportMeansName",
            "TH-EXP-074 Control/BorderTransportMeansDepartureDate",
            "TH-EXP-076 Control",
        ),
        (
            put("Control/BorderTransportMeansModeCode", "4"),
            put("Control/BorderTransportMeansDepartureDate", "20270101"),
        ),
    ),
    Case(
        "several-by-road-without-papers",
        ("TH-EXP-070 Control/BorderTransportMeansName", "TH-EXP-076 Control", "TH-EXP-077 Control"),
        (
            put("Control/BorderTransportMeansName", "TRUCK"),
            drop("Control/MasterTransportDocumentID", "Control/HouseTransportDocumentID"),
        ),
        base=BY_ROAD,
    ),
    Case(
        "several-no-banks",
        (
            "TH-EXP-100 Control",
            "TH-EXP-101 Control",
            "TH-EXP-102 Control",
            "TH-EXP-103 Control",
            "TH-EXP-104 Control",
            "TH-EXP-105 Control",
        ),
        (
            drop(
                "Control/CustomsBankCode",
                "Control/PaymentBankCode",
                "Control/PaymentBankBranchCode",
                "Control/PaymentBankAccountID",
                "Control/GuaranteeBankCode",
                "Control/GuaranteeBankBranchCode",
            ),
        ),
    ),
    Case(
        "several-totals",
        (
            "TH-EXP-190 Control/TotalNetNetWeightMeasure",
            "TH-EXP-192 Control/TotalGrossMassMeasure",
            "TH-EXP-220 Control/FOBBahtAmount",
            "TH-EXP-221 Control/FOBBahtAmount",
            "TH-EXP-231 Invoice/TotalInvoiceAmount",
        ),
        (
            put("Control/TotalNetNetWeightMeasure", "163.000"),
            put("Control/TotalGrossMassMeasure", "136.000"),
            put("Control/FOBBahtAmount", "39689.69"),
            put("Invoice/TotalInvoiceAmount", "2910.00"),
        ),
        base=TWO_ITEMS,
    ),
    Case(
        "several-on-two-items",
        (
            "TH-EXP-130 GoodsItem[1]/TariffClassificationID",
            "TH-EXP-136 GoodsItem[2]/UNDGID",
            "TH-EXP-160 GoodsItem[1]/SequenceNumeric",
            "TH-EXP-160 GoodsItem[2]/SequenceNumeric",
            "TH-EXP-161 GoodsItem[2]/LastEntryIndicator",
            "TH-EXP-273 GoodsItem[1]/Permit/PermitIssueDate",
        ),
        (
            put("GoodsItem[1]/SequenceNumeric", "0"),
            put("GoodsItem[2]/SequenceNumeric", "2"),
            put("GoodsItem[1]/TariffClassificationID", "410622000000"),
            put("GoodsItem[1]/Permit/PermitIssueDate", "20271102"),
            put("GoodsItem[2]/UNDGID", "12"),
            put("GoodsItem[2]/LastEntryIndicator", "N"),
        ),
        base=TWO_ITEMS,
    ),
    Case(
        "several-privileges",
        (
            "TH-EXP-134 GoodsItem/ExportTariffCode",
            "TH-EXP-140 GoodsItem",
            "TH-EXP-144 GoodsItem",
            "TH-EXP-146 GoodsItem/ReExportIndicator",
            "TH-EXP-147 GoodsItem/BondIndicator",
        ),
        (
            put("GoodsItem/ExportTariffCode", "PART4"),
            put("GoodsItem/FreeZoneIndicator", "Y"),
            put("GoodsItem/BondIndicator", "Y"),
            put("GoodsItem/ReExportIndicator", "Y"),
            put("GoodsItem/CompensationIndicator", "Y"),
        ),
    ),
    Case(
        "several-warnings",
        (
            "TH-EXP-048 Invoice/TradeTermsCode",
            "TH-EXP-137 GoodsItem/ProductYear",
            "TH-EXP-166 Invoice/InvoiceIssueDate",
            "TH-EXP-198 Control/TotalPackageQuantity",
        ),
        (
            put("Invoice/TradeTermsCode", "CNI"),
            put("Invoice/InvoiceIssueDate", "20270301"),
            put("GoodsItem/ProductYear", "1026"),
            put("Control/TotalPackageQuantity", "40"),
        ),
    ),
)
SCHEMA = (
    Case("schema-missing-element", (f"{MISSING} Control",), (drop("Control/ExporterID"),)),
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
        (move_before("Control/TypeCode", "Control/ExporterName"),),
    ),
    Case(
        "schema-no-number",
        (f"{WRONG_VALUE} Control/TotalNetNetWeightMeasure",),
        (put("Control/TotalNetNetWeightMeasure", "1,420"),),
    ),
    Case(
        "schema-no-date",
        (f"{WRONG_VALUE} Control/BorderTransportMeansDepartureDate",),
        (put("Control/BorderTransportMeansDepartureDate", "2026-11-20"),),
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
            f"{WRONG_VALUE} GoodsItem/FOBBahtAmount",
            f"{WRONG_VALUE} GoodsItem/Permit/PermitIssueDate",
            f"{WRONG_VALUE} Invoice/TradeTermsCode",
        ),
        (
            put("Control/TransmissionDate", "18112569"),
            put("Invoice/TradeTermsCode", "F.O.B."),
            put("GoodsItem/FOBBahtAmount", "-1.00"),
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
        (drop("GoodsItem/Permit/PermitIssueDate"), put("Control/ExporterID", "0105599000018")),
    ),
)
CASES = (
    *IDENTIFICATION,
    *PARTIES,
    *CODES,
    *TRANSPORT,
    *PAYMENT,
    *GOODS,
    *ORDER,
    *WEIGHTS,
    *VALUES,
    *CHARGES,
    *PERMITS,
    *DUTIES,
    *TEXTS,
    *SEVERAL,
    *SCHEMA,
)

SAMPLES = SampleSet(LAYOUT, VALID, BASE, CASES)
