"""Puts the table of a run into a page: between the marks `<!-- interop NAME begins -->` and `<!-- interop NAME ends -->`.

    matrix.py PAGE NAME TABLE

What stands there stays if it has the same verdicts, so that a run which has seen nothing new changes no file, and if
peers were skipped now that were not when it was written.
"""
import re
import sys
import time


def skipped(table):
    """How many cells a table has that were skipped."""
    found = re.search(r"(\d+) skipped$", table.strip())
    return int(found[1]) if found else 0


def main():
    page, name, path = sys.argv[1:]
    with open(path) as file:
        table = file.read().strip("\n")
    with open(page) as file:
        text = file.read()
    begin, end = f"<!-- interop {name} begins -->\n", f"<!-- interop {name} ends -->"
    before, found, rest = text.partition(begin)
    standing, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"Error: {page} lacks the marks of {name}")
    known = re.search(r"```\n(.*?)\n```", standing, re.DOTALL)
    if known and (known[1] == table or skipped(table) > skipped(known[1])):
        print(f"==> {page} keeps its table of {name}", file=sys.stderr)
        return
    heading = f"`Scripts/interop`, `interop/{name}.yaml`, {time.strftime('%F', time.gmtime())}:"
    with open(page, "w") as file:
        file.write(f"{before}{begin}\n{heading}\n\n```\n{table}\n```\n\n{end}{after}")
    print(f"==> {page} has a new table of {name}", file=sys.stderr)


main()
