"""Packages a release: the same input gives the same bytes, whenever and wherever.

    python3 release/package.py zip PROGRAM NAME ZIP
    python3 release/package.py template TEMPLATE ARCHITECTURE ZIP OUTPUT

`zip` packs a program under a name; Lambda runs one that is named `bootstrap`. `template` makes the SAM template that deploys such a package, which lies beside it, and builds nothing.
"""

import re
import stat
import sys
import zipfile
from pathlib import Path

# The earliest that a zip can say.
TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3


class Problem(Exception):
    """What was given cannot be packaged."""


def make_zip(program: Path, name: str, output: Path) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.create_system = UNIX
    entry.external_attr = (stat.S_IFREG | 0o755) << 16
    # Not compressed: each version of zlib compresses a little differently.
    entry.compress_type = zipfile.ZIP_STORED
    with zipfile.ZipFile(output, "w") as package:
        package.writestr(entry, program.read_bytes())


def make_template(template: Path, architecture: str, package: str, output: Path) -> None:
    text = template.read_text(encoding="utf-8")
    text = replace(text, r"(?m)^      CodeUri: \.$", f"      CodeUri: {package}")
    # What says how to build the function.
    text = replace(text, r"(?m)^    Metadata:\n      BuildMethod: .*\n(?:      .*\n)*", "")
    text = replace(text, r"(?m)^    Default: arm64$", f"    Default: {architecture}")
    text = replace(text, r"(?m)^    AllowedValues: \[arm64, x86_64\]$", f"    AllowedValues: [{architecture}]")
    text = replace(text, r"must be arm64 or x86_64\.", f"must be {architecture}, for which this package was built.")
    output.write_text(text, encoding="utf-8")


def replace(text: str, pattern: str, replacement: str) -> str:
    changed, count = re.subn(pattern, lambda _: replacement, text)
    if count != 1:
        raise Problem(f"the template: got {count} matches of `{pattern}`, expected one")
    return changed


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["zip", program, name, output]:
                make_zip(Path(program), name, Path(output))
            case ["template", template, architecture, package, output]:
                make_template(Path(template), architecture, package, Path(output))
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (OSError, Problem) as problem:
        print(f"release: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
