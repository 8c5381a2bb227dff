/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the power button of the machine: a key on a pin of a PL061 (Arm DDI 0190), which QEMU
 * presses for system_powerdown.
 */
#include "virt.h"

enum {
    GPIO_DIR = 0x400, /* 0: the pin is an input */
    GPIO_IS = 0x404,  /* 0: an edge interrupts */
    GPIO_IBE = 0x408, /* 0: one edge alone */
    GPIO_IEV = 0x40c, /* 1: the rising edge */
    GPIO_IE = 0x410,
    GPIO_MIS = 0x418,
    GPIO_IC = 0x41c,
};
enum { GPIO_PINS = 8, ACTIVE_LOW = 1 };

static struct {
    hal_mmio_t regs;
    uint32_t pin; /* a bit */
    void (*pressed)(void);
} button;

static void button_interrupt(void *ctx)
{
    (void)ctx;
    uint32_t pins = hal_read32(button.regs + GPIO_MIS);

    hal_write32(button.regs + GPIO_IC, pins);
    if (pins & button.pin)
        button.pressed();
}

static void button_set(unsigned reg, bool on)
{
    uint32_t v = hal_read32(button.regs + reg);

    hal_write32(button.regs + reg, on ? v | button.pin : v & ~button.pin);
}

static const struct virt_gpio *button_controller(void)
{
    const struct virt_power *p = &virt.power;

    for (unsigned i = 0; p->phandle && i < p->gpio_count; i++)
        if (p->gpio[i].part.phandle == p->phandle)
            return &p->gpio[i];
    return NULL;
}

void board_on_power_button(void (*fn)(void))
{
    const struct virt_gpio *gpio = button_controller();

    if (!gpio || virt.power.pin >= GPIO_PINS)
        return;
    button.regs = hal_mmio_map(gpio->part.reg.base, ARCH_PAGE);
    button.pin = 1u << virt.power.pin;
    button.pressed = fn;
    if (!button.regs)
        return;
    button_set(GPIO_IE, false);
    button_set(GPIO_DIR, false);
    button_set(GPIO_IS, false);
    button_set(GPIO_IBE, false);
    button_set(GPIO_IEV, !(virt.power.flags & ACTIVE_LOW));
    hal_write32(button.regs + GPIO_IC, button.pin);
    if (!hal_irq_attach(gpio->irq, button_interrupt, NULL))
        button_set(GPIO_IE, true);
}
