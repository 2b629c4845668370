"""The invalid samples of the Thai export declaration: small documents with planted faults, and what is found."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tools.samples.declaration_faults import Kind, declaration_faults
from tools.samples.export_declaration import LAYOUT, VALID, ExportSample
from tools.samples.faults import (
    Case,
    drop,
    put,
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

KIND = Kind(
    code="TH-EXP",
    trader="Exporter",
    value="FOB",
    border_date="BorderTransportMeansDepartureDate",
    port="LoadingLocationID",
    country="DestinationCountryCode",
    by_air=BY_AIR,
    by_road=BY_ROAD,
    two_items=TWO_ITEMS,
    clothes=replace(BASE, goods=(SHIRTS,)),
)
OWN = (
    wrong("TH-EXP-003", "Control/TypeCode", "0"),
    Case(
        "047-privilege-code",
        ("TH-EXP-047 GoodsItem/PrivilegeCode",),
        (put("GoodsItem/ExportTariffCode", "41062200"), put("GoodsItem/PrivilegeCode", "392")),
    ),
    wrong("TH-EXP-131", "GoodsItem/TariffClassificationID", "99030000"),
    Case(
        "133-part3-without-privilege",
        ("TH-EXP-133 GoodsItem/ExportTariffCode",),
        (drop("GoodsItem/PrivilegeCode"),),
    ),
    wrong("TH-EXP-134", "GoodsItem/ExportTariffCode", "PART4"),
    wrong("TH-EXP-135", "GoodsItem/ExportTariffCode", "99010000"),
    Case(
        "144-re-export-without-reference",
        ("TH-EXP-144 GoodsItem",),
        (put("GoodsItem/ReExportIndicator", "Y"),),
    ),
    Case(
        "146-compensation-and-boi",
        ("TH-EXP-146 GoodsItem/BOIIndicator",),
        (
            put("GoodsItem/CompensationIndicator", "Y"),
            put("GoodsItem/BOIIndicator", "Y"),
            put("GoodsItem/BOILicenseID", "69-0001-1-00-1-0"),
        ),
    ),
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
        "252-no-freight",
        ("TH-EXP-252 Invoice",),
        (drop("Invoice/FreightForeignAmount", "Invoice/FreightCurrencyCode"),),
    ),
    Case(
        "253-no-insurance",
        ("TH-EXP-253 Invoice",),
        (drop("Invoice/InsuranceForeignAmount", "Invoice/InsuranceCurrencyCode"),),
    ),
    Case(
        "291-duty-paid-amount",
        ("TH-EXP-291 GoodsItem/DutyTaxFee/DutyPaidAmount",),
        (put("GoodsItem/DutyTaxFee/DutyPaidAmount", "2000.00"), put("Control/TotalTaxAmount", "2000.00")),
    ),
    wrong("TH-EXP-293", "Control/TotalTaxAmount", "0.00"),
    wrong("TH-EXP-294", "Control/TotalDepositAmount", "100.00"),
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
CASES = (*declaration_faults(KIND), *OWN, *SEVERAL)

SAMPLES = SampleSet(LAYOUT, VALID, BASE, CASES)
