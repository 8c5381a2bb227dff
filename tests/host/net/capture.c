/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.c - the packets of a path (path.h) in a file, as pcap has them.
 */
#include <string.h>

#include "hal.h"
#include "path.h"

enum { LONGEST = 65535, KEPT = 128 };

static FILE *capture;
static enum path_side capture_side;

static void put_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* A record of the file format of libpcap, little-endian. */
void path_captured(const struct path_seen *s)
{
    uint8_t record[16];
    uint32_t kept = s->len < KEPT ? s->len : KEPT; /* the headers */

    if (!capture || s->side != capture_side)
        return;
    put_le32(record, (uint32_t)(s->ns / HAL_SEC));
    put_le32(record + 4, (uint32_t)(s->ns % HAL_SEC));
    put_le32(record + 8, kept);
    put_le32(record + 12, s->len);
    fwrite(record, sizeof(record), 1, capture);
    fwrite(s->packet, kept, 1, capture);
}

void path_capture(FILE *to, enum path_side side)
{
    uint8_t head[24] = {0};

    capture = to;
    if (to)
        setvbuf(to, NULL, _IONBF, 0);
    capture_side = side;
    if (!to)
        return;
    put_le32(head, 0xa1b23c4d); /* times in nanoseconds */
    put_le32(head + 4, 4u << 16 | 2);
    put_le32(head + 16, LONGEST);
    put_le32(head + 20, 101); /* raw IP */
    fwrite(head, sizeof(head), 1, to);
}
