# SPDX-License-Identifier: BSD-2-Clause
"""The rules of virtio 1.4 on order and content of register accesses, for one device.

A Device sees its driver's events one by one, and keeps the state that follows from them: status,
selectors, features, queues. Each finding names the requirements
(tests/conformance/requirements.csv) that the event breaks. Rules use the names of registers, which
all transports share.
"""
from collections import namedtuple

from oracle import registers as r

Finding = namedtuple('Finding', 'rows device line text')

RESET, UNKNOWN = 'reset', 'unknown'

# The bits that a driver sets in the status register after a reset, in this order; by `legacy`.
STEPS = {False: [r.ACKNOWLEDGE, r.DRIVER, r.FEATURES_OK, r.DRIVER_OK],
         True: [r.ACKNOWLEDGE, r.DRIVER, r.DRIVER_OK]}


class Queue:
    def __init__(self, index):
        self.index = index
        self.max = None
        self.size = None
        self.checked = False            # the driver has read that the queue is not in use
        self.enabled = False
        self.offset = None              # PCI: queue_notify_off
        self.align = None               # legacy mmio
        self.parts = {}                 # name -> value of the address registers

    def address(self, part):
        return self.parts.get(part + '_lo', 0) | self.parts.get(part + '_hi', 0) << 32


class Device:
    def __init__(self, key, function=None):
        self.key = key
        self.function = function        # of a PCI device
        self.name = f'{key[0]} {key[1]:#x}' if key[0] == 'mmio' else f'{key[0]} {key[1]}'
        self.findings = []
        self.line = 0
        self.type = None
        self.version = None             # of an mmio slot
        self.probe = []                 # the first registers of an mmio slot
        self.status = UNKNOWN
        self.forget()
        self.counts = {'kick': 0, 'cause': 0, 'ack': 0, 'reset': 0, 'config': 0, 'ready': 0}

    def forget(self):
        """A reset: all state of the driver's set-up is void."""
        self.offered, self.accepted = {}, {}
        self.read_sel = self.write_sel = self.queue_sel = None
        self.queues = {}
        self.num_queues = None
        self.features_read_back = False
        self.refused = False
        self.page_size = None
        self.shown = 0                  # causes that were read and not acknowledged yet
        self.config_cause = None        # line of a configuration change not looked at yet
        self.bracket = None             # the generation that was read last
        self.pending = False            # config reads after it
        self.run = []                   # legacy: (offset, value) of config reads in a row
        self.vector_written = None

    def bad(self, rows, text):
        self.findings.append(Finding(rows, self.name, self.line, text))

    # ---- what kind of device ---------------------------------------------------------------------

    @property
    def is_pci(self):
        return self.key[0] == 'pci'

    @property
    def legacy(self):
        """True if the rules of before 1.0 apply: an mmio slot of version 1, or a PCI device whose
        legacy header is used."""
        if not self.is_pci:
            return self.version == 1
        return self.header_used

    header_used = False             # a legacy header was accessed
    last_queues = {}                # its queues when the device was live last

    def has(self, bit):
        return bool(self.accepted.get(bit // 32, 0) >> bit % 32 & 1)

    def offers(self, bit):
        return bool(self.offered.get(bit // 32, 0) >> bit % 32 & 1)

    @property
    def phase(self):
        return self.status if isinstance(self.status, int) else 0

    @property
    def live(self):
        return bool(self.phase & r.DRIVER_OK)

    # ---- events ----------------------------------------------------------------------------------

    def see(self, event, interrupt=None):
        """One access; `interrupt` numbers the interrupt that is being handled, if known."""
        self.line = event.line
        self.interrupt = interrupt
        if event.area == 'pci':
            self.config_space(event)
        elif event.area == 'msix':
            self.msix_table(event)
        elif event.area == 'config':
            self.before(event, 'config')
            self.device_config(event)
        elif event.reg is None:
            row = {'registers': 'LEGACY-MMIO-18' if self.legacy else 'MMIO-REG-01',
                   'nowhere': 'PCI-CAP-11'}[event.area]
            self.bad(row, f'{word(event.op)} at {event.offset:#x}, where there is no register')
        else:
            self.register(event)

    def register(self, event):
        name, op = event.reg.name, event.op
        if event.size != event.reg.size and name != 'notify':
            self.bad('PCI-LAYOUT-01' if self.is_pci else 'MMIO-REG-04',
                     f'{name} is {event.reg.size} bytes wide, {word(op)} with {event.size}')
        if op not in event.reg.access:
            rows = 'PCI-COMMON-01' if self.is_pci else \
                'MMIO-REG-03' if op == 'r' else 'MMIO-REG-02'
            self.bad(rows, f'{word(op)} of {name}')
            return
        self.before(event, name)
        if name in r.PER_QUEUE:
            self.queue_register(name, event)
            return
        handler = getattr(self, f'{op}_{name}', None)
        if handler:
            handler(event.value if name != 'notify' else event)

    def before(self, event, name):
        """Rules for any access: the probe, the reset, steps that must come next."""
        if not self.is_pci:
            self.check_probe(name, event)
        if self.status == RESET and name != 'status':
            self.bad('RST-01 PCI-COMMON-05', f'{name} before the reset read back 0')
            self.status = 0
        if self.phase & r.FEATURES_OK and not self.features_read_back and name != 'status' \
                and not self.legacy:
            self.bad('INIT-14', f'{name} before FEATURES_OK was read back')
            self.features_read_back = True
        if self.refused and name != 'status':
            self.bad('INIT-14 INIT-18', f'{name}, although the device refused the features')
            self.refused = False
        if self.vector_written and name != self.vector_written[0]:
            self.bad('PCI-MSIX-05', f'{self.vector_written[0]} was not read back')
            self.vector_written = None
        if name not in ('config', 'generation', 'cause', 'ack', 'notify'):
            self.close_config()

    def check_probe(self, name, event):
        """Section 4.2.3.1: magic, version, type; then nothing if there is no device."""
        if len(self.probe) < 3:
            wanted = ('magic', 'version', 'device_id')[len(self.probe)]
            if name != wanted or event.op != 'r':
                self.bad('MMIO-INIT-01 MMIO-INIT-02', f'{name} before {wanted} was read')
                self.probe += [(w, None) for w in ('magic', 'version', 'device_id')]
                return
            if self.probe and self.probe[0][1] != 0x74726976:
                self.bad('MMIO-REG-06', 'a slot with a wrong magic value is read further')
            self.probe.append((name, event.value))
            self.version = event.value if name == 'version' else self.version
            self.type = event.value if name == 'device_id' else self.type
        elif self.probe[2][1] == 0:
            self.bad('MMIO-INIT-03 MMIO-INIT-04', f'{word(event.op)} of {name} in an empty slot')
        elif self.version not in (1, 2) and self.version is not None:
            self.bad('MMIO-REG-08', f'a device of version {self.version} is driven')

    # ---- status (sections 2.1, 3.1) --------------------------------------------------------------

    def w_status(self, value):
        before = self.status
        if value == 0:
            self.end_of_life()
            self.status = RESET
            return
        if before in (UNKNOWN, RESET):
            self.bad('INIT-05 INIT-06' if before == UNKNOWN else 'RST-01 PCI-COMMON-05',
                     f'status {value:#x} without a reset that read back 0')
            self.status = before = 0
        if before & ~value:
            self.bad('INIT-02', f'status {value:#x} clears bits of {before:#x}')
        if before & r.FAILED:
            self.bad('INIT-03', f'status {value:#x} after FAILED, without a reset')
        new = value & ~before
        if not new & r.FAILED:
            self.check_step(before, new, value)
        self.status = value

    def check_step(self, before, new, value):
        steps = STEPS[self.legacy]
        done = [s for s in steps if before & s]
        wanted = steps[len(done)] if len(done) < len(steps) else None
        if new != wanted:
            rows = 'LEGACY-INIT-01' if self.legacy and new & r.FEATURES_OK else \
                'INIT-01 INIT-05 INIT-07 INIT-08'
            self.bad(rows, f'status {value:#x} after {before:#x}: the next step is '
                           f'{wanted:#x}' if wanted else f'status {value:#x} after all steps')
        if new & r.FEATURES_OK or (self.legacy and new & r.DRIVER_OK):
            self.check_features()
            self.features_read_back = self.refused = False
        if new & r.DRIVER_OK:
            self.check_ready()

    def r_status(self, value):
        if self.status == RESET:
            if value == 0:
                self.status = 0
                self.counts['reset'] += 1
            return
        if self.phase & r.FEATURES_OK and not self.features_read_back:
            self.features_read_back = True
            self.refused = not value & r.FEATURES_OK
        self.config_cause = None

    def end_of_life(self):
        self.close_config()
        self.last_queues = self.queues if self.live else self.last_queues
        if self.config_cause:
            self.bad('MMIO-NOTIF-06 PCI-ISR-06 INIT-23',
                     f'nobody looked at the configuration change of line {self.config_cause}')
        self.forget()

    def finish(self, ended):
        """The end of the trace. ended: the image has shut down, and its devices with it."""
        self.close_config()
        if self.status == RESET:
            self.bad('RST-01 PCI-COMMON-05', 'the trace ends before the reset read back 0')
        elif ended and self.live:
            self.bad('', 'the image ended and left the device running')

    # ---- features (sections 2.2, 6) --------------------------------------------------------------

    def in_negotiation(self, what):
        if not self.phase & r.DRIVER or self.phase & r.FEATURES_OK or self.live:
            rows = 'INIT-13' if self.phase & (r.FEATURES_OK | r.DRIVER_OK) else 'INIT-05 INIT-09'
            self.bad(rows, f'{what} in status {self.phase:#x}')

    def w_device_features_sel(self, value):
        self.read_sel = value

    def w_driver_features_sel(self, value):
        self.write_sel = value

    def word(self, selected, rows, what):
        """The word that a selector chose; a selector counts once."""
        if self.is_pci and self.legacy:
            return 0
        if selected is None:
            self.bad(rows, f'{what} without a selector before it')
        return selected

    def r_device_features(self, value):
        which = self.word(self.read_sel, 'MMIO-REG-12 PCI-COMMON-12', 'device features')
        self.read_sel = None
        if not self.phase & r.DRIVER:
            self.bad('INIT-05 INIT-09', f'features are read in status {self.phase:#x}')
        if which is not None:
            self.offered[which] = value

    def w_driver_features(self, value):
        which = self.word(self.write_sel, 'MMIO-REG-13 PCI-COMMON-12', 'driver features')
        self.write_sel = None
        self.in_negotiation('features are written')
        if which is not None:
            self.accepted[which] = value

    def check_features(self):
        words = {0} if self.legacy else {0, 1}
        if not words <= set(self.offered) or not words <= set(self.accepted):
            self.bad('MMIO-REG-24 PCI-COMMON-12 INIT-09',
                     f'feature words read: {sorted(self.offered)}, written: '
                     f'{sorted(self.accepted)}')
        if self.legacy and any(v for w, v in self.accepted.items() if w):
            self.bad('LEGACY-MMIO-02 LEGACY-PCI-04', 'a legacy device was given bits above 31')
        bits = {32 * w + b for w, v in self.accepted.items() for b in range(32) if v >> b & 1}
        wrong = [b for b in bits if not self.offers(b)]
        if wrong:
            self.bad('FEAT-01', f'accepted, but not offered: {sorted(wrong)}')
        self.check_kinds_of_bits(bits)
        self.check_needed_bits(bits)

    def check_kinds_of_bits(self, bits):
        if r.BAD_FEATURE in bits:
            self.bad('FEAT-29', 'bit 30 was accepted')
        unknown = [b for b in bits - r.COMMON_BITS - {r.BAD_FEATURE}
                   if b not in r.TYPE_BITS.get(self.type, bits)]
        if unknown:
            self.bad('FEAT-05 FEAT-06 FEAT-08', f'not bits of this device type: {sorted(unknown)}')
        if not self.is_pci and bits & r.PCI_ONLY:
            self.bad('FEAT-07', f'bits of PCI on mmio: {sorted(bits & r.PCI_ONLY)}')

    def check_needed_bits(self, bits):
        if not self.legacy and self.offers(r.VERSION_1) and r.VERSION_1 not in bits:
            self.bad('FEAT-12', 'VERSION_1 was offered and not accepted')
        if self.legacy and self.offers(r.ANY_LAYOUT) and r.ANY_LAYOUT not in bits:
            self.bad('FEAT-28', 'ANY_LAYOUT was offered and not accepted')
        modern = {b for b in bits & r.COMMON_BITS if b > r.VERSION_1}
        if modern and r.VERSION_1 not in bits:
            self.bad('FEAT-02', f'without VERSION_1: {sorted(modern)}')

    # ---- queues ----------------------------------------------------------------------------------

    def w_queue_sel(self, value):
        self.queue_sel = value
        if self.num_queues is not None and value >= self.num_queues:
            self.bad('PCI-COMMON-18', f'queue {value} of {self.num_queues} is selected')

    def r_num_queues(self, value):
        self.num_queues = value

    def w_page_size(self, value):
        self.page_size = value
        if value & (value - 1) or not value:
            self.bad('LEGACY-MMIO-04', f'a page size of {value}')

    def queue_register(self, name, event):
        ready = r.DRIVER if self.legacy else r.FEATURES_OK
        if not self.phase & ready:
            self.bad('INIT-12 INIT-15', f'{name} in status {self.phase:#x}')
        if self.live and event.op == 'w' and not self.has(r.RING_RESET):
            self.bad('INIT-15 INIT-16', f'{name} is written after DRIVER_OK')
        if self.queue_sel is None:
            self.bad('MMIO-REG-25 PCI-COMMON-13', f'{name} with no queue selected')
            return
        q = self.queues.setdefault(self.queue_sel, Queue(self.queue_sel))
        if event.op == 'w' and q.enabled and name != 'queue_reset' and \
                name != ('queue_enable' if not self.is_pci else None) and name != 'queue_pfn':
            self.bad('MMIO-REG-15', f'{name} of queue {q.index}, which is enabled')
        if name in r.ADDRESSES:
            q.parts[name] = event.value
            return
        handler = getattr(self, f'{event.op}_{name}', None)
        if handler:
            handler(q, event.value)

    def r_queue_max(self, q, value):
        if self.legacy and not self.is_pci and not q.checked:
            self.bad('LEGACY-MMIO-05 LEGACY-MMIO-12',
                     f'the size of queue {q.index} before its page number was read as 0')
        q.max = value
        if self.is_pci:
            q.size = value              # legacy PCI: the device decides

    def r_queue_size(self, q, value):
        if q.size is None:
            q.max = value

    def w_queue_size(self, q, value):
        q.size = value
        if q.max is None or value > q.max or q.max == 0:
            self.bad('MMIO-REG-14 MMIO-INIT-08 PCI-COMMON-14 LEGACY-MMIO-15',
                     f'size {value} of queue {q.index}, whose maximum is {q.max}')
        if value == 0:
            self.bad('PCI-COMMON-02', f'size 0 of queue {q.index}')
        elif value & (value - 1) and not self.has(r.PACKED):
            self.bad('PCI-COMMON-03 SPLIT-03',
                     f'size {value} of queue {q.index}, no power of two')

    def w_queue_align(self, q, value):
        q.align = value
        if value & (value - 1) or not value:
            self.bad('LEGACY-MMIO-07', f'an alignment of {value}')

    def r_queue_enable(self, q, value):
        if not q.enabled:
            q.checked = value == 0

    def w_queue_enable(self, q, value):
        if value == 0:
            if self.is_pci:
                self.bad('PCI-COMMON-06', f'0 is written to queue_enable of queue {q.index}')
            q.enabled = False
            return
        if not q.checked:
            self.bad('MMIO-INIT-07', f'queue {q.index} is enabled before it was read as unused')
        if q.size is None:
            self.bad('MMIO-INIT-10 PCI-COMMON-04', f'queue {q.index} is enabled without a size')
        missing = [a for a in r.ADDRESSES if a not in q.parts]
        if missing:
            self.bad('MMIO-REG-27 MMIO-INIT-11 PCI-COMMON-04',
                     f'queue {q.index} is enabled without {", ".join(missing)}')
        self.check_alignment(q)
        q.enabled = True

    def check_alignment(self, q):
        """Sections 2.7 and 2.8.10.1"""
        wanted = (16, 4, 4) if self.has(r.PACKED) else (16, 2, 4)
        for part, align in zip(('desc', 'driver', 'device'), wanted):
            if q.address(part) % align:
                self.bad('SPLIT-01 PACK-01', f'the {part} area of queue {q.index} at '
                                             f'{q.address(part):#x} is not aligned to {align}')

    def r_queue_pfn(self, q, value):
        if not q.enabled:
            q.checked = value == 0

    def w_queue_pfn(self, q, value):
        if value == 0:
            q.enabled = False
            return
        if not self.is_pci and self.page_size is None:
            self.bad('LEGACY-MMIO-03', f'the page of queue {q.index} before the page size')
        if not self.is_pci and not q.checked:
            self.bad('LEGACY-MMIO-12', f'the page of queue {q.index} was not looked at before')
        if not self.is_pci and (q.size is None or q.align is None):
            self.bad('LEGACY-MMIO-06 LEGACY-MMIO-16',
                     f'the page of queue {q.index} before its size and alignment')
        q.parts['desc_lo'] = value * (self.page_size or 4096) & 0xffffffff
        q.parts['desc_hi'] = value * (self.page_size or 4096) >> 32
        q.enabled = True

    def r_notify_off(self, q, value):
        q.offset = value

    def w_queue_vector(self, q, value):
        self.new_vector('queue_vector', value)

    def r_queue_vector(self, q, value):
        self.read_vector('queue_vector', value)

    def check_ready(self):
        self.counts['ready'] += 1
        if not any(q.enabled for q in self.queues.values()):
            self.bad('INIT-16', 'DRIVER_OK with no queue enabled')
        if self.is_pci and not (self.function.get(4, 2) or 0) & 4:
            self.bad('INIT-15', 'DRIVER_OK while the function may not reach memory')

    # ---- kicks (sections 2.9, 4.1.5.2, 4.2.3.3) --------------------------------------------------

    def w_notify(self, event):
        self.counts['kick'] += 1
        index = event.value & 0xffff
        if not self.live:
            self.bad('INIT-19', f'queue {index} is kicked in status {self.phase:#x}')
        width = 4 if not self.is_pci or self.has(r.NOTIFICATION_DATA) else 2
        if event.size != width:
            self.bad('PCI-NOTIF-03 PCI-NOTIF-04' if self.is_pci else 'MMIO-REG-04',
                     f'a kick of {event.size} bytes, not {width}')
        q = self.queues.get(index)
        if event.value >> 16 and not self.has(r.NOTIFICATION_DATA):
            self.bad('NOTIF-13 MMIO-NOTIF-01 PCI-NOTIF-05', f'a kick with {event.value:#x}')
        elif not q or not q.enabled:
            self.bad('NOTIF-13 MMIO-NOTIF-01 PCI-NOTIF-05', f'queue {index} is kicked, which is '
                                                            'not enabled')
        elif event.area == 'notify':
            wanted = (q.offset or 0) * (self.function.multiplier() or 0)
            if q.offset is None or event.offset != wanted:
                self.bad('PCI-NOTIF-01 PCI-NOTIF-02',
                         f'the kick of queue {index} at {event.offset:#x}, not {wanted:#x}')

    # ---- interrupts (sections 4.1.4.5, 4.1.5.3, 4.2.3.4) -----------------------------------------

    last_interrupt = None

    def r_cause(self, value):
        self.counts['cause'] += 1
        known = value & 3
        if self.is_pci:
            self.check_isr()
        elif self.shown:
            self.bad('MMIO-REG-19 MMIO-NOTIF-05', f'{self.shown:#x} was shown and never '
                                                  'acknowledged')
        self.shown = known if not self.is_pci else 0
        if known & 2 and self.live:
            self.config_cause = self.line

    def check_isr(self):
        msix = self.function.msix()
        if msix and msix[0]:
            self.bad('PCI-ISR-01', 'the ISR is read although MSI-X is on')
        if self.interrupt is not None and self.interrupt == self.last_interrupt:
            self.bad('PCI-ISR-04', 'the ISR is read twice in one interrupt')
        self.last_interrupt = self.interrupt

    def w_ack(self, value):
        self.counts['ack'] += 1
        if value & ~3 or not value:
            self.bad('MMIO-REG-20', f'{value:#x} is acknowledged')
        if value & 3 & ~self.shown:
            self.bad('MMIO-REG-19 MMIO-NOTIF-03',
                     f'{value:#x} is acknowledged, {self.shown:#x} was shown')
        self.shown &= ~value

    # ---- MSI-X (section 4.1.5.1.2) ---------------------------------------------------------------

    def new_vector(self, name, value):
        msix = self.function.msix()
        if value != 0xffff and (not msix or value >= msix[1]):
            self.bad('PCI-MSIX-04', f'{name} {value}, of a table of {msix[1] if msix else 0}')
        self.vector_written = (name, value)

    def read_vector(self, name, value):
        self.vector_written = None

    def w_config_vector(self, value):
        self.new_vector('config_vector', value)

    def r_config_vector(self, value):
        self.read_vector('config_vector', value)

    masked = None

    def msix_table(self, event):
        """An entry is changed only while it is masked, or MSI-X is off."""
        self.masked = self.masked if self.masked is not None else {}
        entry, word_ = divmod(event.offset, 16)
        if event.op != 'w':
            return
        if word_ == 12:
            self.masked[entry] = bool(event.value & 1)
        elif not self.masked.get(entry, True) and self.function.msix()[0]:
            self.bad('PCI-MSIX-01', f'MSI-X entry {entry} is changed while it is in use')

    # ---- device configuration (section 2.5) ------------------------------------------------------

    def r_generation(self, value):
        self.bracket, self.pending = value, False

    def device_config(self, event):
        self.counts['config'] += 1
        self.check_field(event)
        if event.op == 'w':
            if not self.phase & (r.DRIVER if self.legacy else r.FEATURES_OK):
                self.bad('INIT-11', 'the configuration is written before the features are settled')
            self.close_config()
            return
        if self.legacy:
            self.run.append((event.offset, event.value))
            return
        if self.bracket is None:
            self.bad('CFG-02 MMIO-REG-28 PCI-COMMON-17',
                     'the configuration is read without the generation before it')
        self.pending = True

    def check_field(self, event):
        fields = r.CONFIG.get(self.type)
        if fields is None:
            return
        width, bit = fields.get(event.offset, (None, None))
        if width is None or width != event.size:
            self.bad('MMIO-REG-05 PCI-LAYOUT-01 CFG-01',
                     f'{event.size} bytes at {event.offset} of the configuration')
        if bit is not None and self.offered and not self.offers(bit):
            self.bad('CFG-03', f'the field at {event.offset} needs feature {bit}, not offered')

    def close_config(self):
        """Another access comes: the config reads before must have been confirmed."""
        if self.pending:
            self.bad('CFG-02 MMIO-REG-28 PCI-COMMON-17',
                     'the configuration was read without the generation after it')
        for offset in {o for o, _ in self.run}:
            values = [v for o, v in self.run if o == offset]
            if len(values) < 2 or values[-1] != values[-2]:
                self.bad('CFG-07', f'no two readings in a row of the configuration at {offset} '
                                   'agree')
        self.bracket, self.pending, self.run = None, False, []

    # ---- PCI configuration space (sections 4.1.4, 4.1.4.9) ---------------------------------------

    def config_space(self, event):
        f = self.function
        self.type = f.device_type() if self.type is None else self.type
        if not f.virtio():
            return
        for at in f.capabilities(f.VENDOR):
            length, kind = f.get(at + 2, 1) or 16, f.get(at + 3, 1)
            inside = at <= event.offset < at + length
            if inside and kind == f.WINDOW and event.offset >= at + 16:
                self.window_data(at, event)
            elif inside and event.op == 'w' and kind != f.WINDOW:
                self.bad('PCI-CAP-08', f'the capability at {at:#x} is written')

    def window_data(self, at, event):
        bar, offset, length = (self.function.get(at + o, n) for o, n in ((4, 1), (8, 4), (12, 4)))
        if None in (bar, offset, length):
            self.bad('PCI-CFG-05', 'the window is used before it is programmed')
        elif length not in (1, 2, 4) or length != event.size:
            self.bad('PCI-CFG-04', f'{event.size} bytes through a window of {length}')
        elif offset % length:
            self.bad('PCI-CFG-01 PCI-CFG-02', f'a window of {length} bytes at {offset:#x}')


def word(op):
    return 'read' if op == 'r' else 'write'
