# SPDX-License-Identifier: BSD-2-Clause
"""The oracle itself: a log that keeps all rules has no finding, and a log with one change that
breaks a rule has that finding.
"""
import os
import re

import pytest

import oracle
from oracle import samples as s

TRANSPORT = {'MMIO': 'mmio', 'PACKED': 'mmio', 'LEGACY': 'mmio', 'PCI': 'pci', 'INTX': 'pci',
             'WINDOW': 'pci', 'PCI_LEGACY': 'pci-legacy'}

# (rows that must be found, name of the log, a text in it, the text that replaces it)
BROKEN = [
    # discovery
    ('MMIO-INIT-01', 'MMIO', 'r version 2\n', ''),
    ('MMIO-INIT-02', 'MMIO', 'r device_id 2\n', 'r vendor_id 2\n'),
    ('MMIO-REG-06', 'MMIO', 'r magic 0x74726976', 'r magic 0x74726977'),
    ('MMIO-REG-08', 'MMIO', 'r version 2', 'r version 3'),
    ('MMIO-INIT-03 MMIO-INIT-04', 'MMIO', 'r device_id 2\n', 'r device_id 0\n'),
    ('PCI-CAP-11', 'PCI', 'r pci+0x43 1 1', 'r pci+0x43 6 1'),
    ('PCI-CAP-08', 'PCI', 'w pci+4 6 2', 'w pci+4 6 2\nw pci+0x48 0 4'),
    # registers: where, how wide, in which direction
    ('MMIO-REG-01', 'MMIO', 'w queue_size 128', 'w queue_align 4096\nw queue_size 128'),
    ('LEGACY-MMIO-18', 'LEGACY', 'w queue_pfn', 'w queue_enable 1\nw queue_pfn'),
    ('MMIO-REG-02', 'MMIO', 'r generation 0', 'w generation 0'),
    ('MMIO-REG-03', 'MMIO', 'w queue_size 128', 'r queue_size 128'),
    ('MMIO-REG-04', 'MMIO', 'w status 1', 'w status 1 1'),
    ('MMIO-REG-04', 'MMIO', 'w notify 0', 'w notify 0 2'),
    ('PCI-COMMON-01', 'PCI', 'r num_queues 1', 'w num_queues 1'),
    ('PCI-LAYOUT-01', 'PCI', 'w status 1', 'w status 1 4'),
    # status and reset
    ('INIT-05 INIT-06', 'MMIO', 'w status 0\nr status 0\nw status 1', 'w status 1'),
    ('RST-01 PCI-COMMON-05', 'MMIO', 'r status 0\nw status 1', 'w status 1'),
    ('RST-01 PCI-COMMON-05', 'PCI', 'r status 0\nw status 1', 'r status 1\nw status 1'),
    ('RST-01 PCI-COMMON-05', 'PCI', 'r status 0\nw status 1', 'w queue_sel 0\nw status 1'),
    ('RST-01', 'LEGACY', 'r cause 0\nw status 0\nr status 0', 'r cause 0\nw status 0'),
    ('INIT-01 INIT-07', 'MMIO', 'w status 1\n', ''),
    ('INIT-01 INIT-08', 'LEGACY', 'w status 3\n', ''),
    ('INIT-02', 'MMIO', 'w status 3', 'w status 2'),
    ('INIT-01', 'PCI', 'w status 0xf', 'w status 0xf\nw status 0x1f'),
    ('INIT-03', 'MMIO', 'w status 0xf', 'w status 0x8b\nw status 0x8f'),
    ('LEGACY-INIT-01', 'LEGACY', 'w status 7', 'w status 0xb\nw status 0xf'),
    ('INIT-14', 'MMIO', 'r status 0xb\n', ''),
    ('INIT-14 INIT-18', 'PCI', 'r status 0xb\n', 'r status 3\n'),
    ('INIT-12 INIT-15', 'MMIO', 'w status 0xb', 'w queue_sel 0\nr queue_max 1024\nw status 0xb'),
    ('INIT-15 INIT-16', 'MMIO', 'w status 0xf', 'w status 0xf\nw queue_size 64'),
    ('INIT-16', 'MMIO', 'w queue_enable 1\n', ''),
    ('INIT-15', 'PCI', 'w pci+4 6 2\n', ''),
    # features
    ('INIT-05 INIT-09', 'MMIO', 'w status 3\nw device_features_sel 0\nr device_features 0x30006e54',
     'w device_features_sel 0\nr device_features 0x30006e54\nw status 3'),
    ('INIT-13', 'MMIO', 'r status 0xb',
     'r status 0xb\nw driver_features_sel 0\nw driver_features 0'),
    ('MMIO-REG-12 PCI-COMMON-12', 'MMIO', 'w device_features_sel 1\n', ''),
    ('MMIO-REG-13 PCI-COMMON-12', 'PCI', 'w driver_features_sel 0\n', ''),
    ('MMIO-REG-24 PCI-COMMON-12', 'MMIO', 'w driver_features_sel 0\nw driver_features 0x30000a44',
     ''),
    ('LEGACY-MMIO-02 LEGACY-PCI-04', 'LEGACY', 'w driver_features_sel 0\n',
     'w driver_features_sel 1\nw driver_features 1\nw driver_features_sel 0\n'),
    ('FEAT-01', 'PCI', 'w driver_features 0x30000a44', 'w driver_features 0x30000a45'),
    ('FEAT-29', 'PCI_LEGACY', 'w driver_features 0x3', 'w driver_features 0x7'),
    ('FEAT-05 FEAT-06 FEAT-08', 'MMIO', 'w driver_features 0x30000a44',
     'w driver_features 0x30800a44'),
    ('FEAT-07', 'MMIO', 'w driver_features 1\n', 'w driver_features 0x21\n'),
    ('FEAT-12', 'MMIO', 'w driver_features 1\n', 'w driver_features 0\n'),
    ('FEAT-02', 'MMIO', 'w driver_features 1\n', 'w driver_features 0x100\n'),
    ('FEAT-28', 'LEGACY', 'w driver_features 0x38', 'w driver_features 0x30'),
    # queues
    ('MMIO-REG-25 PCI-COMMON-13', 'PCI', 'w queue_sel 0\n', ''),
    ('PCI-COMMON-18', 'PCI', 'w queue_sel 0', 'w queue_sel 1'),
    ('MMIO-REG-14', 'MMIO', 'w queue_size 128', 'w queue_size 2048'),
    ('MMIO-INIT-08 PCI-COMMON-14', 'PCI', 'r queue_size 256', 'r queue_size 0'),
    ('LEGACY-MMIO-15', 'LEGACY', 'r queue_max 1024', 'r queue_max 64'),
    ('PCI-COMMON-02', 'PCI', 'w queue_size 128', 'w queue_size 0'),
    ('PCI-COMMON-03 SPLIT-03', 'PCI', 'w queue_size 128', 'w queue_size 100'),
    ('MMIO-INIT-07', 'MMIO', 'r queue_enable 0\n', ''),
    ('MMIO-INIT-10 PCI-COMMON-04', 'MMIO', 'w queue_size 128\n', ''),
    ('MMIO-REG-27', 'MMIO', 'w device_hi 0\n', ''),
    ('MMIO-INIT-11 PCI-COMMON-04', 'PCI', 'w driver_hi 0\n', ''),
    ('MMIO-REG-15', 'MMIO', 'w queue_enable 1\n', 'w queue_enable 1\nw desc_lo 0x40005000\n'),
    ('PCI-COMMON-06', 'PCI', 'w queue_enable 1', 'w queue_enable 0\nw queue_enable 1'),
    ('SPLIT-01', 'MMIO', 'w desc_lo 0x40001000', 'w desc_lo 0x40001008'),
    ('PACK-01', 'PACKED', 'w driver_lo 0x40002000', 'w driver_lo 0x40002002'),
    ('SPLIT-03', 'PACKED', 'w driver_features 5', 'w driver_features 1'),
    ('LEGACY-MMIO-03', 'LEGACY', 'w page_size 4096\n', ''),
    ('LEGACY-MMIO-04', 'LEGACY', 'w page_size 4096', 'w page_size 4095'),
    ('LEGACY-MMIO-05 LEGACY-MMIO-12', 'LEGACY', 'r queue_pfn 0\n', ''),
    ('LEGACY-MMIO-06 LEGACY-MMIO-16', 'LEGACY', 'w queue_size 128\n', ''),
    ('LEGACY-MMIO-07', 'LEGACY', 'w queue_align 4096', 'w queue_align 4095'),
    # kicks
    ('INIT-19', 'MMIO', 'w status 0xf', 'w notify 0\nw status 0xf'),
    ('INIT-19', 'PCI_LEGACY', 'w status 7', 'w notify 0\nw status 7'),
    ('NOTIF-13 MMIO-NOTIF-01', 'MMIO', 'w notify 0', 'w notify 1'),
    ('NOTIF-13 MMIO-NOTIF-01', 'MMIO', 'w notify 0', 'w notify 0x10000'),
    ('PCI-NOTIF-03', 'PCI', 'w notify+4 0 2', 'w notify+4 0 4'),
    ('PCI-NOTIF-01', 'PCI', 'w notify+4 0 2', 'w notify+0 0 2'),
    ('PCI-NOTIF-05', 'PCI', 'w notify+4 0 2', 'w notify+4 1 2'),
    # interrupts
    ('MMIO-REG-19 MMIO-NOTIF-05', 'MMIO', 'w ack 1\n', ''),
    ('MMIO-NOTIF-03', 'MMIO', 'r cause 1\n', ''),
    ('MMIO-REG-20', 'MMIO', 'w ack 2', 'w ack 7'),
    ('MMIO-NOTIF-06 INIT-23', 'MMIO', 'r cause 0\nr status 0xf', 'r cause 0'),
    ('PCI-ISR-06', 'INTX', 'r status 0xf\n', ''),
    ('PCI-ISR-04', 'INTX', 'r cause 1\n', 'r cause 1\nr cause 0\n'),
    ('PCI-ISR-01', 'PCI', 'irq\n', 'irq\nr cause 1\n'),
    ('PCI-MSIX-01', 'PCI', 'w config_vector 0', 'w msix+0x18 0x52\nw config_vector 0'),
    ('PCI-MSIX-04', 'PCI', 'w queue_vector 1', 'w queue_vector 2'),
    ('PCI-MSIX-05', 'PCI', 'r queue_vector 1\n', ''),
    ('PCI-MSIX-05', 'PCI', 'r config_vector 0\n', ''),
    # device configuration
    ('INIT-11', 'MMIO', 'w status 3', 'w status 3\nw config+32 1 1'),
    ('CFG-01 MMIO-REG-05', 'MMIO', 'r config+4 0 4', 'r config+4 0 2'),
    ('CFG-01 PCI-LAYOUT-01', 'PCI', 'r config+0 0x800 4', 'r config+0 0x800 8'),
    ('CFG-02 MMIO-REG-28', 'MMIO', 'r generation 0\nw', 'w'),
    ('CFG-02 PCI-COMMON-17', 'PCI', 'r generation 0\nr config', 'r config'),
    ('CFG-03', 'MMIO', 'r config+4 0 4', 'r config+4 0 4\nr config+8 0 4'),
    ('CFG-07', 'LEGACY', 'r config+4 0 4\nw', 'w'),
    ('CFG-07', 'PCI_LEGACY', 'r config+0 0x800 4\nr config+4 0 4\nw',
     'r config+0 0x900 4\nr config+4 0 4\nw'),
    # the PCI_CFG window
    ('PCI-CFG-01 PCI-CFG-02', 'WINDOW', 'w pci+0x90 1 4\nr pci+0x94 0 1',
     'w pci+0x90 4 4\nw pci+0x8c 0x16 4\nr pci+0x94 0 4'),
    ('PCI-CFG-04', 'WINDOW', 'r pci+0x94 0 1', 'r pci+0x94 0 4'),
    ('PCI-CFG-05', 'WINDOW', 'w pci+0x8c 0x14 4\n', ''),
]


def judged(name, text):
    return oracle.check(s.log(TRANSPORT[name], text))


@pytest.mark.parametrize('name', TRANSPORT)
def test_a_good_driver_is_not_blamed(name):
    result = judged(name, getattr(s, name))
    assert result.findings == []
    assert len(result.driven()) == 1 and result.driven()[0].counts['kick']


@pytest.mark.parametrize('rows, name, old, new', BROKEN)
def test_a_broken_rule_is_found(rows, name, old, new):
    good = getattr(s, name)
    assert old in good, 'the case changes nothing'
    found = {row for f in judged(name, good.replace(old, new, 1)).findings
             for row in f.rows.split()}
    assert set(rows.split()) <= found


def test_an_empty_slot():
    empty = 'r empty.magic 0x74726976\nr empty.version 2\nr empty.device_id 0\n'
    assert judged('MMIO', s.MMIO + empty).findings == []
    found = judged('MMIO', s.MMIO + empty + 'r empty.vendor_id 0\n').findings
    assert [f.rows for f in found] == ['MMIO-INIT-03 MMIO-INIT-04']


def test_a_device_that_is_left_running():
    running = s.PCI[:s.PCI.rindex('w status 0')]
    assert judged('PCI', running).findings[0].text.startswith('the image ended')
    assert not oracle.check(s.log('pci', running), ended=False).findings


def test_each_rule_has_a_case():
    """Each finding of rules.py has a case above that causes it."""
    with open(os.path.join(os.path.dirname(oracle.__file__), 'rules.py')) as f:
        in_source = set(re.findall(r'\b[A-Z]+(?:-[A-Z]+)*-\d\d\b', f.read()))
    in_cases = {row for rows, *_ in BROKEN for row in rows.split()}
    assert in_source - in_cases <= ALTERNATIVES


# Rows that stand beside another one in the same finding, for the other transports or rings.
ALTERNATIVES = {'PCI-NOTIF-02', 'PCI-NOTIF-04'}
