# SPDX-License-Identifier: BSD-2-Clause
"""TCP over the simulated path (tests/host/net/path.h): many seeds, and captures of its frames."""
import os
import re
import subprocess

import pytest

from conftest import TREE
from vireolib.guest import PATIENCE

SEEDS = 1000
AT_ONCE = 2


@pytest.mark.full
@pytest.mark.timeout(600)
def test_seeds(builder):
    """Over 1,000 random paths every byte arrives, in bounded time, and memory returns."""
    builder('build/host/test_tcp_random')
    program = os.path.join(TREE, 'build', 'host', 'test_tcp_random')
    share = SEEDS // AT_ONCE
    running = [subprocess.Popen([program, 'seeds', str(1 + n * share), str(share)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for n in range(AT_ONCE)]
    texts = [p.communicate(timeout=590 * PATIENCE)[0] for p in running]
    failed = re.findall(r'^FAIL .*$', ''.join(texts), re.M)
    assert not failed, '\n'.join(failed)
    assert len(re.findall(r'^ok ', ''.join(texts), re.M)) == SEEDS
