/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile_plugin.c - a QEMU TCG plugin: counts the instructions of a guest for each function and
 * for each chain of callers.
 *
 * Arguments: functions=FILE has the hexadecimal addresses of all functions in ascending order, a
 * line each, the address of the exception vectors behind "V " (vireolib/profile.py makes it of an
 * ELF file); a32=on says that the code is A32; out=FILE takes the result at the end of the run:
 *
 *     function I INSNS CALLS         the function in line I (from 0) of functions=
 *     stack INSNS I;J;K              executed in K, called by J, called by I
 *
 * The mark `hint #98` begins the counts anew, `hint #99` ends them, and so do the lines "begin" and
 * "end" that someone writes to the FIFO ask=FIFO; without them the counts are of the whole run. For
 * one CPU (-smp 1); A64 and A32 code.
 *
 * Who called whom is known from calls and returns, as blocks of instructions begin and end with
 * them. An image has several stacks: which one the CPU is on is told by the address from which a
 * function takes its return address back, which is where it had put it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg_plugin.h"

enum { DEEPEST = 200, STACKS = 256, MARK_BEGIN = 98, MARK_END = 99, NONE = -1 };

/* How a block of instructions ends, or what an instruction does to the stack. */
enum kind { PLAIN, CALL, RETURN, INTERRUPT_RETURN };
enum frame_access { NO_ACCESS, PUTS, TAKES };

struct function {
    uint64_t first; /* address */
    uint64_t insns, calls;
};

/* A function in a chain of callers. */
struct node {
    int32_t function;
    struct node *parent, *child, *next; /* next: of the same parent */
    uint64_t insns;
};

struct frame {
    struct node *node;
    uint64_t back;  /* where it returns to */
    uint64_t place; /* where it keeps that address; 0: not known yet */
    bool interrupt;
};

struct stack {
    int depth;
    struct frame frames[DEEPEST];
};

struct block {
    uint64_t first, end; /* addresses */
    uint32_t insns;
    int32_t function;
    enum kind kind;
};

static struct function *functions;
static size_t function_count;
static int32_t vectors = NONE;
static struct node root = {.function = NONE};
static struct stack *stacks[STACKS], *now;
static size_t stack_count;
static struct block last; /* the block before; .insns 0: there is none */
static bool counting = true, first_access;
static atomic_int wish; /* a mark from outside, 0: none */
static int api;         /* version of QEMU's plugin interface */
static FILE *out;

/* ---- functions ------------------------------------------------------------------------------- */

/* NONE: the address lies before the first. */
static int32_t function_at(uint64_t address)
{
    size_t low = 0, high = function_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (functions[middle].first <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low - 1;
}

static bool read_functions(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t room = 0;
    char line[64];

    while (f && fgets(line, sizeof(line), f)) {
        if (function_count == room) {
            room = room ? 2 * room : 1024;
            functions = realloc(functions, room * sizeof(*functions));
            if (!functions)
                break;
        }
        if (line[0] == 'V')
            vectors = (int32_t)function_count;
        functions[function_count++] =
            (struct function){.first = strtoull(line + (line[0] == 'V' ? 2 : 0), NULL, 16)};
    }
    if (f)
        fclose(f);
    return functions && function_count;
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* The function as called by that chain. */
static struct node *node_below(struct node *parent, int32_t function)
{
    struct node *n = parent->child;

    while (n && n->function != function)
        n = n->next;
    if (!n && (n = calloc(1, sizeof(*n)))) {
        *n = (struct node){.function = function, .parent = parent, .next = parent->child};
        parent->child = n;
    }
    return n ? n : parent;
}

static struct frame *top(void)
{
    return now->depth ? &now->frames[now->depth - 1] : NULL;
}

static struct node *caller(void)
{
    return top() ? top()->node : &root;
}

static void push(int32_t function, uint64_t back, bool interrupt)
{
    if (now->depth == DEEPEST) { /* keep the innermost */
        memmove(now->frames, now->frames + 1, (DEEPEST - 1) * sizeof(now->frames[0]));
        now->depth--;
    }
    now->frames[now->depth] = (struct frame){
        .node = node_below(caller(), function), .back = back, .interrupt = interrupt};
    now->depth++;
}

/* The CPU is on a stack that was not seen before. */
static void begin_stack(void)
{
    struct stack *s = stack_count < STACKS ? calloc(1, sizeof(*s)) : NULL;

    if (s)
        stacks[stack_count++] = now = s;
    else
        now->depth = 0;
}

/* The function of the innermost frame goes over to another one (a jump at its end). */
static void replace(int32_t function)
{
    struct frame *f = top();

    f->node = node_below(f->node->parent, function);
}

/* Drops the frames inside of the one that returns to `address`, and that one. False: none does. */
static bool return_to(uint64_t address)
{
    for (int i = now->depth - 1; i >= 0; i--)
        if (now->frames[i].back == address) {
            now->depth = i;
            return true;
        }
    return false;
}

static void end_interrupt(void)
{
    for (int i = now->depth - 1; i >= 0; i--)
        if (now->frames[i].interrupt) {
            now->depth = i;
            return;
        }
}

/* Drops the frames inside of the one with that place. False: there is none on that stack. */
static bool unwind(struct stack *s, uint64_t place)
{
    for (int i = s->depth - 1; i >= 0; i--)
        if (s->frames[i].place == place) {
            s->depth = i + 1;
            now = s;
            return true;
        }
    return false;
}

/* ---- what QEMU tells ------------------------------------------------------------------------- */

static void entered(const struct block *b)
{
    if (b->function == vectors) {
        push(b->function, 0, true);
        return;
    }
    if (last.kind == CALL && b->first != last.end) {
        push(b->function, last.end, false);
    } else if (last.kind == INTERRUPT_RETURN) {
        end_interrupt();
    } else if (last.kind == RETURN && !return_to(b->first) && top() &&
               top()->node->function != b->function && b->function >= 0 &&
               functions[b->function].first == b->first) {
        begin_stack(); /* a task begins */
    }
    if (!top())
        push(b->function, 0, false);
    else if (top()->node->function != b->function)
        replace(b->function);
}

static void clear(struct node *n)
{
    for (; n; n = n->next) {
        n->insns = 0;
        clear(n->child);
    }
}

static void marked(unsigned int cpu, void *mark)
{
    (void)cpu;
    counting = (uintptr_t)mark == MARK_BEGIN;
    if (!counting)
        return;
    clear(&root);
    for (size_t i = 0; i < function_count; i++)
        functions[i].insns = functions[i].calls = 0;
}

/* A thread of its own, which ends with QEMU. */
static void *listen_to(void *fifo)
{
    char line[64];

    for (FILE *asked; (asked = fopen(fifo, "r")); fclose(asked))
        while (fgets(line, sizeof(line), asked))
            wish = line[0] == 'b' ? MARK_BEGIN : MARK_END;
    return NULL;
}

static void executed(unsigned int cpu, void *data)
{
    const struct block *b = data;

    if (wish)
        marked(cpu, (void *)(uintptr_t)atomic_exchange(&wish, 0));
    entered(b);
    last = *b;
    if (counting && b->function >= 0) {
        struct function *f = &functions[b->function];

        f->insns += b->insns;
        f->calls += f->first == b->first;
        top()->node->insns += b->insns;
    }
}

/* The next access is that of an instruction which moves a return address. */
static void accesses(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    first_access = true;
}

static void put(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu;
    (void)info;
    (void)data;
    if (first_access && top())
        top()->place = address;
    first_access = false;
}

static void taken(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu;
    (void)info;
    (void)data;
    if (first_access && !(top() && top()->place == address) && !unwind(now, address))
        for (size_t i = 0; i < stack_count && !unwind(stacks[i], address); i++)
            ;
    first_access = false;
}

/* ---- instructions ---------------------------------------------------------------------------- */

static bool is_a64;

static enum kind kind_of(uint32_t w)
{
    if (is_a64) {
        if ((w & 0xfc000000u) == 0x94000000u || (w & 0xfffffc1fu) == 0xd63f0000u)
            return CALL; /* bl, blr */
        if ((w & 0xfffffc1fu) == 0xd65f0000u)
            return RETURN;
        return w == 0xd69f03e0u ? INTERRUPT_RETURN : PLAIN;
    }
    if (w >> 28 == 15)
        return (w & 0xfe50ffffu) == 0xf8100a00u ? INTERRUPT_RETURN : PLAIN; /* rfe */
    if ((w & 0x0f000000u) == 0x0b000000u || (w & 0x0ffffff0u) == 0x012fff30u)
        return CALL; /* bl, blx */
    if ((w & 0x0ffffff0u) == 0x01b0f000u || (w & 0x0ff0f000u) == 0x0250f000u ||
        (w & 0x0e508000u) == 0x08508000u)
        return INTERRUPT_RETURN; /* movs pc, subs pc, ldm ^ with pc */
    return (w & 0x0fffffffu) == 0x012fff1eu || (w & 0x0fffffffu) == 0x01a0f00eu ||
                   (w & 0x0fff8000u) == 0x08bd8000u || (w & 0x0fffffffu) == 0x049df004u
               ? RETURN /* bx lr, mov pc lr, pop with pc */
               : PLAIN;
}

/* Does it put the return address on the stack, or take it from there? */
static enum frame_access access_of(uint32_t w)
{
    if (is_a64) /* stp x29, x30, [sp ...], ldp likewise */
        return (w & 0x7fffu) != 0x7bfdu || w >> 25 != 0x54 ? NO_ACCESS : w >> 22 & 1 ? TAKES : PUTS;
    if ((w & 0x0fff4000u) == 0x092d4000u || (w & 0x0fffffffu) == 0x052de004u)
        return PUTS; /* push with lr */
    if ((w & 0x0fff0000u) == 0x08bd0000u)
        return w & 0xc000u ? TAKES : NO_ACCESS; /* pop with lr or pc */
    return (w & 0x0fffffffu) == 0x049df004u || (w & 0x0fffffffu) == 0x049de004u ? TAKES : NO_ACCESS;
}

static int mark_of(uint32_t w)
{
    if (is_a64)
        return (w & 0xfffff01fu) == 0xd503201fu ? (int)(w >> 5 & 127) : NONE;
    return (w & 0xffffff00u) == 0xe320f000u ? (int)(w & 255) : NONE;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    struct block *b = calloc(1, sizeof(*b)); /* for good, as the translated code may be */

    (void)id;
    if (!b)
        return;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t word = plugin_insn_word(api, insn);
        enum frame_access access = access_of(word);
        int mark = mark_of(word);

        if (access) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, accesses, QEMU_PLUGIN_CB_NO_REGS, NULL);
            qemu_plugin_register_vcpu_mem_cb(insn, access == PUTS ? put : taken,
                                             QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
        }
        if (mark == MARK_BEGIN || mark == MARK_END)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)mark);
        b->kind = kind_of(word);
        b->end = qemu_plugin_insn_vaddr(insn) + qemu_plugin_insn_size(insn);
    }
    b->first = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    b->insns = (uint32_t)n;
    b->function = function_at(b->first);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, b);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void print_chain(const struct node *n)
{
    if (n->parent && n->parent->parent) {
        print_chain(n->parent);
        fputc(';', out);
    }
    fprintf(out, "%" PRId32, n->function);
}

static void print_nodes(const struct node *n)
{
    for (; n; n = n->next) {
        if (n->insns && n->function != NONE) {
            fprintf(out, "stack %" PRIu64 " ", n->insns);
            print_chain(n);
            fputc('\n', out);
        }
        print_nodes(n->child);
    }
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    for (size_t i = 0; i < function_count; i++)
        if (functions[i].insns)
            fprintf(out, "function %zu %" PRIu64 " %" PRIu64 "\n", i, functions[i].insns,
                    functions[i].calls);
    print_nodes(root.child);
    fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    bool known = false;

    api = info->version.cur;
    is_a64 = strcmp(info->target_name, "aarch64") == 0;
    out = plugin_output("profile_plugin", argc, argv);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "functions=", 10) == 0)
            known = read_functions(argv[i] + 10);
        if (strncmp(argv[i], "ask=", 4) == 0 &&
            pthread_create(&(pthread_t){0}, NULL, listen_to, argv[i] + 4))
            return -1;
        if (strcmp(argv[i], "a32=on") == 0)
            is_a64 = false;
    }
    if (!out || !known)
        return -1;
    begin_stack();
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
