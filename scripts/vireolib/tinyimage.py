# SPDX-License-Identifier: BSD-2-Clause
"""The smallest images that QEMU boots, made of a dozen instruction words: an image that ends at
once (its time is that of QEMU alone), prints a text first, or never ends. So tests of the runner
need no compiler.
"""
import struct

UART = 0x0900                  # upper half of the PL011's address on the virt board
CR_ON = 0x301                  # of its control register, at 0x30: on, sends, receives
SYS_EXIT_EXTENDED = 0x20
ADP_STOPPED = 0x20026


def image(text='', status=0):
    """Bytes of an arm64 Image that writes `text` to the serial line and exits with `status`;
    None: it never ends."""
    program = 14 * 4           # where the exit block lies, from the first instruction
    words = [
        0x10000000 | adr(program + 16) | 1,       # adr  x1, text
        0xd2a00002 | UART << 5,                   # movz x2, #UART, lsl #16
        0x52800004 | CR_ON << 5,                  # movz w4, #CR_ON
        0xb9003044,                               # str  w4, [x2, #0x30]
        0x38401423,                               # ldrb w3, [x1], #1
        0x34000063,                               # cbz  w3, end
        0x39000043,                               # strb w3, [x2]
        0x17fffffd,                               # b    ldrb
        0x14000000 if status is None else         # end: b .
        0x10000000 | adr(program - 8 * 4) | 1,    # adr  x1, block
        0x52800000 | SYS_EXIT_EXTENDED << 5,      # movz w0, #SYS_EXIT_EXTENDED
        0xd45e0000,                               # hlt  #0xf000
        0x14000000,                               # b .
        0xd503201f, 0xd503201f,                   # nop
    ]
    body = struct.pack('<14I2Q', *words, ADP_STOPPED, status or 0) + text.encode() + b'\0'
    # b over the header; text offset 512 KiB, image size, flags: little-endian, 4 KiB pages
    head = struct.pack('<IIQQQQQQII', 0x14000010, 0, 0x80000, 0x2000, 0xa, 0, 0, 0, 0x644d5241, 0)
    return head + body


def adr(offset):
    """The immediate of an ADR instruction."""
    return (offset & 3) << 29 | (offset >> 2 & 0x7ffff) << 5
