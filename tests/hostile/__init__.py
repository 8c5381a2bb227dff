# SPDX-License-Identifier: BSD-2-Clause
"""The hostile process: virtio devices of our own (tests/vhost/) that serve an unmodified image, and
then attack it. disk.py and card.py are the devices, attacks_*.py what they do wrong, cell.py
one image on one machine under one attack with the verdict, table.py all of them (`make hostile`).
"""
