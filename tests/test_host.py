# SPDX-License-Identifier: BSD-2-Clause
"""The unit tests in C that run on this machine (tests/host/): each case is a test here."""
import os
import re
import subprocess

import pytest

from conftest import TREE
from vireolib.guest import PATIENCE

SOURCES = sorted(name[:-2] for name in os.listdir(os.path.join(TREE, 'tests', 'host'))
                 if re.fullmatch(r'test_\w+\.c', name))
# host-tsan/ holds what is built with the thread sanitizer.
PROGRAMS = ['host/' + name for name in SOURCES] + ['host-tsan/test_ring_threads',
                                                    'host-tsan/test_ring_threads_bad',
                                                    'host-tsan/test_lock_threads']


def test_there_are_programs():
    assert SOURCES


# Those of drivers that lend data to devices. They run once more with copies in place of the data.
WITH_COPIES = ['blk', 'blk_recover', 'blk_return', 'blk_rules', 'blk_small', 'block_layer',
               'cache_recover', 'class_block', 'class_life', 'class_net', 'class_ring', 'files',
               'hotplug', 'lwip_port', 'net', 'net_recover', 'net_rules', 'recover_bus']


@pytest.mark.parametrize('name', PROGRAMS)
@pytest.mark.timeout(180)
def test_program(builder, name):
    """Every case passes, the sanitizers are silent, and the program says how many there were."""
    run_program(builder, name)


@pytest.mark.parametrize('name', WITH_COPIES)
@pytest.mark.timeout(180)
def test_with_copies(builder, name):
    """The same where devices reach copies of what is mapped for them (hal_dma_map)."""
    run_program(builder, f'host/test_{name}', VIREO_HOST_DMA='copy')


# Those of the network driver that run once more where a mapping is an address, as in an image.
UNMAPPED = ['net', 'net_joined', 'net_offload', 'net_rules']


@pytest.mark.parametrize('name', UNMAPPED)
@pytest.mark.timeout(180)
def test_without_mappings(builder, name):
    """The same with the driver that an image has (HAL_DMA_MAPS 0), which keeps receive buffers."""
    run_program(builder, f'host/unmapped-test_{name}')


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_cache_model_long(builder):
    """The block cache against its reference for ten million steps."""
    run_program(builder, 'host/test_cache_model', 3000, VIREO_CACHE_STEPS='10000000',
                VIREO_CASE_SECONDS=str(2900 * PATIENCE))


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_littlefs_model_long(builder):
    """littlefs against its reference for ten million steps, with power cuts."""
    run_program(builder, 'host/test_littlefs_model', 6500, VIREO_LITTLEFS_STEPS='10000000',
                VIREO_CASE_SECONDS=str(6400 * PATIENCE))


@pytest.mark.full
@pytest.mark.timeout(900)
def test_littlefs_ten_thousand_entries(builder):
    """A directory of so many files is made, read, and half of it deleted."""
    run_program(builder, 'host/test_littlefs', 800, VIREO_LITTLEFS_ENTRIES='10000',
                VIREO_CASE_SECONDS=str(700 * PATIENCE))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_sql_cuts_long(builder):
    """SQLite on a disk whose power is cut at a thousand moments."""
    run_program(builder, 'host/test_sql_cuts', 900, VIREO_SQL_CUTS='1000', VIREO_SEED='17')


def run_program(builder, name, seconds=170, **environment):
    builder(f'build/{name}')
    result = subprocess.run([os.path.join(TREE, 'build', name)], capture_output=True, text=True,
                            timeout=seconds * PATIENCE, errors='replace',
                            env={**os.environ, 'VIREO_CASE_SECONDS': str(60 * PATIENCE),
                                 **environment})
    text = result.stdout + result.stderr
    failed = re.findall(r'^FAIL .*$', text, re.M)
    assert not failed, '\n'.join(failed)
    assert 'Sanitizer' not in text and 'runtime error' not in text, text[-3000:]
    assert result.returncode == 0, text[-3000:]
    summary = re.search(r'^(\d+) passed, (\d+) failed', text, re.M)
    assert summary and int(summary[1]) > 0 and int(summary[2]) == 0, text[-1000:]
    assert len(re.findall(r'^ok ', text, re.M)) == int(summary[1])
