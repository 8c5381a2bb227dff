# SPDX-License-Identifier: BSD-2-Clause
"""The part of pytest's set-up for tests that need a tap, or another thing of the network that root
alone can make (the mark `tap`). Where that right is missing, `make test` leaves them out and says
so at its end: it proves the same with a back end of its own. `make test-full` runs them, and so
does who names their file: there they fail, and say what to do.
"""
import os

import pytest

from vireolib import relay

WHAT_TO_DO = 'a tap in a network namespace is needed: run as root, on a kernel with /dev/net/tun'


class TapMarks:
    """A pytest plugin, registered by conftest.py."""

    def __init__(self, config):
        config.addinivalue_line('markers', 'tap: needs a tap, which root alone can make')
        self._left_out = 0
        self._told = getattr(config, 'workeroutput', None)       # one of several processes
        if config.pluginmanager.hasplugin('xdist'):
            config.pluginmanager.register(self.OfOthers(self))

    class OfOthers:
        """Takes the number from a process that runs tests for this one."""

        def __init__(self, marks):
            self._marks = marks

        def pytest_testnodedown(self, node):
            self._marks.take(getattr(node, 'workeroutput', {}))

    def take(self, output):
        self._left_out = output.get('tap_left_out', self._left_out)

    def pytest_collection_modifyitems(self, config, items):
        named = any(os.path.isfile(arg.partition('::')[0]) for arg in config.args)
        if relay.possible() or named or config.getoption('--full') or config.getoption('--shows'):
            return
        left_out = [item for item in items if item.get_closest_marker('tap')]
        self._left_out = len(left_out)
        if self._told is not None:
            self._told['tap_left_out'] = self._left_out
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker('tap')]

    @staticmethod
    def _cannot(item):
        return item.get_closest_marker('tap') and not relay.possible()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if self._cannot(item):
            item.fixturenames = []       # nothing is set up for what cannot be

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        if self._cannot(pyfuncitem):
            pytest.fail(WHAT_TO_DO, pytrace=False)

    def pytest_terminal_summary(self, terminalreporter):
        if self._left_out:
            terminalreporter.write_line(f'{self._left_out} tests did not run, since {WHAT_TO_DO} '
                                        '(make test-full fails without)')
