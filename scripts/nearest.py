#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""nearest.py - the name that was meant: `nearest.py 'NAMES THAT EXIST' NAME...` prints the first
NAME that is nearly one of those that exist, and that one; nothing if there is none.
"""
import difflib
import sys


def main(known, *names):
    exact = {word.upper(): word for word in known.split()}
    for name in names:
        near = difflib.get_close_matches(name.upper(), exact, 1, 0.66)
        if near:
            print(name, exact[near[0]])
            return 0
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
