# SPDX-License-Identifier: BSD-2-Clause
"""The command line of scripts/vireo."""
import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import threading

from vireolib import images
from vireolib import machine as m
from vireolib.guest import Guest, Lost, TERMINATED

EXIT_CANNOT = 125       # `vireo run` could not start the image (its own status goes up to 255)

RUN_HELP = """\
Boots IMAGE with the serial line on this terminal; Ctrl-C ends it. The exit status is the image's
own, or 125 when it could not be started. The variable QEMU names another QEMU.

examples:
  vireo run build/aarch64/hello.img
  vireo run build/aarch64/httpd.img --disk build/site.img,ro --forward auto:80
  vireo run build/aarch64/httpd.img --transport pci --gic 3 --append vireo.poll=1 --pcap net.pcap
  vireo run build/aarch64/hello.img --print -- -machine highmem=off
"""
SMOKE_HELP = """\
Boots IMAGE and waits for a serial line that holds REGEX. The exit status is 0 when the line came;
otherwise, or when the image ended before, it is 1, and the serial log is printed.

example:
  vireo smoke build/aarch64/httpd.img --disk build/site.img,ro --expect '^vireo: ready' --timeout 10
"""


def version():
    """Of the tree that this file lies in: its images print the same."""
    with open(os.path.join(images.TREE, 'VERSION')) as f:
        return f.read().strip()


def parser():
    top = argparse.ArgumentParser(prog='vireo', description='Runs Vireo images under QEMU.')
    top.add_argument('--version', action='version', version=f'vireo {version()}')
    commands = top.add_subparsers(dest='command', required=True, metavar='run|smoke')
    for name, text, about in (('run', 'boot an image', RUN_HELP),
                              ('smoke', 'boot it and wait for a line', SMOKE_HELP)):
        sub = commands.add_parser(name, help=text, epilog=about,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        machine_options(sub)
        if name == 'smoke':
            sub.add_argument('--expect', required=True, metavar='REGEX',
                             help='what a serial line must hold')
            sub.add_argument('--timeout', type=float, default=30, metavar='S',
                             help='seconds to wait for it (30)')
        else:
            sub.add_argument('--gdb', nargs='?', type=int, const=1234, default=0, metavar='PORT',
                             help='wait for a debugger on that port (1234)')
        sub.add_argument('--print', action='store_true', dest='show',
                         help='show the QEMU command and stop')
    return top


def machine_options(sub):
    add = sub.add_argument
    add('image', metavar='IMAGE', help='an arm64 Image or a uImage (APP.img), or an ELF file')
    add('--transport', default='mmio', choices=m.TRANSPORTS,
        help='how virtio devices are attached (mmio); pci: with modern registers only')
    add('--gic', default='2', choices=m.GICS, help='version of the interrupt controller (2)')
    add('--cpu', default='', choices=m.CPUS, metavar='MODEL',
        help='cortex-a53, max ... (cortex-a72, or cortex-a15 for an image of 32-bit Arm)')
    add('--smp', default='1', metavar='N', help='CPUs; 1,maxcpus=2 is possible too (1)')
    add('--mem', default='64', metavar='SIZE', help='MiB, or with K, M or G (64)')
    add('--disk', action='append', default=[], metavar='FILE[,ro][,bs=N][,id=TEXT]',
        help='a virtio disk: read-only, of N-byte blocks, with that id; repeatable')
    add('--net', default='user', metavar='user|none|tap=NAME',
        help='what the network card is connected to (user)')
    add('--forward', action='append', default=[], metavar='HOST:GUEST',
        help='[udp:][ADDR:]PORT:PORT from this host to the image; the first may be `auto`, for '
             f'{m.AUTO_PORT} or the next free one; repeatable')
    add('--rng', action='store_true', help='an entropy device, fed by this host')
    add('--vsock', default='', metavar='CID|SOCKET',
        help='a socket device: with that CID, through /dev/vhost-vsock, or from the vhost-user '
             'back-end at that path')
    add('--balloon', action='store_true', help='a memory balloon; QMP: balloon, qom-get')
    add('--append', default='', metavar='TEXT', help='boot arguments')
    add('--initrd', default='', metavar='FILE', help='a file tree in memory')
    add('--pcap', default='', metavar='FILE', help='record the network traffic')
    add('--qmp', default='', metavar='SOCKET', help="make QEMU's control socket there")
    add('--icount', default='', metavar='SPEC', help='deterministic time, such as shift=0')
    add('--plugin', default='', metavar='FILE.so[,KEY=VALUE]', help='load a TCG plugin')


def machine_from(options, extra):
    return m.Machine(
        image=options.image, transport=options.transport, gic=options.gic, cpu=options.cpu,
        smp=options.smp, mem=options.mem, disks=[m.Disk.parse(d) for d in options.disk],
        net=options.net, forwards=[m.Forward.parse(f) for f in options.forward],
        rng=options.rng, append=options.append, initrd=options.initrd, pcap=options.pcap,
        qmp=options.qmp, icount=options.icount, plugin=options.plugin,
        gdb=getattr(options, 'gdb', 0), extra=extra)


def say(text):
    print(f'vireo: {text}', flush=True)


def run(machine):
    """Boots on this terminal; the image's exit status."""
    for forward in machine.forwards:
        say(str(forward))
    if machine.gdb:
        elf = os.path.splitext(machine.image)[0] + '.elf'
        say(f'waiting for a debugger: gdb-multiarch {elf} -ex "target remote :{machine.gdb}"')
    process = subprocess.Popen(machine.command(), stderr=subprocess.PIPE, text=True,
                               errors='replace')
    # Signals are passed on to QEMU (Ctrl-C on a terminal reaches it anyway); this program then ends
    # after QEMU.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: process.send_signal(n))
    told = []
    reader = threading.Thread(target=pass_on, args=(process.stderr, told), daemon=True)
    reader.start()
    status = process.wait()
    reader.join(5)
    ended = [int(match[1]) for match in map(TERMINATED.match, told) if match]
    if ended:                            # a server is meant to be ended with Ctrl-C
        return 0 if ended[0] == signal.SIGINT else 128 + ended[0]
    return status if status >= 0 else 128 - status


def pass_on(stream, told):
    """Copies QEMU's stderr, and adds what to do to the lines of ADVICE."""
    for line in stream:
        told.append(line)
        if TERMINATED.match(line):
            continue
        sys.stderr.write(line)
        for words, advice in ADVICE:
            if words in line:
                sys.stderr.write(f'vireo: {advice}\n')
        sys.stderr.flush()


ADVICE = (
    ('Failed to get "write" lock', 'another QEMU has this disk open; end it, or attach the disk '
                                   'read-only in both with ,ro'),
    ('Failed to get shared "write" lock', 'another QEMU writes to this disk; end it first'),
    ('Not enough space for DTB', 'the image needs more memory: raise --mem'),
    ('could not open /dev/net/tun', 'tap networks need root, or a tap made for this user'),
)


def smoke(machine, pattern, timeout):
    """0 when the line came; else 1, with the serial log."""
    with Guest(machine, qmp=False) as guest:
        try:
            when = guest.expect_at(pattern, timeout)
        except Lost as lost:
            if not guest.alive():
                say(f'smoke: FAILED: the image ended, with status {guest.wait()}, before a line '
                    f'with /{pattern}/ came')
            else:
                say(f'smoke: FAILED: no line with /{pattern}/ within {timeout:g} s')
            print(str(lost).split('\n', 1)[1], flush=True)
            return 1
    say(f'smoke: ok: a line with /{pattern}/ after {when:.2f} s')
    return 0


def main(argv=None):
    argv = list(sys.argv[1:] if argv is None else argv)
    extra = []
    if '--' in argv:
        extra = argv[argv.index('--') + 1:]
        argv = argv[:argv.index('--')]
    options = parser().parse_args(argv)
    failure = 1 if options.command == 'smoke' else EXIT_CANNOT
    try:
        machine = machine_from(options, extra)
        machine.check()
        notes = [forward.resolve() for forward in machine.forwards]
        if options.show:
            print(shlex.join(machine.command()))
            return 0
        for note in filter(None, notes):
            say(note)
        if options.command == 'smoke':
            return smoke(machine, checked_regex(options.expect), options.timeout)
        return run(machine)
    except m.Unusable as e:
        print(f'vireo: {e}', file=sys.stderr)
        return failure


def checked_regex(text):
    try:
        re.compile(text)
    except re.error as e:
        raise m.Unusable(f'--expect {text}: not a regular expression: {e}') from None
    return text
