# SPDX-License-Identifier: BSD-2-Clause
"""The part of pytest's set-up that shares the tests between processes, where pytest-xdist is asked
to (`make test` has one for each processor). The tests of a file stay together and in their order:
they share fixtures, and what lies in build/ for them. Files of DIVISIBLE, whose tests share
nothing, come last and go out one test at a time, so that all processes end together.
"""
import os

from xdist.scheduler import LoadScheduling

DIVISIBLE = ('test_matrix.py', 'test_fuzz.py', 'test_host.py')
# Tests that a process has at a time: xdist starts one when it knows the next.
AHEAD = 2


def order(nodeids):
    """Indexes of the tests, file by file: those that boot images first, since they take longest."""
    def key(index):
        path = nodeids[index].partition('::')[0]
        name = os.path.basename(path)
        rank = DIVISIBLE.index(name) if name in DIVISIBLE else -1
        return rank, -path.count('/'), path
    return sorted(range(len(nodeids)), key=key)


class FileByFile(LoadScheduling):
    """Gives each process a file, then the tests of DIVISIBLE."""

    def __init__(self, config, log):
        super().__init__(config, log)
        self._file_of = {}              # process -> the file that it is at

    def schedule(self):
        assert self.collection_is_completed
        if self.collection is None:
            if not self._check_nodes_have_same_collection():
                return
            self.collection = next(iter(self.node2collection.values()))
            self.pending[:] = order(self.collection)
        for node in self.nodes:
            self.check_schedule(node)

    def _file(self, index):
        path = self.collection[index].partition('::')[0]
        return index if os.path.basename(path) in DIVISIBLE else path

    def _next_for(self, node):
        """Takes a test out of those that wait: of the process's file, or of one that nobody has."""
        mine = self._file_of.get(node)
        others = {self._file_of.get(other) for other in self.nodes if other is not node}
        chosen = next((i for i in self.pending if self._file(i) == mine), None)
        if chosen is None:
            chosen = next((i for i in self.pending if self._file(i) not in others), None)
        if chosen is not None:
            self._file_of[node] = self._file(chosen)
            self.pending.remove(chosen)
        return chosen

    def check_schedule(self, node, duration=0):
        if node.shutting_down:
            return
        while len(self.node2pending[node]) < AHEAD:
            index = self._next_for(node)
            if index is None:
                node.shutdown()             # runs what it has, and ends
                return
            self.node2pending[node].append(index)
            node.send_runtest_some([index])


class Spread:
    """A pytest plugin, registered by conftest.py where there is pytest-xdist."""

    @staticmethod
    def pytest_xdist_make_scheduler(config, log):
        return FileByFile(config, log)
