# SPDX-License-Identifier: BSD-2-Clause
"""What tcptrace (Debian package of that name) says of a capture: a judge that is not ours."""
import re
import shutil
import subprocess

LINE = re.compile(r'^ {5}(\S.*?): +(\S+).*?  +\1: +(\S+)')


def number(text):
    """A count, size or time without its unit; the text itself where it is none."""
    try:
        return float(text)
    except ValueError:
        return text


def judge(path):
    """[(fields of the end that opened the connection, fields of the other)] of each connection,
    under tcptrace's own names."""
    if not shutil.which('tcptrace'):
        raise FileNotFoundError('tcptrace is not installed: apt-get install tcptrace, or '
                                '`scripts/setup bench`')
    text = subprocess.run(['tcptrace', '-l', '-n', '-r', '-W', path], check=True,
                          capture_output=True, text=True).stdout
    found = []
    for line in text.splitlines():
        if re.fullmatch(r'TCP connection \d+:', line):
            found.append(({}, {}))
        match = LINE.match(line)
        if match and found:
            for fields, value in zip(found[-1], match.groups()[1:]):
                fields.setdefault(match[1], number(value))
    return found
