/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - the log, and the console's output below it. Handlers log too: nothing here uses libc,
 * parks, or touches floating-point registers.
 */
#include "board.h"
#include "hal.h"
#include "runtime.h"

#define LINE_MAX_BYTES 512 /* of a log line, newline included; a longer one is cut */

static enum hal_level level = HAL_INFO;
static bool mid_line; /* the last byte written to the console was not a newline */

/* With interrupts masked, so that no handler's line lands inside of another. len > 0. */
static void log_write_masked(const char *s, size_t len, bool own_line)
{
    unsigned long state = arch_irq_save();

    if (own_line && mid_line)
        board_console_write("\n", 1);
    board_console_write(s, len);
    mid_line = s[len - 1] != '\n';
    arch_irq_restore(state);
}

void console_put(const char *s, size_t len)
{
    while (len) {
        size_t n = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES; /* handlers run in between */
        log_write_masked(s, n, false);
        s += n;
        len -= n;
    }
}

void console_put_line(const char *s, size_t len)
{
    if (len)
        log_write_masked(s, len, true);
}

void(hal_log)(enum hal_level at, const char *who, const char *fmt, ...)
{
    static const char *const mark[] = {"error: ", "warning: ", "", ""};
    char line[LINE_MAX_BYTES];
    va_list args;

    if (at > level)
        return;
    uint64_t us = hal_now_ns() / 1000;
    size_t len = runtime_format(line, sizeof(line) - 1, "[%5llu.%06llu] %s: %s",
                                (unsigned long long)(us / 1000000),
                                (unsigned long long)(us % 1000000), who, mark[at]);
    va_start(args, fmt);
    len += runtime_format_args(line + len, sizeof(line) - 1 - len, fmt, args);
    va_end(args);
    line[len++] = '\n';
    console_put_line(line, len);
}

void log_init(void)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    const char *wanted = hal_option(NULL, "log");

    if (!wanted)
        return;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (hal_same_name(wanted, names[i])) {
            level = (enum hal_level)i;
            return;
        }
    hal_log(HAL_WARN, "vireo", "boot argument vireo.log=%s: use error, warn, info or debug",
            wanted);
}
