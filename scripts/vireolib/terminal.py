# SPDX-License-Identifier: BSD-2-Clause
"""`vireo run`: an image on this terminal. The exit status is the image's own; what fails before the
image runs, and the end of QEMU by a signal, have a status of their own.
"""
import os
import signal
import subprocess
import sys
import threading

from vireolib import symbolize
from vireolib.guest import TERMINATED
from vireolib.machine import Unusable, named

EXIT_CANNOT = 125       # the image could not be started

KEPT = 65536            # bytes of serial output that are kept, for the back trace in them

ADVICE = (
    ('Failed to get "write" lock', lambda: 'another QEMU has this disk open; end it, or attach '
                                           'the disk read-only in both with ,ro'),
    ('Failed to get shared "write" lock', lambda: 'another QEMU writes to this disk; end it '
                                                  'first'),
    ('Not enough space for DTB', lambda: 'the image needs more memory: raise ' + named('--mem')),
    ('is too large to fit in RAM', lambda: 'the image needs more memory: raise ' + named('--mem')),
    ('could not load initrd', lambda: 'the initrd does not fit into memory: raise ' +
                                      named('--mem')),
    ('cannot set up guest memory', lambda: 'this machine has not that much memory: lower ' +
                                           named('--mem')),
    ('max CPUs supported by machine', lambda: 'an image uses one CPU; lower ' + named('--smp')),
    ('virtio_address_space_lookup: Assertion',
     lambda: 'this QEMU has no way to PCI registers through configuration space: leave out '
             'vireo.pci.window=1'),
    ('could not open /dev/net/tun', lambda: 'tap networks need root, or a tap made for this user'),
)


def say(text):
    print(f'vireo: {text}', flush=True)


def complain(text):
    print(f'vireo: {text}', file=sys.stderr, flush=True)


class Copy:
    """The end of what the image writes on the serial line, which itself is this terminal: QEMU
    writes it into a pipe as well."""

    def __init__(self, machine):
        self.text = b''
        self._ends = None
        if machine.serial == 'stdio' and os.path.isdir('/proc/self/fd'):
            self._ends = os.pipe()
            machine.serial_log = f'/proc/self/fd/{self._ends[1]}'
        self._reader = threading.Thread(target=self._read, daemon=True)

    def passed(self):
        """The descriptors that QEMU inherits."""
        return self._ends[1:] if self._ends else ()

    def start(self):
        if self._ends:
            os.close(self._ends[1])
            self._reader.start()

    def _read(self):
        while data := os.read(self._ends[0], 65536):
            self.text = (self.text + data)[-KEPT:]

    def finish(self):
        if self._ends:
            self._reader.join(5)


def run(machine):
    """Boots on this terminal; the image's exit status, or EXIT_CANNOT after a message."""
    for forward in machine.forwards:
        say(str(forward))
    if machine.gdb:
        say(f'waiting for a debugger: {symbolize.gdb_command(machine.image, machine.gdb)}')
    copy = Copy(machine)
    process = subprocess.Popen(machine.command(), stderr=subprocess.PIPE, text=True,
                               errors='replace', pass_fds=copy.passed())
    copy.start()
    # Signals are passed on to QEMU (Ctrl-C on a terminal reaches it anyway); this program then ends
    # after QEMU.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: process.send_signal(n))
    told = []
    reader = threading.Thread(target=pass_on, args=(process.stderr, told), daemon=True)
    reader.start()
    status = process.wait()
    reader.join(5)
    copy.finish()
    explain(machine, copy.text.decode('utf-8', 'replace'))
    return verdict(status, told, copy.text)


def verdict(status, told, serial):
    """The status to end with. `told`: QEMU's lines on stderr; `serial`: what the image printed."""
    ended = [int(match[1]) for match in map(TERMINATED.match, told) if match]
    if ended:                            # a server is meant to be ended with Ctrl-C
        return 0 if ended[0] == signal.SIGINT else 128 + ended[0]
    if status < 0:
        complain(f'QEMU was ended by {signal.Signals(-status).name}; the image had no say in it')
        return EXIT_CANNOT
    if status == 1 and not serial and any(map(is_error, told)):
        complain('QEMU could not start the image, for the reason above')
        return EXIT_CANNOT
    if status == EXIT_CANNOT:
        complain(f'{EXIT_CANNOT} is the status that the image ended with')
    return status


def is_error(line):
    """Is that line of QEMU's stderr more than a warning?"""
    return line.startswith('qemu-system-') and ': warning: ' not in line and ': info: ' not in line


def pass_on(stream, told):
    """Copies QEMU's stderr, and adds what to do to the lines of ADVICE."""
    for line in stream:
        told.append(line)
        if TERMINATED.match(line):
            continue
        sys.stderr.write(line)
        for words, advice in ADVICE:
            if words in line:
                sys.stderr.write(f'vireo: {advice()}\n')
        sys.stderr.flush()


def explain(machine, serial):
    """Repeats the back trace that the image printed, with files and lines, if there is an ELF file
    of the image beside it."""
    trace = symbolize.trace_of(serial)
    elf = symbolize.elf_of(machine.image)
    if not trace or not elf:
        return
    try:
        lines = symbolize.lines_of(elf, trace)
    except Unusable as e:
        complain(f'no files and lines: {e}')
        return
    complain('the back trace with files and lines:')
    for line in lines:
        print(line, file=sys.stderr, flush=True)
