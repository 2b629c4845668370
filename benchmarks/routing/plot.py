"""Draws ``docs/routing.svg`` from the results: rates and processor time of the engines, for each size of document."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PLOT = ROOT / "docs" / "routing.svg"
_WIDTH, _BAR, _GAP, _LEFT, _RIGHT, _HEAD = 760, 18, 8, 150, 150, 46
_OURS, _OTHERS = "#0b6e4f", "#8a97a6"


def main() -> None:
    """Draw every result that there is, smallest documents first."""
    found = [json.loads(path.read_text("utf-8")) for path in RESULTS.glob("routing-*-items.json")]
    found.sort(key=lambda each: int(each["documents"]["items"]))
    parts: list[str] = []
    top = 10
    for result in found:
        drawn, height = _chart(result, top)
        parts += drawn
        top += height
    PLOT.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n",
        "utf-8",
    )
    print(f"{PLOT.relative_to(ROOT)}: {len(found)} results")


def _chart(result: dict[str, Any], top: int) -> tuple[list[str], int]:
    engines = sorted(result["engines"].items(), key=lambda each: -each[1]["documents_per_second"])
    most = engines[0][1]["documents_per_second"]
    documents = result["documents"]
    size = (
        f"{documents['items']} items, {documents['bytes'] / 1000:.0f} kB, {documents['copies']} copies each"
    )
    machine = result["machine"]
    run = (
        f"{machine['cores']} cores, broker included; commit {result['commit']}, rounds: {result['rounds']}; "
        f"load of the machine before: {machine['load_at_begin'][0]}"
    )
    parts = [
        f'<text x="10" y="{top + 14}" font-weight="bold">Declarations of {size}: declarations a second</text>',
        f'<text x="10" y="{top + 32}" fill="#555">{run}</text>',
    ]
    for place, (name, each) in enumerate(engines):
        y = top + _HEAD + place * (_BAR + _GAP)
        width = max(1, round((_WIDTH - _LEFT - _RIGHT) * each["documents_per_second"] / most))
        own = sum(cpu for process, cpu in each["cpu_microseconds"].items() if process != "broker")
        colour = _OURS if name.startswith("nsw") else _OTHERS
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{name}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" fill="{colour}"/>',
            f'<text x="{_LEFT + width + 6}" y="{y + 13}">{each["documents_per_second"]}/s, {own:.0f} us CPU</text>',
        ]
    return parts, _HEAD + len(engines) * (_BAR + _GAP) + 16


if __name__ == "__main__":
    main()
