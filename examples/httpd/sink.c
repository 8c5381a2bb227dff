/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sink.c - counts a body and sums it with CRC-32 (the polynomial of IEEE 802.3, as in zlib), eight
 * bytes at a time.
 */
#include "sink.h"

#include <string.h>

static uint32_t table[8][256];

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (unsigned bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? 0xedb88320u : 0);
        table[0][i] = v;
    }
    for (unsigned t = 1; t < 8; t++)
        for (unsigned i = 0; i < 256; i++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

static uint32_t crc32_add(uint32_t crc, const unsigned char *p, size_t len)
{
    if (table[0][1] == 0)
        make_table();
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t lo, hi;
        memcpy(&lo, p, 4); /* little-endian, as all machines here are */
        memcpy(&hi, p + 4, 4);
        lo ^= crc;
        crc = table[7][lo & 255] ^ table[6][lo >> 8 & 255] ^ table[5][lo >> 16 & 255] ^
              table[4][lo >> 24] ^ table[3][hi & 255] ^ table[2][hi >> 8 & 255] ^
              table[1][hi >> 16 & 255] ^ table[0][hi >> 24];
    }
    for (; len; len--)
        crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}

void sink_begin(struct sink *s, const struct http_request *r, uint64_t limit)
{
    *s = (struct sink){
        .is_chunked = r->chunked, .left = r->has_length ? r->length : 0, .limit = limit};
}

static void take_data(struct sink *s, const char *buf, size_t len)
{
    s->crc = crc32_add(s->crc, (const unsigned char *)buf, len);
    s->bytes += len;
    if (s->is_chunked)
        http_chunk_consumed(&s->chunked, len);
    else
        s->left -= len;
}

uint64_t sink_wants(const struct sink *s)
{
    if (!s->is_chunked)
        return s->left;
    return s->chunked.state == HTTP_CHUNK_DATA ? s->chunked.left : 0;
}

bool sink_done(const struct sink *s)
{
    return s->is_chunked ? s->chunked.state == HTTP_CHUNK_DONE : s->left == 0;
}

int sink_take(struct sink *s, const char *buf, size_t len)
{
    size_t at = 0;

    while (at < len && !sink_done(s)) {
        uint64_t wants = sink_wants(s);
        if (wants == 0) {
            int n = http_chunk_framing(&s->chunked, buf + at, len - at);
            if (n < 0)
                return n;
            at += (size_t)n;
            continue;
        }
        size_t n = wants < len - at ? (size_t)wants : len - at;
        take_data(s, buf + at, n);
        at += n;
        if (s->bytes > s->limit)
            return -413;
    }
    return (int)at;
}
