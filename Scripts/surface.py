"""What the package's modules show, for Scripts/api and Scripts/docs: read from the modules that `swift build` has made."""

import collections
import glob
import json
import re
import subprocess
import sys

UMBRELLA = "Celeriac"
CONTRACT = "CeleriacCore"


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def exports():
    """What the umbrella re-exports: by module, the names of its declarations."""
    shown = collections.defaultdict(set)
    with open(f"Sources/{UMBRELLA}/Exports.swift") as file:
        for line in file:
            if not line.startswith("@_exported"):
                continue
            found = re.match(r"@_exported public import (?:struct|class|enum|protocol|func|typealias) (\w+)\.(\w+)$", line)
            if found is None:
                sys.exit(f"Error: Exports.swift re-exports a whole module: {line.strip()}")
            shown[found[1]].add(found[2])
    return shown


def place():
    """Where the modules are, and the machine that they are for."""
    return (output("swift", "build", "--show-bin-path"),
            json.loads(output("swift", "-print-target-info"))["target"]["unversionedTriple"])


def graphs(module, build, target, folder):
    """The symbol graphs of a module: of its own symbols, and of what it adds to types of other modules."""
    maps = glob.glob(".build/checkouts/*/Sources/*/include/module.modulemap")
    maps += glob.glob(f"{build}/*.build/module.modulemap") + glob.glob("Sources/C*/module.modulemap")
    subprocess.run(
        ["swift", "symbolgraph-extract", "-module-name", module, "-target", target, "-I", f"{build}/Modules"]
        + [word for path in maps for word in ("-Xcc", f"-fmodule-map-file={path}")]
        + ["-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", folder],
        check=True)
    # The files with an `@` hold what the module adds to types of other modules.
    for path in glob.glob(f"{folder}/{module}.symbols.json") + glob.glob(f"{folder}/{module}@*.symbols.json"):
        with open(path) as file:
            yield json.load(file)


def extends_others(symbol, ours):
    """Whether a symbol is a member of a type that is not ours."""
    extended = symbol.get("swiftExtension", {}).get("extendedModule")
    return extended is not None and extended not in ours


def is_shown(module, symbol, shown, ours):
    """Whether `import Celeriac` shows a symbol: `shown` is what it re-exports, `ours` are all modules of the package."""
    # A function's name has its labels: `group(_:)`.
    name = symbol["pathComponents"][0].split("(")[0]
    names = set().union(*shown.values())
    return module == UMBRELLA or module in shown and (name in names or extends_others(symbol, ours))
