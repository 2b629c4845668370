"""Reading YAML strictly: lines for every problem, and scalars as they were written."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from operator import itemgetter
from typing import TypeVar

import yaml
from stdnum.th import tin

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, parse_agency_code
from nsw.routing.validity import parse_date
from nsw.textfile import TextFile, read_text

# re.ASCII: Thai digits are digits to Python.
_TAX_ID = re.compile(r"\d{13}", re.ASCII)
_NULL_TAG = "tag:yaml.org,2002:null"

_T = TypeVar("_T")


class YamlFile:
    """
    One YAML file being read, with the problems found so far.

    Every scalar is taken as the text written, whatever YAML would make of it: ``NO`` is Norway and ``0100``
    keeps its zero. Reading goes on after a problem, with an empty value, so that all are told at once.
    """

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self._problems: list[tuple[int, str]] = []

    def report(self, node: yaml.Node | None, sentence: str) -> None:
        """Note a problem at the node's line."""
        self.report_line(node.start_mark.line + 1 if node is not None else 1, sentence)

    def report_line(self, line: int, sentence: str) -> None:
        """Note a problem at a line."""
        self._problems.append((line, f"{self.file} line {line}: {sentence}"))

    def root(self) -> yaml.Node | None:
        """Parse the file; None when it is not YAML."""
        try:
            root: yaml.Node | None = yaml.compose(read_text(self.file), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.report_line(line, f"not YAML: {error.problem}")
        except yaml.YAMLError as error:
            self.report_line(1, f"not YAML: {error}")
        except RecursionError:
            self.report_line(1, "not YAML: nested too deeply")
        else:
            if root is None:
                self.report(None, "the file is empty")
            return root
        return None

    def rows(self, key: str) -> list[yaml.Node]:
        """Give the list that stands under the file's only key."""
        return self.nodes(self.entries(self.root(), "the file", (key,)).get(key), key)

    def entries(
        self, node: yaml.Node | None, what: str, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        """Give a mapping's values by key; unknown, missing and repeated keys are problems."""
        known = (*required, *optional)
        found = self.any_entries(node, what)
        for key in sorted(found.keys() - set(known)):
            self.report(found[key], f"{what}: unknown key {key!r}; known are {', '.join(known)}")
        missing = [key for key in required if key not in found]
        for key in missing if isinstance(node, yaml.MappingNode) else ():
            self.report(node, f"{what}: {key!r} is missing")
        return found

    def any_entries(self, node: yaml.Node | None, what: str) -> dict[str, yaml.Node]:
        """Give a mapping's values by key, whatever the keys; repeated keys are problems."""
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{what}: 'key: value' lines are expected here")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self.text(key_node, f"{what}: key")
            if key in found:
                self.report(key_node, f"{what}: {key!r} is given twice")
            found[key] = value
        return found

    def nodes(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Give a list's members."""
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, f"{what}: a list is expected here")
            return []
        return list(node.value)

    def text(self, node: yaml.Node | None, what: str, *, empty: bool = False) -> str:
        """Give a scalar as written; a null is '', a problem unless *empty*."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, f"{what}: one value is expected here")
            return ""
        text = "" if node.tag == _NULL_TAG else str(node.value).strip()
        if not text and not empty:
            self.report(node, f"{what}: the value is empty")
        return text

    def texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        """Give one value or a list of values, at least one, each once."""
        if node is None:
            return ()
        members = self.nodes(node, what) if isinstance(node, yaml.SequenceNode) else [node]
        found = [self.text(member, what) for member in members]
        if not found:
            self.report(node, f"{what}: the list is empty")
        for text in sorted({text for text in found if found.count(text) > 1}):
            self.report(node, f"{what}: {text!r} is given twice")
        return tuple(found)

    def day(self, node: yaml.Node | None, what: str, *, empty: bool = False) -> date | None:
        """Give a date; None for a null, a problem unless *empty*."""
        text = self.text(node, what, empty=empty)
        day = parse_date(text)
        if text and day is None:
            self.report(node, f"{what}: {text!r} is not a date like 2026-01-31")
        return day

    def names(self, node: yaml.Node | None, what: str) -> tuple[str, str]:
        """Give a text in English and Thai."""
        entries = self.entries(node, what, ("en", "th"))
        return self.text(entries.get("en"), f"{what}: en"), self.text(entries.get("th"), f"{what}: th")

    def tax_id(self, node: yaml.Node | None) -> str:
        """Give a tax identification number or ''."""
        text = self.text(node, "tax_id", empty=True)
        if text and not (_TAX_ID.fullmatch(text) and tin.is_valid(text)):
            self.report(node, f"tax_id: {text!r} is not 13 digits with a right check digit")
        return text

    def one_of(self, node: yaml.Node | None, what: str, known: Sequence[str], default: str) -> str:
        """Give one of the known words; *default* when the key is absent or wrong."""
        if node is None:
            return default
        text = self.text(node, what)
        if text in known:
            return text
        self.report(node, f"{what}: {text!r} is not known; known are {', '.join(known)}")
        return default

    def parsed(self, node: yaml.Node | None, what: str, parse: Callable[[str], _T], blank: _T) -> _T:
        """Give what *parse* makes of a scalar; its problems are told with the line."""
        text = self.text(node, what)
        try:
            return parse(text) if text else blank
        except ConfigError as error:
            self.report(node, str(error))
            return blank

    def agencies(self, node: yaml.Node | None, what: str) -> tuple[AgencyCode, ...]:
        """Give one agency's code or a list of them, sorted."""
        found: list[AgencyCode] = []
        for text in filter(None, self.texts(node, what)):
            try:
                found.append(parse_agency_code(text))
            except ConfigError as error:
                self.report(node, f"{what}: {error}")
        return tuple(sorted(found))

    def finish(self) -> None:
        """
        End the reading.

        Raises:
            ConfigError: with every problem found, in the order of lines.
        """
        if self._problems:
            in_order = sorted(self._problems, key=itemgetter(0))
            raise ConfigError(*(sentence for _, sentence in in_order))
