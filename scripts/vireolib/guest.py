# SPDX-License-Identifier: BSD-2-Clause
"""A running image: its serial lines with the time of each, its QMP socket, its forwarded ports.

Nothing here sleeps: every wait is for a condition, with a deadline.
"""
import ctypes
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time

from vireolib.machine import Unusable

SYS_PIDFD_GETFD = 438      # on every architecture

# Limits of waits are for an idle machine; the tests multiply them, since a busy one is slower. A
# limit only ends a test that fails: one that passes does not take longer by it.
PATIENCE = 4

# What QEMU says on stderr when it was told to end.
TERMINATED = re.compile(r'^qemu-system-\w+: terminating on signal (\d+)')

# First words of the lines that -trace writes into QEMU's log; no complaint begins so.
TRACED = ('memory_region_ops_read ', 'memory_region_ops_write ')


class Lost(AssertionError):
    """The line or condition did not come in time; the text holds the end of the serial log."""


class Guest:
    """One QEMU process. Use as a context manager: leaving it ends the process."""

    def __init__(self, machine, directory=None, qmp=True, patience=1):
        """`directory` takes stderr.txt and guest_errors.txt, and must be empty. All limits of waits
        are multiplied by `patience`."""
        self.machine = machine
        self.patience = patience
        self._own = None
        if directory is None:
            self._own = tempfile.TemporaryDirectory(prefix='vireo-')
            directory = self._own.name
        self.directory = directory
        if qmp and not machine.qmp:
            # A UNIX socket's path has 107 bytes at most, which a test's own directory may exceed.
            self._sock = tempfile.TemporaryDirectory(prefix='vq-')
            machine.qmp = os.path.join(self._sock.name, 's')
        machine.guest_errors = os.path.join(directory, 'guest_errors.txt')
        machine.check()
        self.args = machine.command()
        self.lines = []                  # (seconds since QEMU's start, text)
        self.status = None               # QEMU's exit status, once it has ended
        self._tail = ''
        self._read_to = 0                # lines that expect() has already looked at
        self._changed = threading.Condition()
        self._eof = False
        self._qmp = None
        self._found = []                 # forwards whose port is known
        self._stderr = open(os.path.join(directory, 'stderr.txt'), 'w+', errors='replace')
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._stderr, bufsize=0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # ---- the serial line ----

    def _read(self):
        fd = self.process.stdout.fileno()
        rest = b''
        while True:
            data = os.read(fd, 65536)
            now = time.monotonic() - self.started
            with self._changed:
                if not data:
                    if rest:
                        self.lines.append((now, clean(rest)))
                    self._tail = ''
                    self._eof = True
                    self._changed.notify_all()
                    return
                *whole, rest = (rest + data).split(b'\n')
                self.lines += [(now, clean(line)) for line in whole]
                self._tail = clean(rest)
                self._changed.notify_all()

    def expect(self, pattern, timeout=20.0):
        """Waits for the next line that holds `pattern`, and returns its match. The next call begins
        with the line after that one."""
        return self._expect(re.compile(pattern), timeout)[1]

    def expect_at(self, pattern, timeout=20.0):
        """Waits likewise; seconds from QEMU's start to that line."""
        return self._expect(re.compile(pattern), timeout)[0]

    def _expect(self, pattern, timeout):
        timeout *= self.patience
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                while self._read_to < len(self.lines):
                    when, text = self.lines[self._read_to]
                    self._read_to += 1
                    match = pattern.search(text)
                    if match:
                        return when, match
                left = deadline - time.monotonic()
                if self._eof:
                    raise Lost(f'the image ended before /{pattern.pattern}/ came\n' + self.report())
                if left <= 0:
                    raise Lost(f'no /{pattern.pattern}/ within {timeout:g} s\n' + self.report())
                self._changed.wait(left)

    def serving(self, timeout=20.0):
        """Waits until the image has printed "vireo: ready" and its address (with DHCP the address
        may come after the server's line)."""
        self.expect(r'^vireo: ready', timeout)
        self.until(lambda: self.seen(r'vnet\d: address \d'), 'address', timeout)

    def seen(self, pattern):
        """The lines so far that hold `pattern`."""
        with self._changed:
            return [text for _, text in self.lines if re.search(pattern, text)]

    @property
    def text(self):
        with self._changed:
            return '\n'.join([text for _, text in self.lines] + ([self._tail] * bool(self._tail)))

    def report(self, count=60):
        """The end of the serial log, for a failure's text."""
        with self._changed:
            lines = [f'  {when:8.3f}  {text}' for when, text in self.lines[-count:]]
            if self._tail:
                lines.append(f'            {self._tail}')
        log = '\n'.join(lines) if lines else '  (nothing)'
        said = ''.join(f'\n  {line}' for line in self.stderr())
        return f'serial log, from second 0 of QEMU:\n{log}' + ('\nQEMU said:' + said) * bool(said)

    def send(self, text):
        """Types on the serial line."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    # ---- what QEMU says ----

    def stderr(self):
        """The lines of QEMU's stderr, without the line that reports a signal."""
        with open(os.path.join(self.directory, 'stderr.txt'), errors='replace') as f:
            return [line for line in f.read().splitlines() if not TERMINATED.match(line)]

    def stderr_size(self):
        """Bytes of QEMU's stderr so far."""
        return os.fstat(self._stderr.fileno()).st_size

    def guest_errors(self):
        """The lines of -d guest_errors: wrong accesses of the guest."""
        return [line for line in self._log() if not line.startswith(TRACED)]

    def trace(self):
        """All of QEMU's log; with `-trace memory_region_ops_*` each access is a line."""
        return self._log()

    def _log(self):
        path = os.path.join(self.directory, 'guest_errors.txt')
        if not os.path.exists(path):
            return []
        with open(path, errors='replace') as f:
            return f.read().splitlines()

    def qmp(self, command, **arguments):
        """Runs a QMP command and returns its answer."""
        if self._qmp is None:
            self._qmp = Qmp(self.machine.qmp, self.process, 10.0 * self.patience)
        return self._qmp.run(command, **arguments)

    def hmp(self, line):
        """Runs a line of QEMU's monitor and returns its text."""
        return self.qmp('human-monitor-command', **{'command-line': line})

    def port(self, guest_port, proto='tcp'):
        """The port of the host that leads to that port of the guest."""
        for f in self.machine.forwards:
            if f.guest_port == guest_port and f.proto == proto:
                if f not in self._found:
                    f.host_port = self._find_port(f)
                    self._found.append(f)
                return f.host_port
        raise KeyError(f'no forward to port {guest_port}')

    def _find_port(self, forward):
        want = forward.proto.upper() + '[HOST_FORWARD]'
        for line in self.hmp('info usernet').splitlines():
            words = line.split()
            if len(words) >= 6 and words[0] == want and words[5] == str(forward.guest_port):
                if forward.proto == 'tcp':
                    deepen_backlog(self.process.pid, int(words[1]))
                return int(words[3])
        raise Lost(f'QEMU shows no forward to port {forward.guest_port}\n' + self.report())

    # ---- the end ----

    def wait(self, timeout=20.0):
        """Waits until the image has ended by itself; QEMU's exit status."""
        timeout *= self.patience
        try:
            self.status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Lost(f'the image still runs after {timeout:g} s\n' + self.report()) from None
        self._reader.join(5)
        return self.status

    def until(self, holds, what, timeout=10.0):
        """Waits until holds() is true. It is called again after each serial line, and every 10 ms.
        `what` names the condition in the error."""
        timeout *= self.patience
        deadline = time.monotonic() + timeout
        while not holds():
            with self._changed:
                if self._eof or time.monotonic() > deadline:
                    break
                self._changed.wait(0.01)
        else:
            return
        if self._eof:
            self.process.wait(10)
        if not holds():
            raise Lost(f'no {what} within {timeout:g} s\n' + self.report())

    def alive(self):
        """False when the serial line is closed: QEMU has ended or is ending."""
        return not self._eof and self.process.poll() is None

    def stop(self):
        """Ends QEMU if it still runs. Safe to call twice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.status is None:
            self.status = self.process.returncode
        self._reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self._stderr, self._qmp):
            if stream:
                try:
                    stream.close()
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Qmp:
    """QEMU's machine protocol over a UNIX socket."""

    def __init__(self, path, process, timeout=10.0):
        deadline = time.monotonic() + timeout
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        # QEMU makes the socket while it starts, and announces it nowhere: try until it is there.
        while True:
            try:
                self._socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Unusable('QEMU ended, or opened no QMP socket') from None
                try:
                    process.wait(0.005)
                except subprocess.TimeoutExpired:
                    pass
        # For reading only: a file opened for both drops its read-ahead when it writes.
        self._file = self._socket.makefile('r')
        self._file.readline()
        self.run('qmp_capabilities')

    def run(self, command, **arguments):
        message = {'execute': command}
        if arguments:
            message['arguments'] = arguments
        self._socket.sendall(json.dumps(message).encode() + b'\n')
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError(f'QEMU ended during {command}')
            answer = json.loads(line)
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise RuntimeError(f'{command}: {answer["error"]["desc"]}')

    def close(self):
        self._file.close()
        self._socket.close()


def deepen_backlog(pid, fd, backlog=1024):
    """Makes the queue of a listening socket of QEMU's user network longer. QEMU lets one connection
    wait to be accepted; the host's kernel makes other clients try again after 1, 2, 4 ... seconds,
    which tests would measure as slowness of the image. `pid`, `fd`: QEMU, and the socket in it.
    Where the kernel forbids access to the descriptor, the queue stays as it is."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return
    copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    os.close(pidfd)
    if copy >= 0:
        with socket.socket(fileno=copy) as listener:
            listener.listen(backlog)


def clean(data):
    return data.decode('utf-8', 'replace').rstrip('\r')
