/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_plugin.c - a QEMU TCG plugin: counts every instruction a guest executes,
 * and writes down at which count the guest passed a mark.
 *
 * A mark is the instruction `hint #K`, 96 <= K <= 127, of A64 or A32: a NOP for every CPU. Each one
 * executed writes the line "MARK K insns=N ns=T" to the file given as out=FILE; the end of the run
 * writes "TOTAL insns=N ns=T". T is the host's monotonic time. Idle (WFI) counts nothing. Exact for
 * 1 CPU (-smp 1), and repeatable as far as the guest's input is.
 *
 * With ask=FIFO, each line that someone writes to that FIFO is answered in FILE by "LINE insns=N
 * ns=T": a count from outside, for images that pass no mark.
 *
 * With copies=FIRST-LIMIT (hexadecimal addresses of a function that copies; may be given several
 * times), each line of a mark ends in " copied=N": the bytes that this code has stored.
 *
 * Build: cc -O2 -shared -fPIC -o bench_plugin.so bench_plugin.c
 * Use:   vireo run IMAGE --plugin bench_plugin.so,out=FILE[,ask=FIFO][,copies=FIRST-LIMIT]...
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tcg_plugin.h"

enum { MARK_FIRST = 96, MARK_LAST = 127 };

static struct plugin_counters executed; /* one */
static int api;                         /* version of QEMU's plugin interface */
static FILE *out;

enum { RANGES = 8 };
static struct {
    uint64_t first, limit;
} copying[RANGES];      /* code that copies */
static unsigned ranges; /* of it */
static uint64_t copied; /* bytes, by the one CPU */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void marked(unsigned int cpu, void *mark)
{
    (void)cpu;
    fprintf(out, "MARK %u insns=%ju ns=%ju", (unsigned)(uintptr_t)mark,
            plugin_counted(&executed, 0), now_ns());
    if (ranges)
        fprintf(out, " copied=%ju", copied);
    fprintf(out, "\n");
    fflush(out);
}

static void stored(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t at, void *data)
{
    (void)cpu;
    (void)at;
    (void)data;
    if (qemu_plugin_mem_is_store(info))
        copied += UINT64_C(1) << qemu_plugin_mem_size_shift(info);
}

static bool copies(uint64_t address)
{
    for (unsigned i = 0; i < ranges; i++)
        if (address >= copying[i].first && address < copying[i].limit)
            return true;
    return false;
}

/* Takes an argument FIRST-LIMIT. */
static bool add_range(const char *text)
{
    char *end;

    if (ranges == RANGES)
        return false;
    copying[ranges].first = strtoull(text, &end, 16);
    if (*end != '-')
        return false;
    copying[ranges++].limit = strtoull(end + 1, &end, 16);
    return *end == '\0';
}

/* A thread of its own, which ends with QEMU: opening a FIFO waits for who writes to it. */
static void *answer(void *fifo)
{
    char line[64];

    for (FILE *asked; (asked = fopen(fifo, "r")); fclose(asked))
        while (fgets(line, sizeof(line), asked)) {
            line[strcspn(line, "\n")] = '\0';
            fprintf(out, "%s insns=%ju ns=%ju\n", line, plugin_counted(&executed, 0), now_ns());
            fflush(out);
        }
    return NULL;
}

/*
 * The K of an AArch64 `hint #K` (1101 0101 0000 0011 0010 kkkk kkk1 1111), or of an A32 one
 * (1110 0011 0010 0000 1111 0000 kkkk kkkk), or -1. To the other kind of code the first is a store
 * that no compiler makes (STRBLE r2, [r3, #-(3103 + 32 n)]), the second is undefined.
 */
static int hint_of(uint32_t word)
{
    if ((word & 0xfffff01fu) == 0xd503201fu)
        return (int)(word >> 5 & 127);
    return (word & 0xffffff00u) == 0xe320f000u ? (int)(word & 255) : -1;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        int mark = hint_of(plugin_insn_word(api, insn));

        plugin_count(insn, &executed, 0);
        if (ranges && copies(qemu_plugin_insn_vaddr(insn)))
            qemu_plugin_register_vcpu_mem_cb(insn, stored, QEMU_PLUGIN_CB_NO_REGS,
                                             QEMU_PLUGIN_MEM_RW, NULL);
        if (mark >= MARK_FIRST && mark <= MARK_LAST)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)mark);
    }
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fprintf(out, "TOTAL insns=%ju ns=%ju\n", plugin_counted(&executed, 0), now_ns());
    fflush(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    api = info->version.cur;
    out = plugin_output("bench_plugin", argc, argv);
    if (!out || !plugin_counters_make(&executed, 1))
        return -1;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "ask=", 4) == 0 &&
            pthread_create(&(pthread_t){0}, NULL, answer, argv[i] + 4))
            return -1;
        if (strncmp(argv[i], "copies=", 7) == 0 && !add_range(argv[i] + 7))
            return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
