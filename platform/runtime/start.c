/* SPDX-License-Identifier: BSD-2-Clause */
/* start.c - from runtime_start() to main(), and from vireo_exit() to the end of the run. */
#include <stdlib.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"
#include "vireo/image.h"

#define SHUTDOWN_MAX   32
#define BEFORE_END_MAX 4

int main(int argc, char **argv);

/* There if main() takes arguments. */
char **args_begin(int *argc) __attribute__((weak));

extern const struct hal_init __start_vireo_init[] __attribute__((weak));
extern const struct hal_init __stop_vireo_init[] __attribute__((weak));
/* Of drivers/vireo_drivers.h: there if a driver is linked. */
struct virtio_driver;
int vireo_start(const struct virtio_driver *const *drivers) __attribute__((weak));
extern void (*const __init_array_start[])(void) __attribute__((weak));
extern void (*const __init_array_end[])(void) __attribute__((weak));

static struct {
    hal_shutdown_fn fn;
    void *ctx;
} shutdown_fns[SHUTDOWN_MAX];
static unsigned shutdown_count;

static void (*before_end[BEFORE_END_MAX])(void);
static unsigned before_end_count;
static int failed_status; /* 0: nothing that was to be done before the end has failed */

/* ---- start ----------------------------------------------------------------------------------- */

static void log_banner(void)
{
    const struct board_info *info = board_info();
    uint64_t ram = 0;

    for (unsigned i = 0; i < info->ram_count; i++)
        ram += info->ram[i].len;
    hal_log(HAL_INFO, "vireo", "version %s, %llu MiB of memory", VIREO_VERSION,
            (unsigned long long)(ram >> 20));
}

static void run_init_table(void)
{
    for (unsigned level = 0; level < HAL_INIT_LEVELS; level++) {
        if (level == HAL_INIT_DEVICE && vireo_start)
            vireo_start(NULL);
        for (const struct hal_init *i = __start_vireo_init; i < __stop_vireo_init; i++)
            if (i->level == level)
                i->fn();
    }
}

static void main_task(void)
{
    arch_irq_restore(0);
    task_forbid_parking(true);
    log_init();
    log_banner();
    run_init_table();
    option_report();
    power_watch();
    task_forbid_parking(false);
    for (void (*const *fn)(void) = __init_array_start; fn < __init_array_end; fn++)
        (*fn)();
    arch_mark(ARCH_MARK_MAIN);
    int argc = 0;
    char **argv = args_begin ? args_begin(&argc) : NULL;
    exit(main(argc, argv));
}

void runtime_start(void)
{
    task_start_main(main_task);
}

/* ---- end ------------------------------------------------------------------------------------- */

int hal_on_shutdown(hal_shutdown_fn fn, void *ctx)
{
    if (shutdown_count == SHUTDOWN_MAX)
        return -ENOSPC;
    shutdown_fns[shutdown_count].fn = fn;
    shutdown_fns[shutdown_count++].ctx = ctx;
    return 0;
}

/* Calls the shutdown functions, the last registered first. One that panics is not called again. */
void runtime_stop_devices(void)
{
    while (shutdown_count) {
        shutdown_count--;
        shutdown_fns[shutdown_count].fn(shutdown_fns[shutdown_count].ctx);
    }
}

int vireo_before_end(void (*fn)(void))
{
    if (before_end_count == BEFORE_END_MAX)
        return -ENOSPC;
    before_end[before_end_count++] = fn;
    return 0;
}

void vireo_end_failed(int status)
{
    if (!failed_status)
        failed_status = status;
}

void vireo_exit(int status)
{
    static char line[32];

    for (unsigned n = before_end_count; n--;)
        before_end[n]();
    arch_irq_save();
    runtime_stop_devices();
    status &= 0xff; /* as a shell sees it */
    if (!status)
        status = failed_status;
    console_put_line(line, runtime_format(line, sizeof(line), "vireo: exit %d\n", status));
    board_exit(status);
}

void vireo_ready(void)
{
    static bool said;
    static const char line[] = "vireo: ready\n";

    if (said)
        return;
    said = true;
    console_put_line(line, sizeof(line) - 1);
    arch_mark(ARCH_MARK_READY);
}
