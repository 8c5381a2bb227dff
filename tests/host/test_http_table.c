/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_http_table.c - the requests of tests/http/ against the server's own code: whole, cut in two
 * at each byte, and byte by byte. However a request arrives, the answers are the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "table.h"

#define ROWS_MIN 250u  /* so many rows are there at least */
#define CUT_MAX  500u  /* requests up to this long are cut at each byte */
#define SLOW_MAX 3000u /* and up to this long they are sent byte by byte */

static void fail(const struct row *r, const struct client *c, const char *what)
{
    check_fail(r->file, 0, "%s: %s; the server sent:\n%s", r->name, what,
               c->got.p ? c->got.p : "nothing");
}

/* ---- what is right -------------------------------------------------------------------------- */

static void check_expected(const struct row *r, const struct client *c, const char *text,
                           const struct answer *a)
{
    struct bytes want = {0};
    char name[64];

    if (text[0] == '!') {
        if (answer_field(a, text + 1))
            fail(r, c, text);
        return;
    }
    size_t n = strncmp(text, "body ", 5) == 0 ? 4 : strcspn(text, ":");
    snprintf(name, sizeof(name), "%.*s", (int)n, text);
    const char *value = text + n + (text[n] == ':' ? 2 : 1);
    table_expand(&want, value, strlen(value));
    if (text[n] == ':') {
        const char *got = answer_field(a, name);
        if (!got || strcmp(got, want.p) != 0)
            fail(r, c, text);
    } else if (a->body_len != want.len || memcmp(a->body, want.p, want.len) != 0) {
        fail(r, c, text);
    }
    free(want.p);
}

/* An answer that ends the connection says so, and no other does. */
static void check_close(const struct row *r, const struct client *c, const struct answer *a)
{
    char value[64];
    const char *said = answer_field(a, "Connection");

    snprintf(value, sizeof(value), "%s", said ? said : "");
    if (c->ended != (strcmp(value, "close") == 0))
        fail(r, c, "Connection: close and the end of the connection do not fit");
}

static const char *fate_of(const struct client *c)
{
    return c->ended                                                            ? "closed"
           : c->conn->state == CONN_BODY || c->conn->begun || !c->conn->served ? "waiting"
                                                                               : "open";
}

static void check_answers(const struct row *r, const struct client *c)
{
    struct answer a = {0};
    size_t at = 0;
    int status, used;

    for (const char *s = r->statuses; sscanf(s, "%d%n", &status, &used) == 1;) {
        s += used;
        bool head_only = *s == 'h' || status == 304 || status == 204 || status == 100;
        s += *s == 'h';
        if (!answer_next(&c->got, &at, head_only, &a) || a.status != status)
            fail(r, c, r->statuses);
    }
    if (at != c->got.len)
        fail(r, c, "there is more than was asked for");
    if (strcmp(fate_of(c), r->fate) != 0)
        fail(r, c, fate_of(c));
    if (a.status && a.status != 100)
        check_close(r, c, &a);
    for (unsigned i = 0; i < r->expectations; i++)
        check_expected(r, c, r->expected[i], &a);
}

/* ---- how requests arrive -------------------------------------------------------------------- */

static void test_whole(void)
{
    unsigned count;
    struct row *rows = table_rows(&count);

    CHECK(count >= ROWS_MIN);
    for (unsigned i = 0; i < count; i++) {
        struct client c;
        client_open(&c);
        client_send(&c, rows[i].request.p, rows[i].request.len);
        check_answers(&rows[i], &c);
        client_close(&c);
    }
}

/*
 * Sends a request in pieces: `first` bytes, then pieces of `step`. Behind an answer that ends the
 * connection nothing more is sent.
 */
static void send_cut(const struct row *r, struct client *c, size_t first, size_t step)
{
    for (size_t at = 0, n = first; at < r->request.len && !c->ended; at += n, n = step) {
        if (n > r->request.len - at)
            n = r->request.len - at;
        client_send(c, r->request.p + at, n);
    }
}

static void check_cut(const struct row *r, const struct client *whole, size_t first, size_t step)
{
    struct client c;

    client_open(&c);
    send_cut(r, &c, first, step);
    if (c.got.len != whole->got.len || (c.got.len && memcmp(c.got.p, whole->got.p, c.got.len)) ||
        strcmp(fate_of(&c), r->fate) != 0) {
        char what[80];
        snprintf(what, sizeof(what), "cut at %zu, then each %zu bytes, %s", first, step,
                 fate_of(&c));
        fail(r, &c, what);
    }
    client_close(&c);
}

static void test_cut(void)
{
    unsigned count;
    struct row *rows = table_rows(&count);

    for (unsigned i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        struct client whole;
        client_open(&whole);
        client_send(&whole, r->request.p, r->request.len);
        if (r->request.len <= CUT_MAX)
            for (size_t cut = 1; cut < r->request.len; cut++)
                check_cut(r, &whole, cut, r->request.len);
        if (r->request.len <= SLOW_MAX)
            check_cut(r, &whole, 1, 1);
        check_cut(r, &whole, 1 + random_below((uint32_t)r->request.len), 1 + random_below(4096));
        client_close(&whole);
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"http_table_whole", test_whole},
        {"http_table_cut", test_cut},
    };
    table_tree();
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
