/* SPDX-License-Identifier: BSD-2-Clause */
/* port.c - QEMU's riscv64 virt board without firmware: console, clock, windows, end. */
#include "port.h"

#define UART  0x10000000u
#define POWER 0x00100000u
#define FIRST 0x10001000u /* of eight virtio-mmio windows */

static uint8_t memory[1 << 20];

void port_put(char c)
{
    hal_write8(UART, (uint8_t)c);
}

uint64_t hal_now_ns(void)
{
    uint64_t ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks * 100; /* 10 MHz */
}

void port_main(void)
{
    vireo_log_to(port_log);
    vireo_give_memory(memory, sizeof(memory));
    vireo_start(virtio_drivers);
    for (unsigned i = 0; i < 8; i++)
        virtio_mmio_attach(&(struct hal_virtio_mmio){FIRST + i * 0x1000, 0x1000, -1});
    port_check();
    vireo_stop();
    hal_write32(POWER, 0x5555);
}
