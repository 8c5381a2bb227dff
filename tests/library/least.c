/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * least.c - the least kernel that uses a disk: QEMU's aarch64 virt board, virtio-mmio, polled,
 * without MMU, libc and linker script. All but the clock comes from drivers/hal_*.c; hal_arch.h is
 * that of the CPU. The exit status tells the result (semihosting).
 */
#include "vireo-drivers.h"

__asm__(".globl _start\n"
        "_start: ldr x0, =__bss_start\n"
        "        ldr x1, =_end\n"
        "1:      str xzr, [x0], #8\n"
        "        cmp x0, x1\n"
        "        b.lo 1b\n"
        "        ldr x0, =stack + 16384\n"
        "        mov sp, x0\n"
        "        bl least_main\n");

char stack[16384] __attribute__((aligned(16)));
static char memory[1 << 20] __attribute__((aligned(4096)));
void least_main(void) __attribute__((noreturn));

uint64_t hal_now_ns(void)
{
    uint64_t count, hz;

    __asm__ volatile("mrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0" : "=r"(count), "=r"(hz));
    return count / (hz / 1000000) * 1000;
}

static void __attribute__((noreturn)) end(uint64_t status)
{
    static uint64_t block[2];
    register uint64_t op __asm__("x0") = 0x18; /* SYS_EXIT */
    register uint64_t *arg __asm__("x1") = block;

    block[0] = 0x20026; /* ADP_Stopped_ApplicationExit */
    block[1] = status;
    for (;;)
        __asm__ volatile("hlt #0xf000" : : "r"(op), "r"(arg) : "memory");
}

static volatile bool ended;

static void done(struct block_request *r)
{
    (void)r;
    ended = true;
}

static int sector(struct block_device *disk, enum block_op op, void *buf)
{
    struct block_seg seg = {buf, 512};
    struct block_request r = {.op = op, .sector = 1, .segs = &seg, .seg_count = 1, .done = done};
    struct block_request *one = &r;

    ended = false;
    block_submit(disk, &one, 1);
    while (!ended)
        vireo_poll();
    return r.result;
}

/* Writes sector 1 and reads it back. */
void least_main(void)
{
    static uint8_t data[512], back[512];
    struct hal_virtio_mmio window = {.len = 0x200, .irq = -1};
    struct block_device *disk;

    vireo_give_memory(memory, sizeof(memory));
    if (vireo_start(NULL))
        end(1);
    for (window.phys = 0x0a000000; window.phys < 0x0a004000; window.phys += window.len)
        virtio_mmio_attach(&window);
    disk = block_get(0);
    if (!disk)
        end(2);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    if (sector(disk, BLOCK_WRITE, data) || sector(disk, BLOCK_READ, back))
        end(3);
    vireo_stop();
    end(memcmp(data, back, sizeof(data)) ? 4 : 0);
}
