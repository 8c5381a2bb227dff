# SPDX-License-Identifier: BSD-2-Clause
"""Paths of built images, addresses of QEMU's user network, and the counting plugin."""
import os
import re

from vireolib import plugins
from vireolib.machine import Unusable

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, 'build')
ARCH = 'aarch64'            # the default of ARCH= in the makefiles

# QEMU's user network: the guest's usual address, its router and its name server.
GUEST_IP, ROUTER_IP, DNS_IP = '10.0.2.15', '10.0.2.2', '10.0.2.3'
STATIC_IP = f'ip={GUEST_IP}::{ROUTER_IP}:255.255.255.0'

MARK_MAIN, MARK_READY = 96, 97        # platform/board.h: hint #96 + mark

# Bytes that an image has at most, with gcc 12 (Debian 12) and gcc 14 (Debian 13): their images
# differ by less than 1 %. A32 code is some 12 % larger than A64 code.
LIMITS = {('hello', 'aarch64'): 96 * 1024, ('httpd', 'aarch64'): 480 * 1024,
          ('hello', 'arm'): 96 * 1024 * 112 // 100, ('httpd', 'arm'): 480 * 1024 * 112 // 100}


def image(app, kind='img', arch=ARCH):
    """Path of build/ARCH/APP.img (or .elf, .map), which must have been built."""
    path = os.path.join(BUILD, arch, f'{app}.{kind}')
    if not os.path.isfile(path):
        raise Unusable(f'{os.path.relpath(path)} is not built; `make ARCH={arch} image APP={app}` '
                       'builds it')
    return path


def site_disk():
    """Path of the demo's disk."""
    path = os.path.join(BUILD, 'site.img')
    if not os.path.isfile(path):
        raise Unusable('build/site.img is not built; `make disk` builds it')
    return path


def plugin():
    """Path of the counting plugin."""
    return plugins.build('bench_plugin')


def marks(path):
    """{mark: instructions when it was first passed}, with 'total'."""
    found = {}
    with open(path) as f:
        for line in f:
            match = re.match(r'(?:MARK (\d+)|(TOTAL)) insns=(\d+)', line)
            if match:
                key = int(match[1]) if match[1] else 'total'
                found.setdefault(key, int(match[3]))
    return found
