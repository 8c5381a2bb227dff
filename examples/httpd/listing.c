/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listing.c - reads a folder, sorts its names, and writes a page of links. Names are data: they are
 * escaped for HTML where they are shown, and for URLs where they are linked.
 */
#include "listing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "syntax.h"
#include "text.h"

#define ENTRIES_MAX 4096u /* beyond, the page says that there are more */

struct names {
    char *text; /* each name ends with NUL */
    size_t len, size;
    char **sorted; /* into text */
    unsigned count;
    bool more;
};

/* ---- the names ------------------------------------------------------------------------------ */

static bool add_name(struct names *n, const char *name, bool folder)
{
    size_t len = strlen(name);

    if (n->len + len + 2 > n->size) {
        size_t size = n->size * 2 + len + 1024;
        char *text = realloc(n->text, size);
        if (!text)
            return false;
        n->text = text;
        n->size = size;
    }
    memcpy(n->text + n->len, name, len);
    n->len += len;
    if (folder)
        n->text[n->len++] = '/';
    n->text[n->len++] = 0;
    n->count++;
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool sort_names(struct names *n)
{
    char *at = n->text;

    n->sorted = calloc(n->count + 1, sizeof(*n->sorted));
    if (!n->sorted)
        return false;
    for (unsigned i = 0; i < n->count; i++, at += strlen(at) + 1)
        n->sorted[i] = at;
    qsort(n->sorted, n->count, sizeof(*n->sorted), compare);
    return true;
}

/* All entries but those that begin with a dot. False: out of memory, or the folder is unreadable.
 */
static bool read_names(const char *path, struct names *n)
{
    DIR *d = opendir(path);
    bool ok = true;

    if (!d)
        return false;
    for (struct dirent *e; ok && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        n->more = n->count == ENTRIES_MAX;
        if (n->more)
            break;
        ok = add_name(n, e->d_name, e->d_type == DT_DIR);
    }
    closedir(d);
    return ok && sort_names(n);
}

/* ---- the page ------------------------------------------------------------------------------- */

/* As text of HTML. Control bytes become '?'. */
static void put_escaped(struct text *t, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '&':
            text_lit(t, "&amp;");
            break;
        case '<':
            text_lit(t, "&lt;");
            break;
        case '>':
            text_lit(t, "&gt;");
            break;
        default:
            text_put(t, is_control(*s) ? "?" : s, 1);
        }
}

/* As a path of a URL: letters, digits, "-._~/" stay, all else is percent-encoded. */
static void put_encoded(struct text *t, const char *s)
{
    for (; *s; s++) {
        char c = lower(*s);
        if (is_digit(c) || (c >= 'a' && c <= 'z') || strchr("-._~/", c)) {
            text_put(t, s, 1);
            continue;
        }
        text_lit(t, "%");
        text_put(t, &"0123456789ABCDEF"[(unsigned char)*s >> 4], 1);
        text_put(t, &"0123456789ABCDEF"[*s & 15], 1);
    }
}

static void put_entry(struct text *t, const char *folder, const char *name)
{
    char path[FILES_PATH_MAX + 1];
    struct text p = {.p = path, .size = sizeof(path) - 1};
    struct stat st;

    text_lit(t, "<tr><td><a href=\"");
    put_encoded(t, name);
    text_lit(t, "\">");
    put_escaped(t, name);
    text_lit(t, "</a><td>");
    text_str(&p, folder);
    text_str(&p, name);
    path[p.len] = 0;
    if (name[strlen(name) - 1] != '/' && stat(path, &st) == 0)
        text_u64(t, (uint64_t)st.st_size);
    text_lit(t, "\n");
}

static void put_page(struct text *t, const char *path, const struct names *n)
{
    text_lit(t, "<!doctype html><html lang=en><meta charset=utf-8>"
                "<meta name=viewport content=\"width=device-width\"><title>");
    put_escaped(t, path);
    text_lit(t,
             "</title><style>body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;"
             "max-width:44em;padding:0 1em}td+td{text-align:right;padding-left:2em}</style><h1>");
    put_escaped(t, path);
    text_lit(t, "</h1><table>\n");
    if (path[1])
        text_lit(t, "<tr><td><a href=\"../\">../</a><td>\n");
    for (unsigned i = 0; i < n->count; i++)
        put_entry(t, path, n->sorted[i]);
    text_lit(t, "</table>\n");
    if (n->more)
        text_lit(t, "<p>There are more files; these are some.</p>\n");
}

/* Bytes that surely suffice for the page. */
static size_t page_size(const char *path, const struct names *n)
{
    return 1024 + 10 * strlen(path) + 8 * n->len + (size_t)n->count * 64;
}

char *listing_make(const char *path, size_t *len)
{
    struct names n = {0};
    struct text t = {0};

    if (read_names(path, &n)) {
        t.size = page_size(path, &n);
        t.p = malloc(t.size);
    }
    if (t.p)
        put_page(&t, path, &n);
    *len = t.len;
    free(n.text);
    free(n.sorted);
    return t.p;
}
