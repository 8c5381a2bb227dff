# SPDX-License-Identifier: BSD-2-Clause
"""The part of pytest's set-up for conformance: `--shows=FILE` writes the rows that each test
declares, and every run stores its outcomes for `make conformance`.
"""
import json

from vireolib import conformance


class RowMarks:
    """A pytest plugin, registered by conftest.py."""

    def __init__(self, shows):
        self._shows = shows
        self._outcomes = {}
        self._tree = conformance.fingerprint()

    def pytest_collection_finish(self, session):
        if not self._shows:
            return
        declared = {item.nodeid: sorted({row for mark in item.iter_markers('shows')
                                         for row in mark.args}) for item in session.items}
        with open(self._shows, 'w') as f:
            json.dump(declared, f)

    def pytest_runtest_logreport(self, report):
        """A test passed if its call did, and neither set-up nor the judging at its end failed."""
        before = self._outcomes.get(report.nodeid, 'passed')
        if report.outcome != 'passed' or before == 'passed':
            self._outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self):
        if self._outcomes:
            conformance.store_results(self._tree, self._outcomes)
