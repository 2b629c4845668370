"""What README and docs name is there: commands with their options, files, links, targets of make."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from nsw.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
#: Decisions are of their day: what they name may be gone since.
LIVING = [page for page in PAGES if page.parent.name != "adr"]
README_LINES = 200

_FENCE = re.compile(r"^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_SHELLS = frozenset(("sh", "console"))
#: A span or a word of a command that is meant as a file of the repository.
_FILE = re.compile(
    r"(?:nsw|schemas|deploy|docs|tests|tools|benchmarks|\.ci)/[\w./*-]*|[A-Z]+\.md|Makefile|pyproject\.toml"
)


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def read(page: Path) -> str:
    return page.read_text("utf-8")


def blocks_of(page: Path) -> Iterator[Block]:
    for match in _FENCE.finditer(read(page)):
        yield Block(match["language"], match["text"])


def prose_of(page: Path) -> str:
    return _FENCE.sub("", read(page))


def commands_in(block: Block) -> Iterator[list[str]]:
    """Give the words of each command of a shell block; in a console block commands begin with a dollar sign."""
    for line in block.text.replace("\\\n", " ").splitlines():
        text = line.strip()
        if block.language == "console":
            if not text.startswith("$ "):
                continue
            text = text.removeprefix("$ ")
        for part in re.split(r" [|>] ?| && |; ", text):
            words = shlex.split(part, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                yield words


def shell_commands(page: Path, program: str) -> list[list[str]]:
    found = (words for block in blocks_of(page) if block.language in _SHELLS for words in commands_in(block))
    return [words for words in found if Path(words[0]).name == program]


def spans_of(page: Path) -> list[str]:
    return [" ".join(text.split()) for text in _SPAN.findall(prose_of(page))]


def find_faults(words: list[str], *, complete: bool) -> Iterator[str]:
    """Say what is wrong with a command line of nsw; *complete* ones must have what is required."""
    command = typer.main.get_command(app)
    rest = words[1:]
    path = ["nsw"]
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])
        if found is None:
            yield f"{' '.join(path)} has no command {rest[0]!r}"
            return
        path.append(rest.pop(0))
        command = found
    if complete and isinstance(command, TyperGroup) and "--version" not in rest:
        yield f"{' '.join(path)} needs a command"
    options = {name: each for each in command.params if isinstance(each, TyperOption) for name in each.opts}
    given = []
    words_left = iter(rest)
    for word in words_left:
        name, equals, _ = word.partition("=")
        if not name.startswith("-") or name in ("-", "--help"):
            continue
        if name not in options:
            yield f"{' '.join(path)} has no option {name}"
            continue
        given.append(name)
        if not options[name].is_flag and not equals:
            next(words_left, None)
    for name, option in options.items():
        if complete and option.required and name not in given:
            yield f"{' '.join(path)} needs {name}"


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_command_in_a_block_exists_with_these_options(page: Path) -> None:
    """Blocks are typed as they stand."""
    faults = {
        f"{' '.join(words)}: {fault}"
        for words in shell_commands(page, "nsw")
        for fault in find_faults(words, complete=True)
    }
    assert sorted(faults) == []


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_command_in_the_prose_exists(page: Path) -> None:
    """Prose may name a group, or leave out what is required."""
    commands = [shlex.split(span) for span in spans_of(page) if re.match(r"nsw [a-z]", span)]
    faults = {fault for words in commands for fault in find_faults(words, complete=False)}
    assert sorted(faults) == []


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_option_in_the_prose_exists_somewhere(page: Path) -> None:
    """An option that stands alone belongs to a command named nearby."""
    known = set(known_options(typer.main.get_command(app))) | {"--check"}
    options = {span.split()[0].partition("=")[0] for span in spans_of(page) if span.startswith("--")}
    assert sorted(options - known) == []


def known_options(command: object) -> Iterator[str]:
    for each in getattr(command, "params", ()):
        yield from each.opts
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            yield from known_options(each)


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_target_of_make_exists(page: Path) -> None:
    """In blocks and in the prose."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {words[1] for words in shell_commands(page, "make")}
    named |= {span.split()[1] for span in spans_of(page) if span.startswith("make ")}
    assert sorted(named - targets) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path) -> None:
    """The file, and the heading in it."""
    broken = []
    for target in _LINK.findall(re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", prose_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    assert broken == []


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """Give the anchors that GitHub makes of the headings."""
    headings = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", each) for each in _HEADING.findall(prose_of(page)))
    return frozenset(re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings)


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_file_named_exists(page: Path) -> None:
    """In code spans, and in the commands of shell blocks."""
    words = {
        word
        for block in blocks_of(page)
        if block.language in _SHELLS
        for each in commands_in(block)
        for word in each
    }
    named = {each for each in (*spans_of(page), *words) if _FILE.fullmatch(each)}
    assert sorted(each for each in named if not list(ROOT.glob(each.rstrip("/")))) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_nothing_tells_of_a_machine_or_a_registry(page: Path) -> None:
    """Pages are read elsewhere."""
    assert not re.search(r"/(?:work|home|root|tmp|Users)/|pypi\.org|maven\.org|artifactory", read(page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_blocks_import_what_is_there(page: Path) -> None:
    """They compile, and their imports of ours resolve; those of the integrators' pages are run elsewhere."""
    for block in blocks_of(page):
        if block.language == "python":
            compile(block.text, name_of(page), "exec")
            imports = re.findall(r"^(?:from nsw[\w.]* )?import .+$", block.text, re.MULTILINE)
            exec("\n".join(imports), {})  # noqa: S102 - lines of our own pages


def test_the_readme_is_short() -> None:
    """The rest belongs into docs."""
    assert len(read(ROOT / "README.md").splitlines()) < README_LINES


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("nsw fly", "nsw has no command 'fly'"),
        ("nsw inbox", "nsw inbox needs a command"),
        ("nsw consume --everything", "nsw consume has no option --everything"),
        ("nsw publish FILE", "nsw publish needs --party"),
    ],
)
def test_this_test_finds_faults(line: str, fault: str) -> None:
    """A checker that finds nothing proves nothing."""
    assert list(find_faults(line.split(), complete=True)) == [fault]
