/* SPDX-License-Identifier: BSD-2-Clause */
/* lines_check.c - kernels/common/lines.c alone: handlers that come and go, and their order. */
#include <assert.h>
#include <stdio.h>

#include "kernel.h"

static bool unmasked[KERNEL_LINES];
static char called[64];
static unsigned calls;

int machine_line(hal_irq_t irq, bool on)
{
    unmasked[irq] = on;
    return 0;
}

static void note(void *name)
{
    called[calls++] = *(const char *)name;
    called[calls] = '\0';
}

static const char *raise(hal_irq_t irq)
{
    calls = 0;
    called[0] = '\0';
    kernel_interrupt(irq);
    return called;
}

int main(void)
{
    static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";

    assert(hal_irq_attach(-1, note, a) == -EINVAL);
    assert(hal_irq_attach(KERNEL_LINES, note, a) == -EINVAL);
    assert(hal_irq_attach(5, note, a) == 0 && hal_irq_attach(6, note, b) == 0);
    assert(hal_irq_attach(5, note, c) == 0);
    assert(hal_same_name(raise(5), "ac") && hal_same_name(raise(6), "b"));
    for (unsigned i = 0; i < 1000; i++) { /* as a device does that is reset again and again */
        hal_irq_detach(6, note, b);
        assert(!unmasked[6] && hal_same_name(raise(6), ""));
        assert(hal_irq_attach(6, note, b) == 0 && unmasked[6]);
    }
    hal_irq_detach(5, note, a);
    assert(unmasked[5] && hal_same_name(raise(5), "c"));
    assert(hal_irq_attach(5, note, d) == 0 && hal_same_name(raise(5), "cd"));
    for (unsigned i = 0; hal_irq_attach(7, note, a) == 0; i++)
        assert(i < 100);
    assert(hal_irq_attach(7, note, a) == -ENOMEM && hal_same_name(raise(6), "b"));
    puts("lines: right");
    return 0;
}
