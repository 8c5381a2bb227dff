# SPDX-License-Identifier: BSD-2-Clause
"""Fresh Debian systems in folders, and `make run` and `make test` in them, for `make test-os`.

Of each release there is BASE, as debootstrap made it, and ROOT, a copy of it with the project in
/root/vireo, in which the two commands install what they need. A command in ROOT has mounts and
processes of its own (unshare): when it ends, or this program does, however that is, both are gone.
"""
import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from vireolib import listing
from vireolib.listing import TREE
from vireolib.machine import Unusable

FOLDER = os.path.join(TREE, 'build', 'os')
RELEASES = {'12': 'bookworm', '13': 'trixie'}
INSIDE = 'root/vireo'                  # the project, in ROOT
LIMITS = {'run': 1800, 'test': 5400}   # seconds, packages and build included
ENVIRONMENT = {'HOME': '/root', 'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'TERM': 'dumb',
               'PYTEST_ADDOPTS': '-rsfE'}              # tests that are skipped, and why, or fail
PASSED_ON = ('http_proxy', 'https_proxy', 'no_proxy')
# Words of the reasons for which a test may be skipped: what the release has not, and what this
# machine does not allow. A missing program is none: scripts/setup installs those of the tests.
LACKS = {'12': (), '13': ('clang-format-14', 'this QEMU aborts at the first access')}
MACHINE_LACKS = ('/dev/net/tun', 'namespaces cannot be made', 'no IPv6 loopback')
# $1 is ROOT; the rest is the command. ROOT is a mount, so that a command there can make its own.
ENTER = '''root=$1; shift
mount --rbind "$root" "$root" && mount -t proc proc "$root/proc" && \
mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" || exit 125
exec chroot "$root" "$@"'''
CLOSING = re.compile(r'^[= ]*(\d+ (?:passed|failed|error|skipped|deselected).*?) in [0-9]', re.M)
PR_SET_PDEATHSIG = 1


def say(release, text):
    print(f'os: debian {release}: {text}', flush=True)


def cpu_seconds():
    """Of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# ---- what is needed here ----

def own_mounts():
    """Can a command have mounts of its own? Not in a chroot, say."""
    return subprocess.run(['unshare', '--mount', '--pid', '--fork', 'true'],
                          capture_output=True).returncode == 0


def check_here():
    if os.geteuid():
        raise Unusable('fresh systems are made with debootstrap and chroot: run it as root')
    for program, package in (('debootstrap', 'debootstrap'), ('unshare', 'util-linux'),
                             ('chroot', 'coreutils')):
        if not shutil.which(program):
            raise Unusable(f'{program} is not installed: install the package {package}')
    if not own_mounts():
        raise Unusable('unshare can make no mounts of its own here: run it on a machine, or in a '
                       'container, that allows it')


def mirror_of_this_machine():
    """Where apt takes Debian's packages from; empty: debootstrap has a default."""
    try:
        said = subprocess.run(['apt-get', 'indextargets', '--format', '$(ORIGIN) $(LABEL) $(SITE)'],
                              text=True, capture_output=True).stdout
    except FileNotFoundError:
        return ''
    for line in said.splitlines():
        words = line.split()
        if words[:2] == ['Debian', 'Debian'] and len(words) == 3:
            return words[2]
    return ''


# ---- one system ----

class System:
    def __init__(self, release, options):
        self.release, self.options = release, options
        self.base = os.path.join(FOLDER, release + '-base')
        self.root = os.path.join(FOLDER, release)
        self.state_path = os.path.join(FOLDER, release + '.json')
        self.process = None

    def log_path(self, step):
        return os.path.join(FOLDER, f'{self.release}-{step}.log')

    # ---- the folders ----

    def make_base(self):
        if os.path.isdir(self.base):
            return
        shutil.rmtree(self.base + '.new', ignore_errors=True)
        mirror = self.options.mirror or mirror_of_this_machine()
        log = self.log_path('debootstrap')
        say(self.release, f'debootstrap ({os.path.relpath(log, TREE)})')
        with open(log, 'w') as f:
            args = ['debootstrap', '--variant=minbase', '--include=make', '--force-check-gpg']
            status = self.wait_for([*args, RELEASES[self.release], self.base + '.new',
                                    *([mirror] if mirror else [])], f, 1800)
        if status:
            raise Unusable(f'debootstrap failed: {os.path.relpath(log, TREE)} says why')
        os.rename(self.base + '.new', self.base)

    def make_root(self, names):
        """ROOT anew, with the project's files."""
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(['cp', '-a', '--reflink=auto', self.base, self.root], check=True)
        for name in names:
            target = os.path.join(self.root, INSIDE, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(TREE, name), target)

    # ---- commands in them ----

    def command(self, line):
        """The command line that runs `line`, of a shell, in the project's folder in ROOT."""
        settings = [f'{k}={v}' for k, v in ENVIRONMENT.items()]
        settings += [f'{k}={os.environ[k]}' for k in PASSED_ON if k in os.environ]
        return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private',
                'sh', '-c', ENTER, 'sh', self.root, 'env', '-i', *settings, 'sh', '-c',
                f'cd /{INSIDE} && {{ {line}\n}}; exit $?']

    def start(self, args, log):
        """In a process group of its own; the end of this program, whatever the cause, ends it."""
        libc = ctypes.CDLL(None)
        self.process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait_for(self, args, log, limit):
        """The exit status; None: it was still running at the limit."""
        self.start(args, log)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.stop()

    # ---- the two commands ----

    def make_run(self, log_path):
        """Boots the demo, gets its page, ends it as Ctrl-C does. What went wrong, or None."""
        with open(log_path, 'w') as log:
            self.start(self.command('make run'), log)
        try:
            return self.visit(log_path)
        finally:
            self.stop()

    def visit(self, log_path):
        end = time.monotonic() + LIMITS['run']
        while True:
            with open(log_path, errors='replace') as f:
                text = f.read()
            address = re.search(r'http://127\.0\.0\.1:\d+/', text)
            if address and 'vireo: ready' in text:
                break
            if self.process.poll() is not None:
                return f'it ended, with status {self.process.returncode}, before the demo was ready'
            if time.monotonic() > end:
                return f'the demo was not ready after {LIMITS["run"]} s'
            self.pause()
        try:
            with urllib.request.urlopen(address[0], timeout=60) as answer:
                if answer.status != 200 or b'<html' not in answer.read().lower():
                    return f'{address[0]} is no page'
        except (urllib.error.URLError, OSError) as e:
            return f'{address[0]}: {e}'
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            return 'Ctrl-C does not end it'
        return None

    def pause(self):
        """A look at the log a second, or at once when the process ends."""
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            pass

    def make_test(self, log_path):
        """What went wrong, or None; and pytest's counts."""
        tests = self.options.tests.replace("'", "'\\''")
        line = f"make test TESTS='{tests}'" if tests else 'make test'
        with open(log_path, 'w') as log:
            status = self.wait_for(self.command(line), log, LIMITS['test'])
        with open(log_path, errors='replace') as f:
            text = f.read()
        counts = CLOSING.findall(text)
        skipped = re.findall(r'^SKIPPED .*', text, re.M)
        warnings = re.findall(r'^\S+:\d+:\d+: warning: .*', text, re.M)
        for line in [*skipped, *warnings[:5]]:
            say(self.release, line)
        if status is None:
            return f'it was not done after {LIMITS["test"]} s', ''
        if status or not counts:
            return counts[-1] if counts else f'it ended with status {status}', ''
        if not all(self.may_be_skipped(reason) for reason in skipped):
            return f'{counts[-1]}; a skipped test needs what scripts/setup should install', ''
        if warnings:
            return f'{counts[-1]}; the compiler warns {len(warnings)} times', ''
        return None, counts[-1]

    def may_be_skipped(self, reason):
        return any(words in reason for words in (*LACKS[self.release], *MACHINE_LACKS))

    # ---- all ----

    def load(self, digest):
        try:
            with open(self.state_path) as f:
                state = json.load(f)
        except (OSError, ValueError):
            state = {}
        if self.options.fresh or state.get('digest') != digest or not os.path.isdir(self.root):
            return {}
        return state

    def save(self, state):
        with open(self.state_path + '.new', 'w') as f:
            json.dump(state, f)
        os.replace(self.state_path + '.new', self.state_path)

    def step(self, name, state):
        """Does `make NAME` unless it has passed. What went wrong, or None."""
        if name in state:
            return None
        log_path = self.log_path(name)
        say(self.release, f'make {name} ({os.path.relpath(log_path, TREE)})')
        before, cpu_before = time.monotonic(), cpu_seconds()
        if name == 'run':
            wrong, counts = self.make_run(log_path), ''
        else:
            wrong, counts = self.make_test(log_path)
        took = f'{time.monotonic() - before:.0f} s ({cpu_seconds() - cpu_before:.0f} s of CPU)'
        if wrong:
            return f'make {name}: {wrong} after {took}; see {os.path.relpath(log_path, TREE)}'
        state[name] = f'make {name} in {took}'
        state[name] += f': {counts}' if counts else ''
        self.save(state)
        return None

    def check(self, names):
        """Both commands. True: passed; the last line says so."""
        digest = listing.digest(names, self.options.tests)
        state = self.load(digest)
        self.make_base()
        if not state:
            if os.path.exists(self.state_path):
                os.remove(self.state_path)
            self.make_root(names)
            state = {'digest': digest}
            self.save(state)
        wrong = self.step('run', state) or self.step('test', state)
        if wrong:
            print(f'os: debian {self.release} FAILED: {wrong}', flush=True)
        else:
            chosen = f' (TESTS={self.options.tests})' if self.options.tests else ''
            print(f'os: debian {self.release} passed: {state["run"]}, {state["test"]}{chosen}',
                  flush=True)
        return not wrong


def main(options):
    unknown = [name for name in options.systems if name not in RELEASES]
    if unknown:
        raise Unusable(f'there is no system {unknown[0]}; there is: {", ".join(RELEASES)}')
    check_here()
    os.makedirs(FOLDER, exist_ok=True)
    alone = open(os.path.join(FOLDER, 'lock'), 'w')    # held until the process ends
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Unusable('another run is at work in build/os/') from None
    names = listing.files()
    systems = options.systems or list(RELEASES)
    failed = [release for release in systems if not System(release, options).check(names)]
    print(f'os: systems={len(systems)} failed={len(failed)}')
    return 1 if failed else 0
