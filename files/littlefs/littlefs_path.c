/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefs_path.c - paths in tidy form: littlefs has rules of its own for dots and slashes. */
#include <errno.h>

#include "littlefs.h"

/* Takes the last component off text, len bytes. The new length. */
static size_t littlefs_parent(const char *text, size_t len)
{
    while (len && text[len - 1] != '/')
        len--;
    return len ? len - 1 : 0;
}

int littlefs_tidy(const char *path, struct littlefs_path *out)
{
    size_t used = 0;

    out->folder = true;
    while (*path) {
        size_t len;

        path += strspn(path, "/");
        len = strcspn(path, "/");
        out->folder =
            !len || (len == 1 && path[0] == '.') || !strncmp(path, "..", len) || path[len] == '/';
        if (len == 2 && path[0] == '.' && path[1] == '.') {
            used = littlefs_parent(out->text, used);
        } else if (len && !(len == 1 && path[0] == '.')) {
            if (len > LFS2_NAME_MAX || used + len + 1 > LITTLEFS_PATH_MAX)
                return -ENAMETOOLONG;
            if (used)
                out->text[used++] = '/';
            memcpy(out->text + used, path, len);
            used += len;
        }
        path += len;
    }
    out->text[used] = '\0';
    return 0;
}
