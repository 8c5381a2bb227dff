# SPDX-License-Identifier: BSD-2-Clause
"""The command line of scripts/vireo."""
import argparse
import dataclasses
import difflib
import os
import re
import shlex
import sys

from vireolib import images, profile, symbolize
from vireolib import machine as m
from vireolib.guest import Guest, Lost
from vireolib.terminal import EXIT_CANNOT, complain, explain, run, say

RUN_HELP = """\
Boots IMAGE with the serial line on this terminal; Ctrl-C ends it. The exit status is the image's
own, or 125 when it could not be started: then a line that begins with "vireo:" says why. The
variable QEMU names another QEMU.

examples:
  vireo run build/aarch64/hello.img
  vireo run build/aarch64/httpd.img --disk build/site.img,ro --forward auto:80
  vireo run build/aarch64/httpd.img --transport pci --gic 3 --append vireo.poll=1 --pcap net.pcap
  vireo run build/aarch64/myapp.img --append env.TZ=UTC0 --args -v "two words"
  vireo run build/aarch64/hello.img --print -- -machine highmem=off
"""
SMOKE_HELP = """\
Boots IMAGE and waits for a serial line that holds REGEX. The exit status is 0 when the line came;
otherwise, or when the image ended before, it is 1, and the serial log is printed.

example:
  vireo smoke build/aarch64/httpd.img --disk build/site.img,ro --expect '^vireo: ready' --timeout 10
"""
SYMBOLIZE_HELP = """\
Prints LOG (or standard input) with the file and line behind each address of a back trace.

examples:
  vireo symbolize build/aarch64/myapp.elf serial.log
  vireo run build/aarch64/myapp.img | vireo symbolize build/aarch64/myapp.elf
"""


def version():
    """Of the tree that this file lies in: its images print the same."""
    with open(os.path.join(images.TREE, 'VERSION')) as f:
        return f.read().strip()


def failure(command):
    """The status of a command that could not do what it is for. `command`: its words."""
    return 1 if command[:1] == ['smoke'] else EXIT_CANNOT


class Parser(argparse.ArgumentParser):
    """Its errors are sentences like the others, and end with the status of the others."""

    def error(self, message):
        message = re.sub(r'^argument ([^:]*): ', r'\1: ', message)
        print(f'vireo: {message}; `{self.prog} --help` shows what there is', file=sys.stderr)
        sys.exit(failure(self.prog.split()[1:]))


def parser():
    top = Parser(prog='vireo', description='Runs Vireo images under QEMU.')
    top.add_argument('--version', action='version', version=f'vireo {version()}')
    commands = top.add_subparsers(dest='command', required=True, metavar='run|smoke|symbolize')
    for name, text, about in (('run', 'boot an image', RUN_HELP),
                              ('smoke', 'boot it and wait for a line', SMOKE_HELP)):
        sub = commands.add_parser(name, help=text, epilog=about,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        machine_options(sub)
        if name == 'smoke':
            sub.add_argument('--expect', required=True, metavar='REGEX',
                             help='what a serial line must hold')
            sub.add_argument('--timeout', type=seconds, default=30, metavar='S',
                             help='seconds to wait for it (30)')
        else:
            sub.add_argument('--gdb', nargs='?', type=port, const=m.AUTO_GDB, metavar='PORT',
                             help='wait for a debugger on that port '
                                  f'({m.GDB_PORT} or the next free one)')
            sub.add_argument('--profile', default='', metavar='OUT',
                             help='count where instructions go: OUT.txt, a table, and OUT.svg, a '
                                  'flame graph (docs/profile.md)')
        sub.add_argument('--print', action='store_true', dest='show',
                         help='show the QEMU command and stop')
    sub = commands.add_parser('symbolize', help='files and lines for a back trace',
                              epilog=SYMBOLIZE_HELP,
                              formatter_class=argparse.RawDescriptionHelpFormatter)
    sub.add_argument('elf', metavar='IMAGE.elf', help='the ELF file of the image')
    sub.add_argument('log', metavar='LOG', nargs='?', default='-',
                     help='what the image printed (standard input)')
    return top


def port(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text} is no port')
    return int(text)


def seconds(text):
    """A number of seconds over 0."""
    if not re.fullmatch(r'\d+(\.\d*)?|\.\d+', text) or not float(text):
        raise argparse.ArgumentTypeError(f'{text} is no number of seconds')
    return float(text)


def machine_options(sub):
    """Each is a field of Machine, by its own name or by `dest`."""
    add = sub.add_argument
    add('image', metavar='IMAGE', help='an arm64 Image or a uImage (APP.img), or an ELF file')
    add('--transport', default='mmio', metavar='NAME',
        help=f'how virtio devices are attached: {", ".join(m.TRANSPORTS)} (mmio); pci: with modern '
             'registers only')
    add('--gic', default='2', metavar='|'.join(m.GICS),
        help='version of the interrupt controller (2)')
    add('--cpu', default='', metavar='MODEL',
        help='cortex-a53, max ... (cortex-a72, or cortex-a15 for an image of 32-bit Arm)')
    add('--smp', default='1', metavar='N', help='CPUs; 1,maxcpus=2 is possible too (1)')
    add('--mem', default='64', metavar='SIZE', help='MiB, or with K, M or G (64)')
    add('--disk', action='append', default=[], dest='disks',
        metavar='FILE[,ro][,bs=N][,id=TEXT]',
        help='a virtio disk: read-only, of N-byte blocks, with that id; repeatable')
    add('--net', default='user', metavar='user|none|tap=NAME',
        help='what the network card is connected to (user)')
    add('--forward', action='append', default=[], dest='forwards', metavar='HOST:GUEST',
        help='[udp:][ADDR:]PORT:PORT from this host to the image; the first may be `auto`, for '
             f'{m.AUTO_PORT} or the next free one; repeatable')
    add('--rng', action='store_true', help='an entropy device, fed by this host')
    add('--vsock', default='', metavar='CID|SOCKET',
        help='a socket device: with that CID, through /dev/vhost-vsock, or from the vhost-user '
             'back-end at that path')
    add('--balloon', action='store_true', help='a memory balloon; QMP: balloon, qom-get')
    add('--append', default='', metavar='TEXT', help='boot arguments')
    add('--args', nargs=argparse.REMAINDER, default=[], metavar='WORD',
        help='argv[1] and following of main(): all that comes behind --args, up to --')
    add('--initrd', default='', metavar='FILE', help='a file tree in memory')
    add('--pcap', default='', metavar='FILE', help='record the network traffic')
    add('--qmp', default='', metavar='SOCKET', help="make QEMU's control socket there")
    add('--icount', default='', metavar='SPEC', help='deterministic time, such as shift=0')
    add('--plugin', default='', metavar='FILE.so[,KEY=VALUE]', help='load a TCG plugin')


def machine_from(options, extra):
    """Every option that has the name of a field becomes that field."""
    fields = {field.name for field in dataclasses.fields(m.Machine)}
    given = {name: value for name, value in vars(options).items() if name in fields}
    given['disks'] = [m.Disk.parse(d) for d in options.disks]
    given['forwards'] = [m.Forward.parse(f) for f in options.forwards]
    return m.Machine(**given, extra=extra)


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
            explain(machine, guest.text)
            return 1
    say(f'smoke: ok: a line with /{pattern}/ after {when:.2f} s')
    return 0


def show_lines(elf, log):
    """`vireo symbolize`. A log that grows is shown as it comes."""
    symbolize.check_elf(elf)
    m.check_read(log, 'log') if log != '-' else None
    with open(log if log != '-' else 0, errors='replace') as f:
        for line in f:
            print(*symbolize.lines_of(elf, [line.rstrip('\n')]), flush=True)
    return 0


def run_profiled(machine, out):
    """`vireo run --profile OUT`; the image's status."""
    if machine.plugin:
        raise m.Unusable('--profile and --plugin: QEMU takes one of them at a time')
    m.check_write('--profile', out + '.svg', lambda: profile.is_graph(out + '.svg'))
    with profile.Counting(machine.image) as counting:
        machine.plugin = counting.plugin
        status = run(machine)
        found = counting.profile()
    profile.write(found, out, os.path.basename(machine.image))
    for line in found.table(profile.TOP):
        say(line)
    say(f'where {found.total:,} instructions went: {out}.txt, {out}.svg')
    return status


def parse(argv):
    """The options. Names that do not exist are answered with the one that may be meant."""
    top = parser()
    options, unknown = top.parse_known_args(argv)
    if unknown:
        sub = next(iter(top._subparsers._group_actions)).choices[options.command]
        known = [name for action in sub._actions for name in action.option_strings]
        near = difflib.get_close_matches(unknown[0].split('=')[0], known, 1)
        sub.error(f'there is no {unknown[0]}' + (f': {near[0]} is meant?' if near else
                  '; options for QEMU itself follow behind --'))
    return options


def main(argv=None):
    argv = list(sys.argv[1:] if argv is None else argv)
    extra = []
    if '--' in argv:
        extra = argv[argv.index('--') + 1:]
        argv = argv[:argv.index('--')]
    try:
        options = parse(argv)
        if options.command == 'symbolize':
            return show_lines(options.elf, options.log)
        machine = machine_from(options, extra)
        machine.check()
        notes = m.resolve_all(machine.forwards)
        if options.show:
            print(shlex.join(machine.command()))
            return 0
        machine.check_shared()
        for note in notes:
            say(note)
        if options.command == 'smoke':
            return smoke(machine, checked_regex(options.expect), options.timeout)
        return run_profiled(machine, options.profile) if options.profile else run(machine)
    except m.Unusable as e:
        complain(e)
    except OSError as e:
        complain(f'{e.filename}: {e.strerror.lower()}' if e.filename else e)
    return failure(argv)


def checked_regex(text):
    try:
        re.compile(text)
    except re.error as e:
        raise m.Unusable(f'--expect {text}: not a regular expression: {e}') from None
    return text
