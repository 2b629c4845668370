"""The valid samples of the Thai import declaration: one for each mode of transport, privilege and way of paying."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tools.samples.catalogue import (
    AIR_CONDITIONERS,
    CHEMICALS,
    CIRCUITS,
    CRAB,
    ELECTRONICS,
    GERMANY,
    INSECTICIDE,
    LAOS,
    NOTEBOOKS,
    PAINT,
    PERMANGANATE,
    RICE,
    ROUTERS,
    SHIRTS,
    SINGAPORE,
    TABLEWARE,
)
from tools.samples.faults import Base, Edited, put, repeat
from tools.samples.import_declaration import LAYOUT, ImportSample
from tools.samples.trade import BROKER, Goods, Transport

AIR = Transport("4", "TG677", "1190", "1190", house_document="NRT26110088", master_document="21712345675")
ROAD = Transport("3", "BY TRUCK", "2901", "2901", house_document="3", master_document="LM29012611000088")
RAIL = Transport("2", "TRAIN 985", "2901", "2901", house_document="SRT26110012")
POST = Transport("5", "BY MAIL", "1190", "1190", house_document="EE123456785JP")
PIPE = Transport("7", "BY PIPE", "2801", "2801", house_document="")
BOAT = Transport("8", "BY BOAT", "2901", "2901", house_document="")
PASSENGER = Transport("9", "BY PASSENGER", "1190", "1190", house_document="TG123456")
EXPRESS = replace(AIR, house_document="EXP26110001", border_date=date(2026, 11, 18))
ARRIVED = Transport("1", "SIAM LOTUS V.6W", "2801", "2836", "STLCB26100077", border_date=date(2026, 10, 2))

PARTS = replace(TABLEWARE, duty_percent=Decimal(10))
CLOTHES = replace(SHIRTS, duty_percent=Decimal(30))
SEEDLESS = replace(RICE, agencies=("DFT", "DOA"))
CRAB_MEAT = replace(CRAB, agencies=("DOF", "FDA"), duty_percent=Decimal(5))
GAS = Goods(
    "27112100",
    "000",
    "ก๊าซธรรมชาติ",
    "NATURAL GAS, IN GASEOUS STATE",
    5000,
    "KGM",
    Decimal("0.42"),
    Decimal(1),
    1,
    "VG",
)
WINE = Goods(
    "22041000",
    "001",
    "ไวน์มีฟอง บรรจุขวดขนาด 0.75 ลิตร",
    "SPARKLING WINE, IN BOTTLES OF 0.75 L",
    90,
    "LTR",
    Decimal("12.40"),
    Decimal("1.020"),
    10,
    "CT",
    agencies=("EXCISE",),
    duty_percent=Decimal(54),
    excise=Decimal(180),
    extra={"ExciseProductCode": "1401"},
)

VALID: dict[str, Base] = {
    "small": ImportSample("NSWI000000001", (CLOTHES,)),
    "typical": ImportSample(
        "NSWI000000002",
        (PARTS, CLOTHES, NOTEBOOKS),
        sale=replace(ImportSample("", ()).sale, terms="FOB", freight=Decimal(310), insurance=Decimal(25)),
        control={**BROKER, "LoadingLocationID": "JPTYO", "ManifestReferenceID": "MF2801261100321"}
        | {"ManifestLineNumeric": "17"},
    ),
    "permits": ImportSample(
        "NSWI000000003", (SEEDLESS, CRAB_MEAT, replace(INSECTICIDE, agencies=("DOA", "FDA"))), sale=SINGAPORE
    ),
    "dangerous": ImportSample("NSWI000000004", (PERMANGANATE, PAINT), trader=CHEMICALS, routed_to=("PAT",)),
    "explosive-by-road": ImportSample(
        "NSWI000000005",
        (replace(PAINT, un_number="0081"),),
        trader=CHEMICALS,
        transport=ROAD,
        sale=LAOS,
        routed_to=("DID", "DLT"),
    ),
    "wine": ImportSample("NSWI000000006", (WINE,), sale=GERMANY, control=BROKER),
    "air": ImportSample("NSWI000000007", (CIRCUITS, ROUTERS), trader=ELECTRONICS, transport=AIR),
    "road": ImportSample(
        "NSWI000000008",
        (AIR_CONDITIONERS,),
        trader=ELECTRONICS,
        transport=ROAD,
        sale=LAOS,
        control={"ManifestReferenceID": "LM29012611000088", "ManifestLineNumeric": "3"},
    ),
    "rail": ImportSample("NSWI000000009", (NOTEBOOKS,), transport=RAIL, sale=LAOS),
    "post": ImportSample("NSWI000000010", (replace(CLOTHES, quantity=20, packages=1),), transport=POST),
    "pipe": ImportSample("NSWI000000011", (GAS,), trader=CHEMICALS, transport=PIPE, sale=LAOS),
    "boat": ImportSample("NSWI000000012", (TABLEWARE,), transport=BOAT, sale=LAOS),
    "passenger": ImportSample("NSWI000000013", (NOTEBOOKS,), transport=PASSENGER),
    "express": ImportSample("NSWI000000014", (CIRCUITS,), transport=EXPRESS, control={"TypeCode": "X"}),
    "release-before-clearance": ImportSample(
        "NSWI000000015", (replace(PARTS, deposit=Decimal(20000)),), control={"TypeCode": "3", **BROKER}
    ),
    "ships-stores": ImportSample("NSWI000000016", (PARTS,), control={"TypeCode": "5"}),
    "domestic-transfer": ImportSample(
        "NSWI000000017",
        (
            replace(
                NOTEBOOKS,
                origin="TH",
                extra={"Section19BisIndicator": "Y", "Section19BisTransferID": "TR-69-0017"},
            ),
        ),
        transport=replace(ROAD, border_date=date(2026, 11, 18)),
        control={"TypeCode": "A", "ExportationCountryCode": "TH"},
        routed_to=("BOI",),
    ),
    "from-free-zone": ImportSample(
        "NSWI000000018",
        (replace(CIRCUITS, extra={"FreeZoneIndicator": "Y"}),),
        transport=replace(ROAD, border_date=date(2026, 11, 18)),
        control={"TypeCode": "C"},
        routed_to=("IEAT",),
    ),
    "bonded": ImportSample(
        "NSWI000000019",
        (
            replace(
                CLOTHES,
                exempted_percent=Decimal(100),
                extra={"BondIndicator": "Y", "BondFormulaID": "BF-2569-11"},
            ),
        ),
    ),
    "re-import": ImportSample(
        "NSWI000000020",
        (
            replace(
                PARTS,
                origin="TH",
                exempted_percent=Decimal(100),
                extra={
                    "ImportTariffCode": "PART4",
                    "PrivilegeCode": "004",
                    "ReImportationCertificateIndicator": "Y",
                    "ReferenceDeclarationID": "A0101690500123",
                    "ReferenceDeclarationLineNumeric": "2",
                },
            ),
        ),
        transport=ARRIVED,
    ),
    "two-invoices": ImportSample(
        "NSWI000000021",
        (PARTS, CLOTHES, NOTEBOOKS, WINE),
        sale=replace(GERMANY, invoice_count=2, terms="DAP"),
        control=BROKER,
    ),
    "exemption-and-form-d": Edited(
        LAYOUT,
        ImportSample("NSWI000000022", (SEEDLESS,), sale=LAOS, transport=ROAD),
        (
            put("GoodsItem/Permit[1]/PermitID", "EXEMPT99"),
            repeat("GoodsItem/Permit[2]", PermitID="FORM-D-2026-00451", PermitIssuingAuthorityID="LA"),
        ),
    ),
}
