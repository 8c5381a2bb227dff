"""QEMU as a judge: proves from its trace of register accesses that the drivers keep to the order
and the content that virtio 1.4 demands. `check` is a pure function of the log.
"""
from oracle.rules import Device
from oracle.trace import Resolver, accesses

GIC_CPU, GIC_ACKNOWLEDGE = 'gic_cpu', 0x0c


class Judged:
    """The outcome: findings, and the devices by (bus, place)."""

    def __init__(self):
        self.devices = {}
        self.resolver = Resolver()
        self.interrupt = 0

    def device(self, key):
        if key not in self.devices:
            self.devices[key] = Device(key, self.resolver.functions.get(key[1]))
        return self.devices[key]

    @property
    def findings(self):
        return sorted((f for d in self.devices.values() for f in d.findings),
                      key=lambda f: f.line)

    def driven(self):
        """The devices that were made ready, in order of their place."""
        return [d for _, d in sorted(self.devices.items()) if d.counts['ready']]


def check(lines, ended=True):
    """Judges a log. ended: the image has shut down by itself, so its devices must be reset."""
    judged = Judged()
    for access in accesses(lines):
        if access.region == GIC_CPU and access.addr & 0xff == GIC_ACKNOWLEDGE:
            judged.interrupt += 1
            continue
        key, event = judged.resolver.resolve(access)
        if key:
            device = judged.device(key)
            if access.region == 'virtio-pci':
                device.header_used = True
            device.see(event, judged.interrupt)
    for device in judged.devices.values():
        device.finish(ended)
    return judged
