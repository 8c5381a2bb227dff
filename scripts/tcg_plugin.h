/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcg_plugin.h - what the plugins of this folder use of QEMU's documented plugin interface: Debian
 * packages no qemu-plugin.h. One compiled plugin fits QEMU 7.2 (API version 1) and every later one:
 * API version 2 (QEMU 9.0) has counters of another kind, version 3 (9.1) another way to the bytes
 * of an instruction.
 */
#ifndef VIREO_TCG_PLUGIN_H
#define VIREO_TCG_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

#define MAYBE __attribute__((weak)) /* NULL where this QEMU does not have the function */

typedef uint64_t qemu_plugin_id_t;
/* The beginning of what QEMU says of itself. */
struct qemu_info {
    const char *target_name;
    struct {
        int min, cur;
    } version; /* of the plugin interface */
};
struct qemu_plugin_tb;
struct qemu_plugin_scoreboard;
/* A counter: at that offset of each CPU's element of the scoreboard. */
struct qemu_plugin_u64 {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
};
struct qemu_plugin_insn;

enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum { QEMU_PLUGIN_MEM_RW = 3 }; /* QEMU 7.2 tells nothing of reads alone */
typedef uint32_t qemu_plugin_meminfo_t;
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info); /* log2 of bytes */

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*fn)(qemu_plugin_id_t, struct qemu_plugin_tb *));
MAYBE void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
                                                      void *ptr, uint64_t imm);
MAYBE void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
                                                               int op,
                                                               struct qemu_plugin_u64 counter,
                                                               uint64_t imm);
MAYBE struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
MAYBE uint64_t qemu_plugin_u64_sum(struct qemu_plugin_u64 counter);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*fn)(unsigned int, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
                                          void (*fn)(unsigned int, void *), int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*fn)(unsigned int, qemu_plugin_meminfo_t, uint64_t,
                                                 void *),
                                      int flags, int rw, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*fn)(qemu_plugin_id_t, void *),
                                    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
void qemu_plugin_insn_data(void); /* see plugin_insn_word */
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* What QEMU looks for in a plugin. The version is one that this QEMU accepts. */
PUBLIC int qemu_plugin_version = 1;
PUBLIC int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv);

static __attribute__((constructor)) void plugin_choose_version(void)
{
    if (qemu_plugin_scoreboard_new)
        qemu_plugin_version = 2;
}

/* Counters of executed instructions, all 0 at first: of one kind or of the other. */
struct plugin_counters {
    uint64_t *plain;
    struct qemu_plugin_scoreboard *score;
};

/* False: there is no memory. The counters stay until QEMU ends. */
static inline bool plugin_counters_make(struct plugin_counters *c, size_t n)
{
    *c = (struct plugin_counters){0};
    if (qemu_plugin_scoreboard_new)
        c->score = qemu_plugin_scoreboard_new(n * sizeof(uint64_t));
    else
        c->plain = calloc(n, sizeof(uint64_t));
    return c->score || c->plain;
}

/* Counter i is to go up by one whenever the instruction is executed. */
static inline void plugin_count(struct qemu_plugin_insn *insn, const struct plugin_counters *c,
                                size_t i)
{
    struct qemu_plugin_u64 counter = {c->score, i * sizeof(uint64_t)};

    if (c->score)
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                            counter, 1);
    else
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &c->plain[i],
                                                   1);
}

static inline uint64_t plugin_counted(const struct plugin_counters *c, size_t i)
{
    struct qemu_plugin_u64 counter = {c->score, i * sizeof(uint64_t)};

    return c->score ? qemu_plugin_u64_sum(counter) : c->plain[i];
}

/* The instruction's word; 0: its length is another. `api` is the version of QEMU's interface. */
static inline uint32_t plugin_insn_word(int api, const struct qemu_plugin_insn *insn)
{
    const void *(*at)(const struct qemu_plugin_insn *) = (void *)qemu_plugin_insn_data;
    size_t (*copy)(const struct qemu_plugin_insn *, void *, size_t) = (void *)at;
    uint32_t word = 0;

    if (qemu_plugin_insn_size(insn) != sizeof(word))
        return 0;
    if (api >= 3)
        copy(insn, &word, sizeof(word));
    else
        memcpy(&word, at(insn), sizeof(word));
    return word;
}

/* The file that the argument out=FILE names, open for writing. NULL, and a word on stderr: none. */
static inline FILE *plugin_output(const char *plugin, int argc, char **argv)
{
    FILE *out = NULL;

    for (int i = 0; i < argc && !out; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (!out)
        fprintf(stderr, "%s: give out=FILE, a file that can be written\n", plugin);
    return out;
}

#endif
