/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pl011.c - the console: an Arm PrimeCell UART (Arm DDI 0183), polled output, interrupt-driven
 * input.
 */
#include "virt.h"

enum {
    UART_DR = 0x0,
    UART_FR = 0x18,
    UART_LCR_H = 0x2c,
    UART_CR = 0x30,
    UART_IMSC = 0x38,
    UART_ICR = 0x44,
};
enum { FR_RX_EMPTY = 1 << 4, FR_TX_FULL = 1 << 5 };
enum { LCR_8BIT = 3 << 5, LCR_FIFO = 1 << 4, CR_ON = 1 << 0 | 1 << 8 | 1 << 9 };
enum { INT_RX = 1 << 4, INT_RX_TIMEOUT = 1 << 6 };

/* Address of the UART on QEMU's virt board: for messages before, or without, a usable tree. */
#define DEFAULT_UART 0x09000000u
#define TX_TRIES     1000000u /* looks at a full UART before a byte is dropped */
#define RING         256u     /* bytes of input */

static hal_mmio_t uart;
static char ring[RING];
static unsigned ring_head, ring_tail; /* bytes put in and taken out since the start */
static void (*on_input)(void);

/* Nothing is sent before: what loads an image need not have used the UART. */
static void uart_turn_on(hal_mmio_t base)
{
    hal_write32(base + UART_IMSC, 0);
    hal_write32(base + UART_LCR_H, LCR_8BIT | LCR_FIFO);
    hal_write32(base + UART_CR, CR_ON);
}

static void uart_put(hal_mmio_t base, char c)
{
    /* If the UART stays full the byte is lost: the image goes on without its console. */
    for (unsigned i = 0; i < TX_TRIES && hal_read32(base + UART_FR) & FR_TX_FULL; i++)
        hal_relax();
    hal_write32(base + UART_DR, (unsigned char)c);
}

void uart_write_raw(const char *s)
{
    uart_turn_on(DEFAULT_UART);
    for (; *s; s++)
        uart_put(DEFAULT_UART, *s);
}

void uart_init(void)
{
    uart = hal_mmio_map(virt.uart.base, virt.uart.len);
    if (uart)
        uart_turn_on(uart);
}

void board_console_write(const char *s, size_t len)
{
    if (!uart) {
        uart = hal_mmio_map(DEFAULT_UART, ARCH_PAGE);
        if (!uart)
            return;
        uart_turn_on(uart);
    }
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\n')
            uart_put(uart, '\r');
        uart_put(uart, s[i]);
    }
}

/* Moves received bytes from the UART to the ring, at most RING. Bytes beyond its room are lost. */
static void uart_receive(void)
{
    for (unsigned i = 0; i < RING && !(hal_read32(uart + UART_FR) & FR_RX_EMPTY); i++) {
        char c = (char)hal_read32(uart + UART_DR);
        if (ring_head - ring_tail < RING)
            ring[ring_head++ % RING] = c;
    }
}

static void uart_interrupt(void *ctx)
{
    (void)ctx;
    hal_write32(uart + UART_ICR, INT_RX | INT_RX_TIMEOUT);
    uart_receive();
    if (on_input)
        on_input();
}

int board_console_getc(void)
{
    int c = -1;

    if (!uart)
        return -1;
    unsigned long state = arch_irq_save();
    if (ring_head == ring_tail)
        uart_receive();
    if (ring_head != ring_tail)
        c = (unsigned char)ring[ring_tail++ % RING];
    arch_irq_restore(state);
    return c;
}

void board_console_on_input(void (*fn)(void))
{
    bool attached = on_input;

    on_input = fn;
    if (attached || !uart || hal_irq_attach(virt.uart_irq, uart_interrupt, NULL))
        return;
    hal_write32(uart + UART_IMSC, INT_RX | INT_RX_TIMEOUT);
}
