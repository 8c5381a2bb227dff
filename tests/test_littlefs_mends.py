# SPDX-License-Identifier: BSD-2-Clause
"""Each mend of littlefs (scripts/fix-littlefs) is needed: without it a test fails (mends.py)."""
import pytest

from mends import Mended

LIBRARY = Mended('littlefs', {
    'data of a file': 'test_littlefs_model',
    'a seek from the end': 'test_littlefs seeking_from_the_end_of_a_block',
    'a directory is read on': 'test_littlefs deleting_what_comes_next',
    'a file that was deleted': 'test_littlefs deleting_the_last_of_a_block',
    'a file system without a superblock': 'test_littlefs_disk a_superblock_of_no_blocks',
    'the last block of a file': 'test_littlefs_cost appending',
    'a file that leaves its directory': 'test_littlefs_cost leaving_the_directory',
    'what lies behind a change': 'test_littlefs_cost changing_the_middle',
    'what was written to the cache': 'test_littlefs_cost nothing_is_read_back',
    'metadata is read from the cache': 'test_littlefs_cost looking_up',
    'tags of a directory': 'test_littlefs_cost directories_anew',
    'the sum over a directory': 'test_littlefs_cost looking_up',
})


def test_every_mend_has_its_test():
    assert LIBRARY.all_are_shown()


@pytest.fixture(scope='module')
def library(builder):
    builder('build/host/test_littlefs')           # which has the source be fetched
    LIBRARY.begin()


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize('number, name', list(enumerate(LIBRARY.names())), ids=str)
def test_a_test_fails_without(library, number, name):
    LIBRARY.is_needed(number, name)
