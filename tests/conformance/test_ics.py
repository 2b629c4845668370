"""Entry summary declarations of HMRC: its rules, translated, give on its own test cases exactly its own answers."""

import json
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from nsw.codelists import CodeLists
from nsw.errors import ConfigError
from nsw.reference import Reference
from nsw.rules import RuleContext, RuleSet, load_rule_set
from nsw.typefolders import load_catalogue
from tests.conformance import sets
from tests.conformance.ics.__main__ import main
from tests.conformance.ics.groovy import DialectError, parse
from tests.conformance.ics.regex import RegexError, full_match

ROOT = "{urn:test}Doc"
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:test" targetNamespace="urn:test">
<xs:element name="Doc"><xs:complexType><xs:sequence>
  <xs:element name="H" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:element name="N" type="xs:string" minOccurs="0"/><xs:element name="T" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="I" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
    <xs:element name="V" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="W" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""


@pytest.fixture(scope="module")
def ics_folder(conformance_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Translate the rules once."""
    return sets.write_ics(conformance_data, tmp_path_factory.mktemp("ics"))


@pytest.fixture(scope="module")
def ics(ics_folder: Path, conformance_data: Path) -> Reference:
    """Load the message type once."""
    return sets.load_types([ics_folder], conformance_data)


def test_all_schema_cases_agree(conformance_data: Path, ics: Reference) -> None:
    """Each of the 91 schema cases is accepted or rejected by the XSD as its answer says."""
    agreement = sets.compare_ics_schema(conformance_data, ics)

    assert agreement.documents == 91
    assert not agreement.disagreements


@pytest.mark.slow
def test_all_rule_cases_agree(conformance_data: Path, ics: Reference) -> None:
    """Each of the 1,868 rule cases gives exactly the expected codes at exactly the expected places."""
    agreement = sets.compare_ics_rules(conformance_data, ics)

    assert agreement.documents == 1868
    assert not agreement.disagreements


def test_all_codes_are_translated(conformance_data: Path, ics: Reference) -> None:
    """The rule set has the codes of the rule files, each once."""
    files = set((conformance_data / "hmrc-ics-ens" / "rules").glob("*.json"))
    files = {path for path in files if path.name != "p3_p72_New.json"}
    codes = {each["errorCode"] for path in files for each in json.loads(path.read_text("utf-8"))["asserts"]}
    (dated,) = ics.catalogue.types[0].dated_rules

    assert sorted(each.id for each in dated.rules.catalogue) == sorted(codes)


def test_the_later_rules_are_translated_too(conformance_data: Path, tmp_path: Path) -> None:
    """The same command takes the other rule file in place of the first, and an XSD by the variable."""
    rules = str(conformance_data / "hmrc-ics-ens" / "rules")
    xsd = str(conformance_data / "hmrc-ics-ens" / "xsd" / "CC315A-v11-2.xsd")

    code = main([rules, xsd, str(tmp_path / "out"), "--root", sets.ICS_ROOT, "--exclude", "p3_p72.json"])

    assert code == 0
    assert load_catalogue([tmp_path], {}).types[0].root == sets.ICS_ROOT


def write_rules(folder: Path, *asserts: tuple[str, str, str]) -> None:
    """Write a rule file for each element, code and test."""
    folder.mkdir(exist_ok=True)
    for number, (element, code, test) in enumerate(asserts):
        content = {
            "element": element,
            "asserts": [{"test": test, "errorCode": code, "errorMessage": f"E {code}"}],
        }
        (folder / f"r{number}.json").write_text(json.dumps(content), "utf-8")


def translate(tmp_path: Path, *asserts: tuple[str, str, str]) -> int:
    """Run the command on such rules; give its exit code."""
    xsd = tmp_path / "doc.xsd"
    xsd.write_text(XSD, "utf-8")
    write_rules(tmp_path / "rules", *asserts)
    return main([str(tmp_path / "rules"), str(xsd), str(tmp_path / "out"), "--root", ROOT])


def rule_set(tmp_path: Path, *asserts: tuple[str, str, str]) -> RuleSet:
    """Translate rules and load them."""
    assert translate(tmp_path, *asserts) == 0
    return load_rule_set(tmp_path / "out" / "rules.sch")


def fired(rules: RuleSet, document: str) -> list[tuple[str, str | None]]:
    """Give code and place of what fires on the content of a document."""
    root = etree.fromstring(f'<t:Doc xmlns:t="urn:test">{document}</t:Doc>')
    report = rules.check(root, RuleContext(date(2026, 1, 1), CodeLists({})))
    return [(str(each.code), each.path) for each in report.findings]


def holds(tmp_path: Path, test: str, document: str) -> bool:
    """Tell whether a test holds at the element H."""
    return not fired(rule_set(tmp_path, ("/H", "1", test)), document)


HEAD = "<H><N>{}</N></H>"


@pytest.mark.parametrize(
    ("test", "document", "expected"),
    [
        ("number('N') == 1", HEAD.format(" +01 "), True),
        ("number('N') == 5", HEAD.format("+-5"), False),
        ("number('N') != 0", "<H/>", True),
        ("number('N') < 1 || number('N') >= 1", "<H/>", False),
        ("trim('N') == 'A  B'", HEAD.format(" A  B "), True),
        ("trim('N') == 'A B'", HEAD.format(" A  B "), False),
        ("trim('N') == 'AB '", HEAD.format("AB "), False),
        ("trim('N') == trim('T')", "<H><N> a  b</N><T>a b </T></H>", False),
        ("trim('N') == trim('T')", "<H><N> a  b</N><T>a  b </T></H>", True),
        ("getValue('N') == 'AB'", HEAD.format("AB "), False),
        ("trim('N').length() <= 4", HEAD.format(" a  b "), True),
        ("trim('N').length() <= 3", HEAD.format(" a  b "), False),
        ("trim('N').take(1) != '0' || trim('N').length() <= 1", HEAD.format(" 0 "), True),
        ("substringAfter(trim('N'), '.').length() == 2", HEAD.format("1.25 "), True),
        ("applyRegex('N', '[0-9]*')", "<H/>", False),
        ("applyRegex('N', '[0-9]*')", "<H><N/></H>", True),
        ("applyRegex('N', '\\\\s*a.c\\\\s*')", HEAD.format("\u00a0abc"), False),
        ("applyRegex('N', 'a.c')", HEAD.format("a&#13;c"), False),
        ("applyRegex('N', 'a|ab')", HEAD.format("ab"), True),
        ("applyRegex('N', '[\\'&-]+')", HEAD.format("'&amp;-"), True),
        ("number('N') == sum('../I/V')", "<H><N>3</N></H><I><V>+1</V><V> 2</V></I>", True),
        ("number('N') == sum('../I/V') + count('../I')", "<H><N>4</N></H><I><V>+1</V><V>2</V></I>", True),
        ("number('N') == sum('../I/V') - 1", "<H><N>2</N></H><I><V>+1</V><V>2</V></I>", True),
        ("number('N') >= sum('../I/V')", "<H><N>-3</N></H><I><V>+1</V><V>-4</V></I>", True),
        ("number('N') >= sum('../I/V')", "<H><N>-3.001</N></H><I><V>+1</V><V>-4</V></I>", False),
        ("number('N') > sum('../I/V')", "<H><N>3</N></H><I><V>+1</V><V>2</V></I>", False),
        ("number('N') < sum('../I/V')", "<H><N>2.9</N></H><I><V>+1</V><V>2</V></I>", True),
        ("sum('../I/V') <= number('N')", "<H><N>2.9</N></H><I><V>+1</V><V>2</V></I>", False),
        ("number('N') == sum('../I/V')", "<H/><I><V>x</V></I>", True),
        ("number('N') == sum('../I/V')", "<H/><I><V>x</V><V>+1</V></I>", True),
        ("sum('../I/V') > 7", "<H/><I><V>x</V><V>+1</V></I>", True),
        ("number('N') >= sum('../I/V')", "<H/><I><V>1</V></I>", True),
        ("number('N') <= sum('../I/V')", "<H/><I><V>1</V></I>", False),
        ("areIndices('../I/V')", "<H/><I><V>1</V></I><I><V>+2</V><V> 3 </V></I>", True),
        ("areIndices('../I/V')", "<H/><I><V>1</V></I><I><V>2.0</V></I>", False),
        ("areIndices('../I/V')", "<H/><I><V>2</V></I><I><V>1</V></I>", False),
        ("countDistinct('../I/V', false) > 1", "<H/><I><V>a</V><V>a </V></I>", True),
        ("countDistinct('../I/V', true) > 1", "<H/><I><V>a</V><V>a </V></I>", False),
        ("countDistinct('../I/V', true) > 1", "<H/><I><V>a b</V><V>a  b</V></I>", True),
        ("countDistinct('../I/V', true) == 1", "<H/>", False),
        ("0 == countDistinct('../I/V', true)", "<H/>", True),
        ("countDistinctChildCount('../I') > 1", "<H/><I><V/></I><I><V/><W/></I>", True),
        ("countDistinctChildCount('../I') > 1", "<H/><I><V/></I><I><W/></I>", False),
        ("countEquals('../I/V', 'A') == 2", "<H/><I><V>A </V><V>A</V><V>A A</V></I>", True),
        ("existsForAll('../I', 'V', 'A')", "<H/><I><V>B</V><V>A </V></I><I><V>A</V></I>", True),
        ("existsForAll('../I', 'V', 'A')", "<H/><I><V>B</V></I><I><V>A</V></I>", False),
        ("existsForAll('../I', 'V', 'A')", "<H/>", True),
        ("intOrElse('N', 7) == 7", HEAD.format("1.0"), True),
        ("intOrElse('N', 7) == 7", HEAD.format("2147483648"), True),
        ("intOrElse('N', 7) == -12", HEAD.format(" -12 "), True),
        ("intOrElse('N', 7) == 12", HEAD.format("+12"), True),
        ("not('.') || !exists(('.'))", "<H/>", False),
        ("exists('/Doc/I') && !exists('N')", "<H/><I/>", True),
        ("getValue('N').startsWith('G') && getValue('N').endsWith('B')", HEAD.format("GxB"), True),
        ("-1 + 2 * 3 == 5", "<H/>", True),
        ("0.0000000000000025 * 4 == 0.00000000000001", "<H/>", True),
        ("number('N') * 2 == 0.0000000000000002", HEAD.format("0.0000000000000001"), True),
    ],
)
def test_a_test_means_what_it_means_on_java(
    tmp_path: Path, test: str, document: str, *, expected: bool
) -> None:
    """Numbers, white space, missing nodes and sums behave as HMRC's evaluator has them."""
    assert holds(tmp_path, test, document) is expected


def test_a_closure_sees_both_nodes(tmp_path: Path) -> None:
    """In a closure, the first parameter is the node of the assert, the second the one that is tried."""
    test = (
        "exists('../I', {ContextHelper current, ContextHelper local -> "
        "local.trim('W') == current.trim('W') && local.intOrElse('V', 0) > 0})"
    )
    rules = rule_set(tmp_path, ("/I", "1", test))

    assert not fired(rules, "<I><V>0</V><W>a </W></I><I><V>2</V><W>a</W></I>")
    assert fired(rules, "<I><V>0</V><W>b</W></I><I><V>2</V><W>a</W></I>") == [("1", "/t:Doc[1]/I[1]")]


def test_one_code_may_stand_for_several_elements(tmp_path: Path) -> None:
    """A code with different tests at two elements is judged by each element's own test."""
    rules = rule_set(tmp_path, ("/H/N", "1", "trim('.') == 'h'"), ("/I/V", "1", "trim('.') == 'i'"))

    assert not fired(rules, "<H><N>h</N></H><I><V>i</V></I>")
    assert fired(rules, "<H><N>i</N></H><I><V>i</V><V>h</V></I>") == [
        ("1", "/t:Doc[1]/H[1]/N[1]"),
        ("1", "/t:Doc[1]/I[1]/V[2]"),
    ]


def test_the_root_is_an_element_as_any_other(tmp_path: Path) -> None:
    """The element / is the root, and an element that is absent raises nothing."""
    rules = rule_set(tmp_path, ("/", "1", "exists('I/V')"), ("/H", "2", "exists('N')"))

    assert fired(rules, "<I/>") == [("1", "/t:Doc[1]")]


@pytest.mark.parametrize(
    ("test", "column"),
    [
        ("exists('N'", 11),
        ("exists('N') exists('T')", 13),
        ("matches('N')", 1),
        ("exists(N)", 8),
        ("exists('N[1]')", 8),
        ("exists('../../..')", 8),
        ("trim('N') == 1", 11),
        ("number('N') ? 1 : 2", 13),
        ("getValue('N').reverse() == 'a'", 15),
        ("number('N')", 1),
        ("2 * sum('N') == 4", 3),
        ("applyRegex('N', '[a&&b]')", 17),
        ("countDistinct('N', true) > 2", 1),
        ("exists('N', {a, b -> c.exists('N')})", 22),
    ],
)
def test_what_cannot_be_translated_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], test: str, column: int
) -> None:
    """The complaint tells file, place and column, the command fails, and nothing is written."""
    assert translate(tmp_path, ("/H", "1", test)) == 1

    complaint = capsys.readouterr().err
    assert "r0.json: asserts[0]" in complaint
    assert f"column {column}:" in complaint
    assert not (tmp_path / "out").exists()


def test_a_code_twice_at_one_element_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two findings of one id at one node can't be told apart: the complaint names both places."""
    assert translate(tmp_path, ("/H", "1", "exists('N')"), ("/H", "1", "exists('T')")) == 1

    assert "r1.json: asserts[0] (1): the code stands for the same element in " in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["[", "{}", '{"element": "H", "asserts": []}', '{"element": "/H", "asserts": 1}']
)
def test_a_file_that_is_no_rule_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """Broken JSON or another shape is a complaint with the file's name."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "x.json").write_text(content, "utf-8")

    assert translate(tmp_path) == 1

    assert "x.json: no rule file" in capsys.readouterr().err


def test_an_unknown_root_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A root that the XSD does not declare is a complaint."""
    write_rules(tmp_path / "rules", ("/H", "1", "exists('N')"))
    xsd = tmp_path / "doc.xsd"
    xsd.write_text(XSD, "utf-8")

    assert main([str(tmp_path / "rules"), str(xsd), str(tmp_path / "out"), "--root", "{urn:test}Other"]) == 1

    assert "no global element {urn:test}Other" in capsys.readouterr().err


def test_elements_of_a_qualified_schema_get_their_prefix(tmp_path: Path) -> None:
    """Rules name elements without namespace; the XSD says which they have."""
    xsd = tmp_path / "doc.xsd"
    xsd.write_text(
        XSD.replace("targetNamespace", 'elementFormDefault="qualified" targetNamespace', 1), "utf-8"
    )
    write_rules(tmp_path / "rules", ("/H", "1", "exists('N')"))

    assert main([str(tmp_path / "rules"), str(xsd), str(tmp_path / "out"), "--root", ROOT]) == 0

    rules = load_rule_set(tmp_path / "out" / "rules.sch")
    assert fired(rules, "<t:H/>") == [("1", "/t:Doc[1]/t:H[1]")]
    assert not fired(rules, "<t:H><t:N/></t:H>")


def test_the_type_names_the_schema_where_it_is(tmp_path: Path) -> None:
    """The folder refers to the XSD, by its path or by the variable of the data, and holds no copy."""
    translate(tmp_path, ("/H", "1", "exists('N')"))

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["rules.sch", "type.yaml"]
    (found,) = load_catalogue([tmp_path / "out"], {}).types
    assert (found.root, found.schema_path) == (ROOT, tmp_path / "doc.xsd")


def test_the_variable_of_the_data_is_kept(conformance_data: Path, ics_folder: Path) -> None:
    """A folder made with the variable loads wherever the data lies."""
    assert "${NSW_CONFORMANCE_DATA}" in (ics_folder / "type.yaml").read_text("utf-8")
    with pytest.raises(ConfigError, match="no such file"):
        load_catalogue([ics_folder], {"NSW_CONFORMANCE_DATA": str(conformance_data / "nowhere")})


@pytest.mark.parametrize("test", ["'a", "a b", "{", "1.", "x(,)", "'\\q'", "a ->", '"$x"', "#"])
def test_what_is_not_of_the_dialect_is_refused(test: str) -> None:
    """The parser knows the dialect and nothing else of Groovy."""
    with pytest.raises(DialectError):
        parse(test)


@pytest.mark.parametrize("pattern", ["[a[b]]", "[a&&b]", "\\p{L}", "(", "[a", "\\", "\\Q.\\E", "(?<n>a)"])
def test_a_pattern_without_an_equal_is_refused(pattern: str) -> None:
    """What Java's expressions alone can say is an error, never another meaning."""
    with pytest.raises(RegexError):
        full_match(pattern)
