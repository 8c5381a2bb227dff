/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - an x86 PC that QEMU starts by the PVH entry: microvm, whose virtio-mmio windows the
 * words of the boot name, and q35, which has PCI.
 */
#include "x86.h"

#define UART       0x3f8
#define DEBUG_EXIT 0xf4 /* QEMU's isa-debug-exit: ends with status 2 * value + 1 */

enum { EXIT_PASSED = 0x10, EXIT_FAILED = 0x11 };
enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc };

/* ---- console, end, sleep --------------------------------------------------------------------- */

void machine_putc(char c)
{
    while (!(hal_in8(UART + 5) & 0x20)) /* the transmitter has room */
        hal_relax();
    hal_out8(UART, (uint8_t)c);
}

void machine_exit(int status)
{
    hal_out8(DEBUG_EXIT, status ? EXIT_FAILED : EXIT_PASSED);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_interrupts(bool on)
{
    if (on)
        __asm__ volatile("sti" : : : "memory");
    else
        __asm__ volatile("cli" : : : "memory");
}

/* Interrupts come from behind the instruction that follows sti, so none gets lost before hlt. */
void machine_wait(uint64_t when)
{
    if (when != HAL_NEVER)
        x86_timer_set(x86_timer_units(when));
    __asm__ volatile("sti; hlt" : : : "memory");
    x86_timer_set(0);
}

/* ---- virtio-mmio windows: virtio_mmio.device=512@0xfeb00e00:12, size, address and line ----------
 */

/* The value of a digit; 99 for all that is none. */
static unsigned window_digit(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
}

/* Reads a number, decimal or hexadecimal behind 0x; what follows the number. */
static const char *window_number(const char *s, uint64_t *v)
{
    unsigned base = s[0] == '0' && s[1] == 'x' ? 16 : 10;

    *v = 0;
    for (s += base == 16 ? 2 : 0; window_digit(*s) < base; s++)
        *v = base * *v + window_digit(*s);
    return s;
}

/* What follows the word's "=", if a word starts at s. */
static const char *window_word(const char *s)
{
    static const char word[] = "virtio_mmio.device=";

    for (const char *w = word; *w; w++)
        if (*s++ != *w)
            return NULL;
    return s;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    for (const char *at = kernel_words; at && *at; at++) {
        const char *s = window_word(at);
        uint64_t irq;

        if (!s || n--)
            continue;
        s = window_number(s, &out->len);
        if (*s == 'K') {
            out->len *= 1024;
            s++;
        }
        s = window_number(s + 1, &out->phys);
        window_number(s + 1, &irq);
        out->irq = (hal_irq_t)irq;
        return 0;
    }
    return -ENOENT;
}

/* ---- PCI ------------------------------------------------------------------------------------- */

#define MCH_Q35  0x29c08086u /* vendor and device of q35's host bridge */
#define MCH_ECAM 0x60        /* its register of the configuration space's address */
#define ECAM     0xb0000000u

/* A register of function 00:00.0, by I/O ports: until the configuration space has an address. */
static void pci_select(uint32_t reg)
{
    hal_out32(PCI_ADDRESS, 0x80000000u | reg);
}

int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    pci_select(0);
    if (n || hal_in32(PCI_DATA) != MCH_Q35)
        return -ENOENT;
    pci_select(MCH_ECAM);
    hal_out32(PCI_DATA, ECAM | 1); /* 256 MiB, on */
    *out = (struct hal_pci_host){.bus_last = 255,
                                 .ecam = {ECAM, 0, 0x10000000},
                                 .io = {0xc000, 0xc000, 0x4000},
                                 .mem32 = {0xc0000000, 0xc0000000, 0x3c000000}};
    return 0;
}

/* Slots below 25 are wired so by q35, through PIRQE to PIRQH. */
hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    (void)host;
    return dev < 25 ? (hal_irq_t)(20 + (dev + pin - 1) % 4) : -1;
}

hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    return phys + len <= 0x100000000 ? phys : 0;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The start information of the PVH entry. */
struct start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, words;
};

void machine_start(const struct start_info *info);
void machine_start(const struct start_info *info)
{
    kernel_words = (const char *)(uintptr_t)info->words;
    x86_apic_start();
    x86_clock_start();
    kernel_main();
}
