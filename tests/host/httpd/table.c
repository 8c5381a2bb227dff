/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c - the form of the tables is described at the top of tests/http/requests-line.txt.
 */
#include "table.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- escapes and macros --------------------------------------------------------------------- */

/* One escape behind a backslash; returns the bytes of text that it takes. */
static size_t expand_escape(struct bytes *out, const char *text)
{
    static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *at = strchr(letters, text[0]);
    unsigned v = 0;

    if (at) {
        bytes_add(out, bytes + (at - letters), 1);
        return 1;
    }
    CHECK(text[0] == 'x' && sscanf(text + 1, "%2x", &v) == 1);
    bytes_add(out, &(char){(char)v}, 1);
    return 3;
}

/* The entity tag of a file, or the 16 digits of it that are in a boundary. */
static void expand_tag(struct bytes *out, const char *path, size_t len, bool boundary)
{
    char name[256];

    snprintf(name, sizeof(name), "%.*s", (int)len, path);
    struct answer a = get(name, "");
    const char *tag = answer_field(&a, "ETag");
    CHECK(a.status == 200 && tag);
    if (boundary) {
        bytes_add(out, "vireo-", 6);
        bytes_add(out, tag + strlen(tag) - 17, 16);
    } else {
        bytes_add(out, tag, strlen(tag));
    }
}

static void expand_macro(struct bytes *out, const char *text, size_t len)
{
    const char *star = memchr(text, '*', len);

    if (len == 1 && text[0] == '1') {
        bytes_add(out, " HTTP/1.1\r\nHost: h\r\n", 20);
    } else if (strncmp(text, "etag ", 5) == 0) {
        expand_tag(out, text + 5, len - 5, false);
    } else if (strncmp(text, "boundary ", 9) == 0) {
        expand_tag(out, text + 9, len - 9, true);
    } else {
        CHECK(star != NULL);
        for (int n = atoi(text); n > 0; n--)
            table_expand(out, star + 1, len - (size_t)(star + 1 - text));
    }
}

/* The length of a macro: to the brace that closes it. */
static size_t macro_len(const char *text)
{
    unsigned depth = 1;
    size_t n = 0;

    for (; depth; n++)
        depth += text[n] == '{' ? 1 : text[n] == '}' ? -1 : 0;
    return n - 1;
}

/* A brace before a quote or a closing brace stands for itself: JSON. */
static bool is_macro(const char *text)
{
    return text[0] == '{' && text[1] != '"' && text[1] != '}';
}

void table_expand(struct bytes *out, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (text[at] == '\\') {
            at += 1 + expand_escape(out, text + at + 1);
        } else if (is_macro(text + at)) {
            size_t n = macro_len(text + at + 1);
            expand_macro(out, text + at + 1, n);
            at += n + 2;
        } else {
            bytes_add(out, text + at++, 1);
        }
    }
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Reads a file and calls `line` for each line that is no comment. */
static void each_line(const char *name, void (*line)(const char *file, char *text))
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(name, "r");

    if (!f)
        check_fail(__FILE__, __LINE__, "cannot open %s", name);
    while (getline(&text, &size, f) >= 0) {
        text[strcspn(text, "\n")] = 0;
        if (text[0] && text[0] != '#')
            line(strrchr(name, '/') + 1, text);
    }
    free(text);
    fclose(f);
}

static void tree_line(const char *file, char *text)
{
    struct bytes path = {0}, content = {0};
    char *mark = strstr(text, " =");

    (void)file;
    table_expand(&path, text, (size_t)(mark - text));
    if (mark[2])
        table_expand(&content, mark + 3, strlen(mark + 3));
    tree_add(path.p, content.p ? content.p : "", content.len);
    free(path.p);
    free(content.p);
}

void table_tree(void)
{
    tree_make();
    each_line(HTTP_TABLES "/tree.txt", tree_line);
}

static struct row *rows;
static unsigned row_count;

static void row_line(const char *file, char *text)
{
    struct row *r = row_count ? rows + row_count - 1 : NULL;

    if (text[0] != ' ') {
        rows = realloc(rows, (row_count + 1) * sizeof(*rows));
        rows[row_count++] = (struct row){.name = strdup(text), .file = strdup(file)};
    } else if (strncmp(text, "  -> ", 5) == 0) {
        char *fate = strrchr(text, ' ');
        snprintf(r->fate, sizeof(r->fate), "%s", fate + 1);
        snprintf(r->statuses, sizeof(r->statuses), "%.*s", (int)(fate - text - 5), text + 5);
        if (fate == text + 4)
            r->statuses[0] = 0;
    } else if (strncmp(text, "  => ", 5) == 0) {
        CHECK(r->expectations < ROW_EXPECTED_MAX);
        r->expected[r->expectations++] = strdup(text + 5);
    } else {
        table_expand(&r->request, text + 2, strlen(text + 2));
    }
}

struct row *table_rows(unsigned *count)
{
    glob_t g;

    CHECK(glob(HTTP_TABLES "/requests-*.txt", 0, NULL, &g) == 0);
    for (size_t i = 0; i < g.gl_pathc; i++)
        each_line(g.gl_pathv[i], row_line);
    globfree(&g);
    *count = row_count;
    return rows;
}
