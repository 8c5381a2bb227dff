/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coverage_plugin.c - a QEMU TCG plugin: writes down which instructions a guest executed.
 *
 * At the end of the run the file given as out=FILE has a line "FIRST END" for each run of executed
 * instructions: hexadecimal virtual addresses, the second one behind the last instruction. Nothing
 * is written if QEMU is killed. A page of code is PAGE bytes with a counter for each 4 bytes: A64
 * and A32 have no shorter instructions.
 *
 * Build: cc -O2 -shared -fPIC -o coverage_plugin.so coverage_plugin.c
 * Use:   VIREO_VISITED=DIR in the environment of scripts/vireo, pytest and all that boots images
 *        (scripts/vireolib/plugins.py)
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg_plugin.h"

enum { PAGE = 4096, INSN = 4, PAGES = 8192 };

struct page {
    uint64_t first;               /* address */
    struct plugin_counters times; /* PAGE / INSN */
};

static struct page *pages[PAGES]; /* by a hash of the address; a full slot passes on to the next */
static size_t used;
static FILE *out;

/* The counters of a page of code. NULL: there is no memory, or more code than any image has. */
static struct page *page_of(uint64_t first)
{
    size_t slot = first / PAGE % PAGES;

    while (pages[slot] && pages[slot]->first != first)
        slot = (slot + 1) % PAGES;
    if (!pages[slot] && used < PAGES / 2) {
        struct page *page = calloc(1, sizeof(*page));

        if (!page || !plugin_counters_make(&page->times, PAGE / INSN))
            return NULL;
        page->first = first;
        pages[slot] = page;
        used++;
    }
    return pages[slot];
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);
        struct page *page = page_of(at - at % PAGE);

        if (page)
            plugin_count(insn, &page->times, at % PAGE / INSN);
    }
}

static void write_page(const struct page *page)
{
    for (size_t i = 0; i < PAGE / INSN;) {
        size_t first = i;

        while (i < PAGE / INSN && plugin_counted(&page->times, i))
            i++;
        if (i > first)
            fprintf(out, "%jx %jx\n", page->first + first * INSN, page->first + i * INSN);
        else
            i++;
    }
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    for (size_t slot = 0; slot < PAGES; slot++)
        if (pages[slot])
            write_page(pages[slot]);
    fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    out = plugin_output("coverage_plugin", argc, argv);
    if (!out)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
