/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c - the harness of fuzz.h: the input, a fresh machine for each, and what a test program
 * has from check.c.
 *
 * Fresh means: the writable data of the machine (the linker puts it between two page boundaries,
 * scripts/fuzz.ld) are a private mapping of what they were at the start. Mapping them again drops
 * the pages that an input wrote, and costs as much as it wrote. Memory of malloc is tracked while
 * an input runs (the linker passes those calls here) and freed at its end, so that models need not
 * tidy up; what drivers allocate is counted by the host platform.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP_MAX 65536 /* blocks */

extern uint8_t fuzz_machine_start[], fuzz_machine_end[]; /* scripts/fuzz.ld */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input, *input_end;
static bool lied;
static int image = -1; /* the machine's data at the start */

/* ---- the input ------------------------------------------------------------------------------- */

bool fuzz_more(void)
{
    return input < input_end;
}

uint8_t fuzz8(void)
{
    return fuzz_more() ? *input++ : 0;
}

uint16_t fuzz16(void)
{
    uint16_t low = fuzz8();

    return (uint16_t)(low | fuzz8() << 8);
}

uint32_t fuzz32(void)
{
    uint32_t low = fuzz16();

    return low | (uint32_t)fuzz16() << 16;
}

uint64_t fuzz64(void)
{
    uint64_t low = fuzz32();

    return low | (uint64_t)fuzz32() << 32;
}

unsigned fuzz_below(unsigned n)
{
    return fuzz8() % n;
}

const uint8_t *fuzz_take(size_t want, size_t *len)
{
    const uint8_t *at = input;
    size_t left = (size_t)(input_end - input);

    *len = want < left ? want : left;
    input += *len;
    return at;
}

const uint8_t *fuzz_rest(size_t *len)
{
    return fuzz_take(SIZE_MAX, len);
}

uint32_t fuzz_odd32(void)
{
    uint8_t how = fuzz8();

    if (how < 64)
        return how;
    if (how < 128)
        return (1u << how % 32) - 1 + how / 32 % 2;
    if (how < 160)
        return UINT32_MAX - how % 32;
    return how < 208 ? fuzz16() : fuzz32();
}

/* ---- judging --------------------------------------------------------------------------------- */

void fuzz_lies(struct model *m)
{
    if (!lied && host_violations())
        check_fail("model", 0, "%s", host_first_violation());
    for (unsigned i = 0; i < MODEL_QUEUES && !lied; i++)
        model_let_all_go(&m->queues[i]);
    lied = true;
    host_dma_ownership(false);
    host_judge(false);
    m->scribbles = true;
}

bool fuzz_lied(void)
{
    return lied;
}

void fuzz_end(uint64_t ns)
{
    host_run_for(ns);
    host_shutdown();
}

/* ---- what test programs have from check.c ---------------------------------------------------- */

unsigned case_variant;

void check_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "check failed: %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

void expect_violations(unsigned n)
{
    CHECK_EQ(host_violations(), n);
    host_violations_clear();
}

static uint64_t seed;

void random_seed(uint64_t v)
{
    seed = v;
}

uint32_t random32(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

uint32_t random_below(uint32_t n)
{
    return (uint32_t)((uint64_t)random32() * n >> 32);
}

/* ---- the heap of an input -------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);

static void *heap[HEAP_MAX]; /* in no order, but the newest are last */
static unsigned heap_used;
static bool running;

static void *heap_note(void *p)
{
    if (!running || !p)
        return p;
    if (heap_used == HEAP_MAX)
        check_fail("heap", 0, "more than %u blocks of memory", HEAP_MAX);
    heap[heap_used++] = p;
    return p;
}

static void heap_forget(const void *p)
{
    for (unsigned i = heap_used; i-- > 0;) {
        if (heap[i] == p) {
            heap[i] = heap[--heap_used];
            return;
        }
    }
}

void *__wrap_malloc(size_t size)
{
    return heap_note(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return heap_note(__real_calloc(n, size));
}

void __wrap_free(void *p)
{
    if (running && p)
        heap_forget(p);
    __real_free(p);
}

static void heap_empty(void)
{
    while (heap_used > 0)
        __real_free(heap[--heap_used]);
}

/* Little memory waits for late accesses: an input makes few of them, and there are many inputs. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8:detect_leaks=0:handle_abort=1";
}

/* ---- a fresh machine ------------------------------------------------------------------------- */

static size_t machine_size(void)
{
    return (size_t)(fuzz_machine_end - fuzz_machine_start);
}

static void map_machine(void)
{
    if (mmap(fuzz_machine_start, machine_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
             image, 0) == MAP_FAILED) {
        perror("the machine's data");
        _exit(1);
    }
}

/* With what the sanitizer keeps between the variables, so it must not look. */
__attribute__((no_sanitize("address"))) static void copy_machine(volatile uint64_t *to)
{
    const volatile uint64_t *from = (const volatile uint64_t *)fuzz_machine_start;

    for (size_t i = 0; i < machine_size() / sizeof(*to); i++)
        to[i] = from[i];
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    void *copy = MAP_FAILED;

    (void)argc, (void)argv;
    host_memory_reset();
    image = memfd_create("machine", MFD_CLOEXEC);
    if (image >= 0 && ftruncate(image, (off_t)machine_size()) == 0)
        copy = mmap(NULL, machine_size(), PROT_READ | PROT_WRITE, MAP_SHARED, image, 0);
    if (copy == MAP_FAILED) {
        perror("a copy of the machine's data");
        _exit(1);
    }
    copy_machine(copy);
    munmap(copy, machine_size());
    map_machine();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_end = data + size;
    lied = false;
    seed = 0x9e3779b97f4a7c15ull;
    case_variant = 0;
    running = true;
    fuzz_one();
    if (!lied && host_violations())
        check_fail("model", 0, "%s", host_first_violation());
    running = false;
    heap_empty();
    host_memory_reset();
    map_machine();
    return 0;
}
