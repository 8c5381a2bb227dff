# SPDX-License-Identifier: BSD-2-Clause
"""Which file of a folder calls which, as the linker sees it: from the symbols of the host build's
objects. The folders of drivers/virtio stand on one another in one direction only.
"""
import os
import re
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


# ---- drivers/virtio ----

def layer(source):
    """ring/ is lowest, the core stands on it, transport/ on both."""
    return 0 if source.startswith(RING) else 2 if source.startswith(TRANSPORT) else 1


def upward(graph):
    """References to a higher folder: what must not be."""
    return [f'{source} refers to {", ".join(sorted(names))} of {other}'
            for source, others in sorted(graph.items())
            for other, names in sorted(others.items()) if layer(other) > layer(source)]


@pytest.fixture(scope='module')
def virtio(programs):
    graph = references('drivers/virtio')
    assert {layer(source) for source in graph} == {0, 1, 2} and len(graph) > 15, sorted(graph)
    return graph


def test_rings_refer_to_no_device_and_the_core_to_no_transport(virtio):
    assert not upward(virtio), upward(virtio)


def test_no_circle_crosses_a_folder_of_virtio(virtio):
    crossing = [circle for circle in components(virtio) if len({layer(s) for s in circle}) > 1]
    assert not crossing, crossing


def test_no_circle_among_the_rings(virtio):
    assert not [circle for circle in components(virtio) if layer(circle[0]) == 0]


def test_includes_of_virtio_point_down():
    """As the symbols do: ring/ includes itself alone, the core no header of transport/."""
    bad = []
    for where, _, names in os.walk(os.path.join(TREE, 'drivers', 'virtio')):
        for name in names:
            source = os.path.relpath(os.path.join(where, name), TREE)
            with open(os.path.join(TREE, source)) as f:
                included = re.findall(r'^\s*#\s*include\s+"(virtio/[^"]+)"', f.read(), re.M)
            bad += [f'{source}: {header}' for header in included
                    if layer('drivers/' + header) > layer(source)]
    assert not bad, bad


# ---- the means ----

def test_components_are_found():
    graph = {'a': 'b', 'b': 'ca', 'c': 'd', 'd': 'e', 'e': 'c', 'f': 'af'}
    assert components(graph) == [['c', 'd', 'e'], ['a', 'b']]


def test_an_upward_reference_is_told():
    graph = {RING + 'x.c': {'drivers/virtio/y.c': {'f'}}, 'drivers/virtio/y.c': {},
             TRANSPORT + 'z.c': {RING + 'x.c': {'g'}}}
    assert upward(graph) == [f'{RING}x.c refers to f of drivers/virtio/y.c']
