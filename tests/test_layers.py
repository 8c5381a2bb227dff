# SPDX-License-Identifier: BSD-2-Clause
"""Which file of a folder calls which, as the linker sees it: from the symbols of the host build's
objects. The folders of drivers/virtio stand on one another in one direction only.
"""
import os
import subprocess

import pytest

from conftest import TREE

RING, TRANSPORT = 'drivers/virtio/ring/', 'drivers/virtio/transport/'


def objects(folder, top=os.path.join('build', 'host', 'obj')):
    """The objects of a folder and those below: {source: path of the object}."""
    return {source: os.path.join(TREE, top, source + '.o')
            for where, _, names in os.walk(os.path.join(TREE, folder))
            for source in (os.path.relpath(os.path.join(where, name), TREE) for name in names)
            if source.endswith('.c') and os.path.exists(os.path.join(TREE, top, source + '.o'))}


def symbols(path):
    """What an object defines for others, and what it refers to."""
    out = subprocess.run(['nm', '-P', path], text=True, capture_output=True, check=True).stdout
    kinds = [line.split()[:2] for line in out.splitlines()]
    return ({name for name, kind in kinds if kind.isupper() and kind != 'U'},
            {name for name, kind in kinds if kind == 'U'})


def references(folder, without=()):
    """{source: {another source of the folder: the symbols of it that the first refers to}}"""
    table = {source: symbols(path) for source, path in objects(folder).items()
             if source not in without}
    owner = {name: source for source, (defined, _) in table.items() for name in defined}
    found = {source: {} for source in table}
    for source, (_, wanted) in table.items():
        for name in wanted & owner.keys():
            found[source].setdefault(owner[name], set()).add(name)
    return found


def components(graph):
    """The strongly connected components of two members or more, largest first (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return sorted((c for c in found if len(c) > 1), key=lambda c: (-len(c), c))


def circles(folder, without=()):
    """The circles of files in a folder: each a sorted list of sources."""
    return components(references(folder, without))
