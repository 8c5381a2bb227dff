# SPDX-License-Identifier: BSD-2-Clause
"""make soak, for seconds: that it breaks things, finds nothing bad, and would say so."""
import re
import subprocess
import sys
import types

import pytest

from conftest import TREE
from vireolib import soak_machine, soak as soaking


def soak(*args, timeout):
    return subprocess.run([sys.executable, f'{TREE}/scripts/soak', *args], text=True,
                          capture_output=True, timeout=timeout)


@pytest.mark.parametrize('seconds, transport, ring', [
    (10, 'pci', 'split'),
    pytest.param(60, 'mmio', 'split', marks=pytest.mark.full),
    pytest.param(60, 'pci', 'packed', marks=pytest.mark.full)])
@pytest.mark.timeout(240)
def test_soak(built, seconds, transport, ring):
    built('soak')
    result = soak('--time', str(seconds), '--transport', transport, '--ring', ring, timeout=220)
    last = result.stdout.splitlines()[-1]
    assert re.fullmatch(rf'soak: seconds={seconds} faults=[1-9]\d* bad=0', last), result.stdout
    assert result.returncode == 0
    assert transport == 'pci' or 'unplug' not in result.stdout


def test_a_connection_that_breaks_for_no_reason():
    options = types.SimpleNamespace(seed=1, ring='split')
    one = soaking.Soak(types.SimpleNamespace(guest=None, faults=None), options)
    one.pending = [(130, 'net0', lambda: None, 100), (200, 'posix', lambda: None, 190)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soaking.time, 'monotonic', lambda: 140)
        one.undo(200)
    assert one.unexplained([100, 120, 149]) == []
    for when in 99, 151, 195:
        assert one.unexplained([120, when])[0].startswith('1 connections')


def test_mistakes():
    for args, words in ((['--time', '5'], '10 at least'), (['--ring', 'round'], 'invalid choice')):
        result = soak(*args, timeout=30)
        assert result.returncode == 2 and words in result.stderr


@pytest.mark.parametrize('damage', ['nothing', 'byte', 'older', 'blank', 'elsewhere'])
def test_what_is_lost_is_found(tmp_path, damage):
    """The host's look at a disk, on one that is made by hand: 40 rounds on 1024 units."""
    path = tmp_path / 'raw'
    data = bytearray(1024 * soak_machine.UNIT)
    for n in range(40 * soak_machine.ROUND):
        unit = n * soak_machine.STRIDE % 1024
        at = unit * soak_machine.UNIT
        data[at:at + soak_machine.UNIT] = soak_machine.content(unit, n + 1)
    unit = 39 * soak_machine.ROUND * soak_machine.STRIDE % 1024          # of the last round
    at = slice(unit * soak_machine.UNIT, (unit + 1) * soak_machine.UNIT)
    if damage == 'byte':
        data[at.start + 4000] ^= 1
    elif damage != 'nothing':
        nth = {'older': 39 * soak_machine.ROUND + 1 - 1024, 'blank': 0, 'elsewhere': 5}[damage]
        data[at] = soak_machine.content(unit, nth)
    path.write_bytes(data)
    wrong = soak_machine.lost(str(path), 40)
    assert len(wrong) == (damage != 'nothing')
    assert all(f'unit {unit} ' in text for text in wrong)
