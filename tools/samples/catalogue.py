"""The traders, partners, means of transport and goods of the samples: all invented but for codes and permit rows."""

from decimal import Decimal
from itertools import cycle, islice

from tools.samples.trade import Goods, Sale, Trader, Transport

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


def from_catalogue(count: int) -> tuple[Goods, ...]:
    """Take so many goods from the catalogue in turn."""
    return tuple(islice(cycle(CATALOGUE), count))
