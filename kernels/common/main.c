/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - starts the drivers, runs them, and checks a disk and a network card. */
#include "kernel.h"
#include "vireo_drivers.h"

static void main_sleep(uint64_t when)
{
    machine_interrupts(false);
    if (!vireo_pending()) /* else a handler ran after vireo_poll() */
        machine_wait(when);
    machine_interrupts(true);
}

bool kernel_until(const volatile bool *flag, uint64_t limit_ns)
{
    uint64_t end = hal_now_ns() + limit_ns;

    while (!*flag) {
        uint64_t when = vireo_poll();

        if (hal_now_ns() >= end)
            return *flag;
        if (when && !*flag)
            main_sleep(when < end ? when : end);
    }
    return true;
}

__attribute__((weak)) void machine_memory(void)
{
    static uint8_t memory[2 << 20];

    vireo_give_memory(memory, sizeof(memory));
}

void kernel_main(void)
{
    static const struct virtio_driver *const drivers[] = {&vblk_driver, &vnet_driver, NULL};
    bool good;

    machine_memory();
    machine_interrupts(true);
    vireo_start(drivers);
    good = check_blk();
    good &= check_net();
    vireo_stop();
    kernel_print("check: %s\n", good ? "passed" : "failed");
    machine_exit(!good);
}
