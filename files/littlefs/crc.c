/* SPDX-License-Identifier: BSD-2-Clause */
/* crc.c - the sum over littlefs's metadata, eight bytes a step. */
#include "lfs2_config.h"

#define CRC_POLYNOMIAL 0xedb88320u /* 0x04c11db7, its bits in the other order */

/* table[k][b]: what byte b becomes k bytes later. */
static uint32_t table[8][256];

static void crc_fill_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t v = b;

        for (unsigned i = 0; i < 8; i++)
            v = v & 1 ? v >> 1 ^ CRC_POLYNOMIAL : v >> 1;
        table[0][b] = v;
    }
    for (unsigned k = 1; k < 8; k++)
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
}

uint32_t lfs2_crc(uint32_t crc, const void *buffer, size_t size)
{
    const uint8_t *p = buffer;

    LITTLEFS_COUNT(summed, (unsigned)size);
    if (!table[0][1])
        crc_fill_table();
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low, high;

        memcpy(&low, p, 4);
        memcpy(&high, p + 4, 4);
        low ^= crc;
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
              table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; size; size--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
    return crc;
}
