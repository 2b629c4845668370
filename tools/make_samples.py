"""
Makes the samples of the Thai message types: valid documents, those with planted faults, and their expected answers.

Run ``python tools/make_samples.py`` to write them, and with ``--check`` to fail if one is missing, differs or is left
over.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

# Run as a script, Python looks for modules beside this file only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.samples import export_faults, import_faults

ALL = (export_faults.SAMPLES, import_faults.SAMPLES)


def main(arguments: Sequence[str]) -> int:
    """Write the samples; with --check only compare, and give 1 if a file is missing, differs or has no case."""
    if not set(arguments) <= {"--check"}:
        print(f"usage: {Path(__file__).name} [--check]", file=sys.stderr)
        return 2
    status = 0
    for samples in ALL:
        contents = samples.files()
        strays = [path for path in samples.folder.rglob("*") if path.is_file() and path not in contents]
        stale = [path for path, each in contents.items() if not path.is_file() or path.read_bytes() != each]
        if "--check" in arguments:
            for path in sorted((*stale, *strays)):
                print(f"{path.name} is not what this tool makes", file=sys.stderr)
                status = 1
            continue
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[path])
        for path in strays:
            path.unlink()
        name = samples.layout.folder
        print(f"{name}: {len(contents)} files, {len(stale)} written, {len(strays)} removed")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
