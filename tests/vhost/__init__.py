# SPDX-License-Identifier: BSD-2-Clause
"""Virtio devices of our own for QEMU, over vhost-user: this process is the device, and shares the
guest's memory. protocol.py talks to QEMU, ring.py and packed.py to the guest; a device is a class
over them. Standard library only. The machine's memory must be in a file (vsock_args in
scripts/vireolib/machine.py).
"""
