#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""uimage.py - gives a flat image the header with which a boot loader starts it.

  uimage.py IMAGE.elf IMAGE.img   puts a header in front of IMAGE.img

The header is U-Boot's legacy one (include/image.h, struct legacy_img_hdr: 64 bytes, big-endian): a
Linux kernel for 32-bit Arm, not compressed, loaded at and entered at IMAGE.elf's entry. QEMU's
-kernel reads this header, too, and passes a device tree to an image that is marked as Linux.
"""
import os
import struct
import sys
import zlib

MAGIC = 0x27051956
OS_LINUX, ARCH_ARM, TYPE_KERNEL, NOT_COMPRESSED = 5, 2, 2, 0


def header(name, entry, data, checksum=0):
    """The 64 bytes. Their own checksum is computed with its field 0. The date is 0, so that builds
    repeat."""
    return struct.pack('>7I4B32s', MAGIC, checksum, 0, len(data), entry, entry, zlib.crc32(data),
                       OS_LINUX, ARCH_ARM, TYPE_KERNEL, NOT_COMPRESSED, name.encode()[:31])


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    elf, image = arguments
    with open(elf, 'rb') as f:
        head = f.read(28)
    if head[:5] != b'\x7fELF\x01':
        sys.exit(f'uimage: {elf} is not a 32-bit ELF file')
    entry = struct.unpack_from('<I', head, 24)[0]
    with open(image, 'rb') as f:
        data = f.read()
    name = os.path.splitext(os.path.basename(image))[0]
    first = header(name, entry, data)
    with open(image, 'wb') as f:
        f.write(header(name, entry, data, zlib.crc32(first)) + data)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
