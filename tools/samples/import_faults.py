"""The invalid samples of the Thai import declaration: small documents with planted faults, and what is found."""

from dataclasses import replace
from decimal import Decimal

from tools.samples.declaration_faults import Kind, declaration_faults
from tools.samples.export_faults import LEATHER, SHIRTS, TRADER
from tools.samples.export_faults import SALE as EXPORT_SALE
from tools.samples.faults import Case, drop, put, repeat, wrong
from tools.samples.files import SampleSet
from tools.samples.import_declaration import LAYOUT, ImportSample
from tools.samples.import_valid import VALID
from tools.samples.trade import BROKER, Transport

SEA = Transport("1", "SIAM LOTUS V.7W", "2801", "2836", "MHSHBL26110001")
AIR = Transport("4", "TG641", "1190", "1190", "MHSAWB26110001", "21712345675")
ROAD = Transport("3", "BY TRUCK", "2901", "2901", "1", "LM29012611000045")

#: At customs' rate, which the window knows.
SALE = replace(EXPORT_SALE, rate=Decimal("32.47"))
BASE = ImportSample("NSWJ000000001", (LEATHER,), TRADER, SEA, SALE, BROKER)
BY_AIR = replace(BASE, transport=AIR)
BY_ROAD = replace(BASE, transport=ROAD)
TWO_ITEMS = replace(BASE, goods=(LEATHER, SHIRTS))
FREE_ON_BOARD = replace(BASE, sale=replace(SALE, terms="FOB"))
IN_BAHT = replace(BASE, sale=replace(SALE, currency="THB"))
WITH_MANIFEST = {"ManifestReferenceID": "LM29012611000045", "ManifestLineNumeric": "1"}
LISTED_BY_ROAD = replace(BY_ROAD, control=BROKER | WITH_MANIFEST)
VAT = "GoodsItem/DutyTaxFee[2]"

KIND = Kind(
    code="TH-IMP",
    trader="Importer",
    value="CIF",
    border_date="BorderTransportMeansArrivalDate",
    port="DischargeLocationID",
    country="ExportationCountryCode",
    by_air=BY_AIR,
    by_road=BY_ROAD,
    two_items=TWO_ITEMS,
    clothes=replace(BASE, goods=(SHIRTS,)),
)
TRANSPORT = (
    wrong("TH-IMP-003", "Control/TypeCode", "1"),
    wrong("TH-IMP-047", "GoodsItem/PrivilegeCode", "392"),
    Case(
        "081-manifest-without-item",
        ("TH-IMP-081 Control/ManifestReferenceID",),
        (put("Control/ManifestReferenceID", "MF2801261100321"),),
    ),
    wrong("TH-IMP-082", "Control/ManifestReferenceID", "LM29012611000054", base=LISTED_BY_ROAD),
    wrong("TH-IMP-083", "Control/ManifestLineNumeric", "2", base=LISTED_BY_ROAD),
    wrong("TH-IMP-084", "Control/LoadingLocationID", "TYO"),
    wrong("TH-IMP-085", "Control/ExportationCountryCode", "TH"),
)
GOODS = (
    wrong("TH-IMP-131", "GoodsItem/TariffClassificationID", "77062200"),
    wrong("TH-IMP-133", "GoodsItem/ImportTariffCode", "PART3"),
    wrong("TH-IMP-134", "GoodsItem/ImportTariffCode", "PART4"),
    Case(
        "144-re-import-without-reference",
        ("TH-IMP-144 GoodsItem",),
        (put("GoodsItem/ReImportationCertificateIndicator", "Y"),),
    ),
    Case(
        "148-transfer-under-nothing",
        ("TH-IMP-148 GoodsItem/SequenceNumeric",),
        (),
        replace(BASE, control=BROKER | {"TypeCode": "A"}, routed_to=("BOI",)),
    ),
    Case(
        "149-thai-goods-from-abroad", ("TH-IMP-149 GoodsItem",), (put("GoodsItem/OriginCountryCode", "TH"),)
    ),
)
VALUES = (
    Case(
        "220-cif-baht-amount",
        ("TH-IMP-220 Control/CIFBahtAmount", "TH-IMP-221 Control/CIFBahtAmount"),
        (put("Control/CIFBahtAmount", "46111.95"),),
    ),
    Case(
        "221-cif-baht-amount",
        ("TH-IMP-221 Control/CIFBahtAmount", "TH-IMP-222 Control/CIFForeignAmount"),
        (put("Control/CIFForeignAmount", "1500.00"), put("Control/CIFBahtAmount", "48705.00")),
    ),
    Case(
        "222-cif-foreign-amount",
        ("TH-IMP-220 Control/CIFBahtAmount", "TH-IMP-222 Control/CIFForeignAmount"),
        (put("Control/CIFForeignAmount", "1421.00"),),
    ),
    Case(
        "223-exchange-rate-numeric",
        (
            "TH-IMP-223 GoodsItem/ExchangeRateNumeric",
            "TH-IMP-225 GoodsItem/ExchangeRateNumeric",
            "TH-IMP-226 GoodsItem/CIFBahtAmount",
            "TH-IMP-229 GoodsItem/InvoiceBahtAmount",
        ),
        (put("GoodsItem/ExchangeRateNumeric", "0"),),
    ),
    Case(
        "224-rate-of-the-baht",
        ("TH-IMP-224 Control/ExchangeRateNumeric", "TH-IMP-224 GoodsItem/ExchangeRateNumeric"),
        base=IN_BAHT,
    ),
    Case(
        "225-exchange-rate-numeric",
        ("TH-IMP-225 GoodsItem/ExchangeRateNumeric",),
        (
            put("GoodsItem/ExchangeRateNumeric", "32.46999"),
            put("GoodsItem/InvoiceBahtAmount", "46107.39"),
            put("GoodsItem/CIFBahtAmount", "46107.39"),
        ),
    ),
    Case(
        "226-cif-baht-amount",
        ("TH-IMP-226 GoodsItem/CIFBahtAmount",),
        (put("GoodsItem/CIFBahtAmount", "46107.38"),),
    ),
    Case(
        "227-cif-baht-amount",
        ("TH-IMP-227 GoodsItem/CIFBahtAmount",),
        (
            *(
                put(f"{section}/{field}", "0.00")
                for section in ("Control", "GoodsItem")
                for field in ("CIFForeignAmount", "CIFBahtAmount")
            ),
            put("GoodsItem/DeductedAmount", "1420.00"),
            put("Control/TotalTaxAmount", "0.00"),
            put("Control/TotalPaymentAmount", "0.00"),
            drop("GoodsItem/DutyTaxFee[2]", "GoodsItem/DutyTaxFee[1]"),
        ),
    ),
    Case(
        "232-cif-foreign-amount",
        ("TH-IMP-232 GoodsItem/CIFForeignAmount",),
        (put("GoodsItem/FreightForeignAmount", "190.00"),),
        FREE_ON_BOARD,
    ),
    Case(
        "233-cif-less-than-invoiced",
        ("TH-IMP-233 GoodsItem/CIFForeignAmount",),
        (
            put("GoodsItem/InvoiceForeignAmount", "1500.00"),
            put("GoodsItem/InvoiceBahtAmount", "48705.00"),
            put("GoodsItem/UnitPriceForeignAmount", "15.00"),
            put("Invoice/TotalInvoiceAmount", "1500.00"),
        ),
    ),
    Case(
        "234-exchange-rate-of-no-table",
        ("TH-IMP-234 Control/ExchangeRateNumeric",),
        base=replace(BASE, sale=replace(SALE, rate=Decimal("32.5"))),
    ),
    Case(
        "252-no-freight",
        ("TH-IMP-252 Invoice",),
        (drop("Invoice/FreightForeignAmount", "Invoice/FreightCurrencyCode"),),
        FREE_ON_BOARD,
    ),
    Case(
        "253-no-insurance",
        ("TH-IMP-253 Invoice",),
        (drop("Invoice/InsuranceForeignAmount", "Invoice/InsuranceCurrencyCode"),),
        FREE_ON_BOARD,
    ),
    wrong("TH-IMP-275", "GoodsItem/Permit/PermitIssuingAuthorityID", "TH"),
)
DUTIES = (
    Case(
        "291-duty-paid-amount",
        ("TH-IMP-291 GoodsItem/DutyTaxFee[2]/DutyPaidAmount",),
        (
            put(f"{VAT}/DutyPaidAmount", "3400.00"),
            put("Control/TotalTaxAmount", "5705.37"),
            put("Control/TotalPaymentAmount", "5705.37"),
        ),
    ),
    Case(
        "293-total-tax-amount",
        ("TH-IMP-293 Control/TotalTaxAmount",),
        (put("Control/TotalTaxAmount", "5000.00"), put("Control/TotalPaymentAmount", "5000.00")),
    ),
    Case(
        "294-total-deposit-amount",
        ("TH-IMP-294 Control/TotalDepositAmount",),
        (
            put("Control/TotalDepositAmount", "100.00"),
            put("Control/GuaranteeTotalDepositAmount", "100.00"),
        ),
    ),
    wrong("TH-IMP-296", "GoodsItem/DutyTaxFee[2]/DutyTypeCode", "VAT7"),
    Case(
        "297-duty-amount",
        ("TH-IMP-297 GoodsItem/DutyTaxFee[1]/DutyAmount",),
        (put("GoodsItem/DutyTaxFee[1]/DutyAmount", "2500.00"),),
    ),
    Case(
        "298-exempted-amount",
        ("TH-IMP-298 GoodsItem/DutyTaxFee[1]/ExemptedAmount",),
        (
            put("GoodsItem/DutyTaxFee[1]/ExemptionRateNumeric", "50.00"),
            put("GoodsItem/DutyTaxFee[1]/ExemptedAmount", "0.00"),
        ),
    ),
    Case(
        "299-tax-base-amount",
        ("TH-IMP-299 GoodsItem/DutyTaxFee[1]/TaxBaseAmount",),
        (
            put("GoodsItem/DutyTaxFee[1]/TaxBaseAmount", "57634.25"),
            put("GoodsItem/DutyTaxFee[1]/ValueRateNumeric", "4.000"),
        ),
    ),
    Case(
        "300-tax-base-amount",
        ("TH-IMP-300 GoodsItem/DutyTaxFee[2]/TaxBaseAmount",),
        (
            put(f"{VAT}/TaxBaseAmount", "46107.40"),
            put(f"{VAT}/DutyAmount", "3227.52"),
            put(f"{VAT}/DutyPaidAmount", "3227.52"),
            put("Control/TotalTaxAmount", "5532.89"),
            put("Control/TotalPaymentAmount", "5532.89"),
        ),
    ),
    Case(
        "301-duty-type-code",
        ("TH-IMP-301 GoodsItem/DutyTaxFee[3]/DutyTypeCode",),
        (repeat(VAT, DutyAmount="0.00", DutyPaidAmount="0.00", ValueRateNumeric="0.000"),),
    ),
    wrong("TH-IMP-302", "Control/TotalPaymentAmount", "5000.00"),
    wrong("TH-IMP-303", "Control/GuaranteeTotalDepositAmount", "500.00"),
)
SEVERAL = (
    Case(
        "several-mistyped-codes",
        (
            "TH-IMP-020 Control/ImporterID",
            "TH-IMP-041 Control/DischargeLocationID",
            "TH-IMP-042 GoodsItem/OriginCountryCode",
            "TH-IMP-045 Control/TotalGrossMassUnitCode",
            "TH-IMP-046 GoodsItem/QuantityUnitCode",
            "TH-IMP-132 GoodsItem/StatisticalCode",
        ),
        (
            put("Control/ImporterID", "0105599000091"),
            put("Control/DischargeLocationID", "2386"),
            put("Control/TotalGrossMassUnitCode", "GKM"),
            put("GoodsItem/OriginCountryCode", "JA"),
            put("GoodsItem/QuantityUnitCode", "KMG"),
            put("GoodsItem/StatisticalCode", "00"),
        ),
    ),
    Case(
        "several-by-road-without-papers",
        (
            "TH-IMP-070 Control/BorderTransportMeansName",
            "TH-IMP-076 Control",
            "TH-IMP-077 Control",
            "TH-IMP-081 Control/ManifestLineNumeric",
        ),
        (
            put("Control/BorderTransportMeansName", "TRUCK"),
            put("Control/ManifestLineNumeric", "7"),
            drop("Control/MasterTransportDocumentID", "Control/HouseTransportDocumentID"),
        ),
        BY_ROAD,
    ),
    Case(
        "several-on-two-items",
        (
            "TH-IMP-130 GoodsItem[1]/TariffClassificationID",
            "TH-IMP-136 GoodsItem[2]/UNDGID",
            "TH-IMP-160 GoodsItem[1]/SequenceNumeric",
            "TH-IMP-160 GoodsItem[2]/SequenceNumeric",
            "TH-IMP-273 GoodsItem[1]/Permit/PermitIssueDate",
            "TH-IMP-297 GoodsItem[2]/DutyTaxFee[2]/DutyAmount",
        ),
        (
            put("GoodsItem[1]/SequenceNumeric", "0"),
            put("GoodsItem[2]/SequenceNumeric", "2"),
            put("GoodsItem[1]/TariffClassificationID", "410622000000"),
            put("GoodsItem[1]/Permit/PermitIssueDate", "20271102"),
            put("GoodsItem[2]/UNDGID", "12"),
            put("GoodsItem[2]/DutyTaxFee[2]/DutyAmount", "99999.00"),
        ),
        TWO_ITEMS,
    ),
)
CASES = (*declaration_faults(KIND), *TRANSPORT, *GOODS, *VALUES, *DUTIES, *SEVERAL)

SAMPLES = SampleSet(LAYOUT, VALID, BASE, CASES)
