# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of the source an image has executed: from the addresses that coverage_plugin.c of
scripts/ wrote down, and the line tables that the compiler leaves in objects and images (DWARF, by
llvm-dwarfdump).

A line has code if the table of its source's object says that a statement begins there: then it
counts whether any image is linked with it or not. It was executed if, in some image, the
instruction was executed at which that statement begins, also where its function was inlined.
Instructions that the compiler moved elsewhere keep their line but begin no statement, so they prove
nothing and do not count.
"""
import bisect
import glob
import os
import re

from vireolib import coverage

ROW = re.compile(r'^0x([0-9a-f]{8,16}) +(\d+) +\d+ +(\d+) .*is_stmt')
FILE = re.compile(r'^file_names\[ *(\d+)\]:\n +name: "(.*)"\n +dir_index: (\d+)', re.M)
FOLDER = re.compile(r'^include_directories\[ *(\d+)\] = "(.*)"', re.M)


def line_table(path, wanted):
    """(address, file, line) for each beginning of a statement in the files that wanted(file)."""
    text = coverage.tool(['llvm-dwarfdump', '--debug-line', path])
    for unit in text.split('\nLine table prologue:')[1:]:
        head, _, rows = unit.partition('\nAddress ')
        folders = dict(FOLDER.findall(head))
        files = {number: os.path.normpath(os.path.join(folders.get(folder, '') if folder != '0'
                                                       else '', name))
                 for number, name, folder in FILE.findall(head)}
        files = {number: name for number, name in files.items() if wanted(name)}
        for row in rows.splitlines() if files else ():
            match = ROW.match(row)
            if match and match[3] in files and match[2] != '0' and 'end_seq' not in row:
                yield int(match[1], 16), files[match[3]], int(match[2])


def lines_with_code(objects, wanted):
    """{file: lines} by the objects made of these files. `objects` are paths of .o files."""
    found = {}
    for path in objects:
        for _, file, line in line_table(path, wanted):
            found.setdefault(file, set()).add(line)
    return found


class Addresses:
    """Executed addresses: the union of what several runs of one image have written down."""

    def __init__(self, paths):
        ranges = []
        for path in paths:
            with open(path) as f:
                ranges += [tuple(int(word, 16) for word in line.split()) for line in f]
        self._first, self._end = [], []
        for first, end in sorted(ranges):
            if self._end and first <= self._end[-1]:
                self._end[-1] = max(self._end[-1], end)
            else:
                self._first.append(first)
                self._end.append(end)

    def __contains__(self, address):
        at = bisect.bisect_right(self._first, address) - 1
        return at >= 0 and address < self._end[at]


def lines_executed(folders, wanted):
    """{file: lines} of all images whose runs left their files in these folders."""
    runs = {}
    for folder in folders:
        for path in glob.glob(os.path.join(folder, '*.visited')):
            runs.setdefault(os.path.basename(path).partition('.')[0], []).append(path)
    found = {}
    for digest, paths in sorted(runs.items()):
        addresses = Addresses(paths)
        elf = os.path.join(os.path.dirname(paths[0]), digest + '.elf')
        for address, file, line in line_table(elf, wanted):
            if address in addresses:
                found.setdefault(file, set()).add(line)
    return found
