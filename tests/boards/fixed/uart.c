/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c - the console of the board of fixed.h: an Arm PrimeCell UART (Arm DDI 0183) whose
 * speed the firmware has set. Output is polled. Input interrupts once, until all of it was read.
 */
#include "fixed.h"

enum { UART_DR = 0x0, UART_FR = 0x18, UART_CR = 0x30, UART_IMSC = 0x38 };
enum { CR_ON = 1 << 0, CR_TX = 1 << 8, CR_RX = 1 << 9 };
enum { FR_RX_EMPTY = 1 << 4, FR_TX_FULL = 1 << 5, INT_RX = 1 << 4, INT_RX_TIMEOUT = 1 << 6 };
#define TX_TRIES 1000000u

static hal_mmio_t uart; /* 0: not mapped yet */
static void (*on_input)(void);

static void uart_turn_on(hal_mmio_t at)
{
    hal_write32(at + UART_CR, CR_ON | CR_TX | CR_RX);
}

/* A UART that stays full loses the byte: the image outlives its console. */
static void uart_put(hal_mmio_t at, char c)
{
    for (unsigned i = 0; i < TX_TRIES && hal_read32(at + UART_FR) & FR_TX_FULL; i++)
        hal_relax();
    hal_write32(at + UART_DR, (unsigned char)c);
}

void fixed_uart_raw(const char *s)
{
    uart_turn_on(FIXED_UART);
    while (*s)
        uart_put(FIXED_UART, *s++);
}

void fixed_uart_start(void)
{
    uart = hal_mmio_map(FIXED_UART, ARCH_PAGE);
    if (uart)
        uart_turn_on(uart);
}

void board_console_write(const char *s, size_t len)
{
    for (size_t i = 0; uart && i < len; i++) {
        if (s[i] == '\n')
            uart_put(uart, '\r');
        uart_put(uart, s[i]);
    }
}

/* Level-triggered: silent until everything was read. */
static void uart_interrupt(void *ctx)
{
    (void)ctx;
    hal_write32(uart + UART_IMSC, 0);
    on_input();
}

int board_console_getc(void)
{
    if (uart && !(hal_read32(uart + UART_FR) & FR_RX_EMPTY))
        return (unsigned char)hal_read32(uart + UART_DR);
    if (uart && on_input)
        hal_write32(uart + UART_IMSC, INT_RX | INT_RX_TIMEOUT);
    return -1;
}

void board_console_on_input(void (*fn)(void))
{
    bool attached = on_input;

    on_input = fn;
    if (!attached && uart && !hal_irq_attach(FIXED_IRQ_UART, uart_interrupt, NULL))
        hal_write32(uart + UART_IMSC, INT_RX | INT_RX_TIMEOUT);
}
