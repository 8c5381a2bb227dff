# SPDX-License-Identifier: BSD-2-Clause
"""Virtio devices of our own for QEMU, over vhost-user: a process outside of QEMU that shares the
guest's memory. protocol.py speaks with QEMU, ring.py with the guest; a device is a class over both.
Standard library only. A machine for it has its memory in a file (vsock_args in
scripts/vireolib/machine.py).
"""
