"""Canonical fields are read without XPath where that is slow; what is found is what an XPath finds."""

from pathlib import Path

import pytest
import yaml
from lxml import etree

from nsw.messagetypes import MessageType
from nsw.reference import Reference
from nsw.typefolders import load_message_type

SECOND = """\
<Doc xmlns="urn:x"><Head><A> one </A></Head><Head><A>two</A><B/></Head><Head><B>late</B></Head>
<Item><C>a<D>b</D>c</C></Item><Item><C/><C>second</C></Item><Item/></Doc>
"""


def by_xpath(node: etree._Element, paths: dict[str, str], namespaces: dict[str, str]) -> dict[str, str]:
    found = {
        name: str(node.xpath(f"string({path})", namespaces=namespaces)).strip()
        for name, path in paths.items()
    }
    return {name: text for name, text in found.items() if text}


def compare(message_type: MessageType, root: etree._Element) -> None:
    spec = yaml.safe_load((message_type.folder / "type.yaml").read_text("utf-8"))
    namespaces = spec.get("namespaces") or {}
    data = message_type.paths.read(root)
    assert list(data.fields.items()) == list(by_xpath(root, spec["fields"], namespaces).items())
    if "items" in spec:
        nodes = root.xpath(spec["items"]["path"], namespaces=namespaces)
        assert isinstance(nodes, list)
        wanted = [by_xpath(node, spec["items"]["fields"], namespaces) for node in nodes]
        assert [list(item.fields.items()) for item in data.items] == [list(each.items()) for each in wanted]


def test_every_sample_of_every_type(reference: Reference) -> None:
    """Valid or not, whatever the type's paths look like."""
    count = 0
    for message_type in reference.catalogue.types:
        for path in sorted((message_type.folder / "samples").rglob("*.xml"))[::4]:
            if path.stat().st_size > 20_000:
                continue
            try:
                root = etree.parse(path, etree.XMLParser(remove_comments=True)).getroot()
            except etree.XMLSyntaxError:
                continue
            compare(message_type, root)
            count += 1
    assert count > 40


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("d:Head/d:A", "one"),
        ("d:Head/d:B", None),
        ("d:Head[2]/d:A", "two"),
        ("d:Item/d:C", "abc"),
        ("Head/A", None),
        ("d:Item/d:C/d:D", "b"),
        ("d:Item[1]/d:C/text()", "a"),
    ],
)
def test_the_first_node_counts(tmp_path: Path, reference: Reference, path: str, text: str | None) -> None:
    """An empty first node hides later ones, and texts of inner elements belong to the outer one."""
    del reference
    (tmp_path / "message.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x">'
        '<xs:element name="Doc"/></xs:schema>'
    )
    (tmp_path / "type.yaml").write_text(
        'message_type: x.doc\nversion: "1.0"\nkind: declaration\ntitle: {en: x, th: x}\ndirection: none\n'
        'root: "{urn:x}Doc"\nnamespaces: {d: "urn:x"}\nschema: message.xsd\n'
        "effective: {from: 2020-01-01, until: null}\nsignature: none\n"
        f"fields: {{document_type: '{path}', reference_number: '{path}'}}\nsource: none\n"
    )
    message_type = load_message_type(tmp_path / "type.yaml", {})
    assert message_type.paths.read(etree.fromstring(SECOND)).fields.get("reference_number") == text
