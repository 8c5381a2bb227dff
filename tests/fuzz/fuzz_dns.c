/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_dns.c - a message of any bytes as the answer to a question (RFC 1035, section 4): what is
 * found lies in the message, has an end, and belongs to names that a host may have.
 */
#include <string.h>

#include "dns_message.h"
#include "fuzz.h"

static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_PTR, DNS_A};

static void check_text(const uint8_t *name)
{
    char text[DNS_TEXT_MAX];
    uint8_t again[DNS_NAME_MAX];
    size_t len;

    if (!dns_name_text(name, text))
        return;
    CHECK(strlen(text) < sizeof(text));
    len = dns_name_parse(text, again);
    CHECK(len > 1 && memcmp(again, name, len) == 0);
}

static void check_answer(const struct dns_answer *a, const uint8_t *message, size_t len)
{
    uint8_t name[DNS_NAME_MAX];
    const uint8_t *data;
    size_t at = 0, n = 0;

    CHECK(a->message == message && a->len <= len && a->ttl <= INT32_MAX);
    check_text(a->owner);
    while ((data = dns_answer_next(a, &at, name))) {
        size_t size = a->type == DNS_A ? 4 : 16;

        CHECK(at <= a->len && ++n <= len / 11);
        if (a->type == DNS_PTR)
            check_text(data);
        else
            CHECK(data >= message && (size_t)(data - message) + size <= a->len);
    }
    CHECK(n > 0);
}

/* The name comes from the input; then its question, or what the input has in its place. */
static size_t make_question(uint8_t query[DNS_QUERY_MAX], uint8_t how)
{
    uint8_t name[DNS_NAME_MAX];
    size_t len;
    const uint8_t *bytes = fuzz_take(fuzz8(), &len);
    char text[300];

    memcpy(text, bytes, len);
    text[len] = '\0';
    if (!dns_name_parse(text, name))
        dns_name_parse("a.example", name);
    check_text(name);
    return dns_query_make(query, 0x1234, name, types[how & 3]);
}

void fuzz_one(void)
{
    uint8_t query[DNS_QUERY_MAX], how = fuzz8(), *message;
    size_t query_len = make_question(query, how), len;
    const uint8_t *rest = fuzz_rest(&len);
    struct dns_answer answer;

    message = malloc(len + 1);
    memcpy(message, rest, len);
    if (how & 4 && len >= query_len) { /* the right question */
        memcpy(message, query, 2);
        memcpy(message + 12, query + 12, query_len - 12);
        message[2] = 0x81;
        message[3] &= 0xf0 | (how & 8 ? 0xf : 0);
        message[4] = 0;
        message[5] = 1;
    }
    if (dns_judge(query, query_len, message, len, &answer) == DNS_FOUND)
        check_answer(&answer, message, len);
    free(message);
}
