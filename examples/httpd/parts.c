/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parts.c - a body of several parts. Nothing of it is stored: the head of a part is written anew
 * each time bytes of it are asked for.
 */
#include "parts.h"

#include <string.h>
#include <unistd.h>

#include "text.h"

#define PART_HEAD_MAX 256u

/* What stands before part i, or behind the last one. Returns its length. */
static size_t part_head(const struct parts *p, unsigned i, char out[PART_HEAD_MAX])
{
    struct text t = {.p = out, .size = PART_HEAD_MAX};

    text_str(&t, i ? "\r\n--" : "--");
    text_put(&t, p->boundary, PARTS_BOUNDARY_LEN);
    if (i == p->count) {
        text_lit(&t, "--\r\n");
        return t.len;
    }
    text_lit(&t, "\r\nContent-Type: ");
    text_str(&t, p->file->type);
    text_lit(&t, "\r\nContent-Range: bytes ");
    text_u64(&t, p->range[i].first);
    text_lit(&t, "-");
    text_u64(&t, p->range[i].last);
    text_lit(&t, "/");
    text_u64(&t, p->file->size);
    text_lit(&t, "\r\n\r\n");
    return t.len;
}

uint64_t parts_begin(struct parts *p)
{
    char head[PART_HEAD_MAX];
    struct text t = {.p = p->boundary, .size = PARTS_BOUNDARY_LEN};

    /* The tag depends on the file's content: no file can hold its own boundary on purpose. */
    text_lit(&t, "vireo-");
    text_put(&t, p->file->etag + p->file->etag_len - 17, 16);
    uint64_t length = part_head(p, p->count, head);
    for (unsigned i = 0; i < p->count; i++)
        length += part_head(p, i, head) + (p->range[i].last - p->range[i].first + 1);
    return length;
}

ssize_t parts_read(const struct parts *p, uint64_t at, char *out, size_t len)
{
    char head[PART_HEAD_MAX];

    for (unsigned i = 0;; i++) {
        uint64_t n = part_head(p, i, head);
        if (at < n) {
            n = n - at < len ? n - at : len;
            memcpy(out, head + at, n);
            return (ssize_t)n;
        }
        at -= n;
        if (i == p->count)
            return -1;
        uint64_t first = p->range[i].first + at, bytes = p->range[i].last - p->range[i].first + 1;
        if (at < bytes) {
            n = bytes - at < len ? bytes - at : len;
            ssize_t got = pread(p->file->fd, out, n, (off_t)first);
            return got > 0 ? got : -1;
        }
        at -= bytes;
    }
}
