#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""nearest.py - the name that was meant: `nearest.py 'NAMES THAT EXIST' NAME...` prints the first
NAME that is nearly one of those that exist, and that one; nothing if there is none.
"""
import difflib
import sys


def main(known, *names):
    for name in names:
        near = difflib.get_close_matches(name.upper(), known.split(), 1, 0.75)
        if near:
            print(name, near[0])
            return 0
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
