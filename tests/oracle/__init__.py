# SPDX-License-Identifier: BSD-2-Clause
"""The oracle: proves from QEMU's trace of register accesses that the drivers keep to the order and
the content that virtio 1.4 demands. check() is a pure function of the log.
"""
from oracle.rules import Device
from oracle.trace import Resolver, accesses

GIC_CPU, GIC_ACKNOWLEDGE, GIC_END = 'gic_cpu', 0x0c, 0x10      # GICv2; GICv3 has no registers here


class Judged:
    """The outcome: findings, and the devices by (bus, slot or function)."""

    def __init__(self):
        self.devices = {}
        self.resolver = Resolver()
        self.interrupt = 0              # number of interrupts so far
        self.handling = False           # an interrupt was acknowledged and has not ended

    def interrupts(self, access):
        if access.addr & 0xff == GIC_ACKNOWLEDGE:
            self.interrupt += 1
        if access.addr & 0xff in (GIC_ACKNOWLEDGE, GIC_END):
            self.handling = access.op == 'r'

    def device(self, key):
        if key not in self.devices:
            self.devices[key] = Device(key, self.resolver.functions.get(key[1]))
        return self.devices[key]

    @property
    def findings(self):
        return sorted((f for d in self.devices.values() for f in d.findings),
                      key=lambda f: f.line)

    def driven(self):
        """The devices that were made ready, in order of bus and slot."""
        return [d for _, d in sorted(self.devices.items()) if d.counts['ready']]


def check(lines, ended=True):
    """Judges the lines of a log. ended: the image has ended by itself, so its devices must be
    reset."""
    judged = Judged()
    for access in accesses(lines):
        if access.region == GIC_CPU:
            judged.interrupts(access)
            continue
        key, event = judged.resolver.resolve(access)
        if key:
            device = judged.device(key)
            if access.region == 'virtio-pci':
                device.header_used = True
            device.see(event, judged.interrupt if judged.handling else None)
    for device in judged.devices.values():
        device.finish(ended)
    return judged
