/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_defaults.c - what of hal.h a small kernel can do without, as weak functions: each that the
 * kernel defines itself takes the place of the one here. No options; no windows and no PCI but
 * those of virtio_mmio_attach() and virtio_pci_attach(); no interrupts, so that all devices are
 * polled; registers and memory where their bus addresses say. The log goes to vireo_log_to().
 *
 * hal_now_ns() and "hal_arch.h" are always the kernel's; hal_alloc() and its kin are here in
 * hal_arena.c, the services in hal_services.c.
 */
#include "vireo_drivers.h"

/* ---- log and failure ------------------------------------------------------------------------- */

static vireo_log_fn defaults_log;

void vireo_log_to(vireo_log_fn fn)
{
    defaults_log = fn;
}

HAL_WEAK void(hal_log)(enum hal_level level, const char *who, const char *fmt, ...)
{
    va_list ap;

    if (!defaults_log)
        return;
    va_start(ap, fmt);
    defaults_log(level, who, fmt, ap);
    va_end(ap);
}

HAL_WEAK void hal_panic(const char *fmt, ...)
{
    static bool again;
    va_list ap;

    va_start(ap, fmt);
    if (defaults_log)
        defaults_log(HAL_ERROR, "panic", fmt, ap);
    va_end(ap);
    if (!again) {
        again = true;
        vireo_stop();
    }
    for (;;)
        hal_relax();
}

/* The kernel calls vireo_stop(). */
HAL_WEAK int hal_on_shutdown(hal_shutdown_fn fn, void *ctx)
{
    (void)fn;
    (void)ctx;
    return 0;
}

/* ---- options --------------------------------------------------------------------------------- */

HAL_WEAK const char *hal_option(const char *dev, const char *name)
{
    (void)dev;
    (void)name;
    return NULL;
}

/* The number of a string of digits; false: it is none. */
static bool defaults_number(const char *s, uint64_t *v)
{
    const char *begin = s;

    for (*v = 0; *s >= '0' && *s <= '9' && *v < UINT32_MAX; s++)
        *v = *v * 10 + (uint64_t)(*s - '0');
    return s != begin && !*s;
}

/* For a kernel that has a hal_option() of its own: decimal numbers. */
HAL_WEAK uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min,
                                 uint64_t max)
{
    const char *s = hal_option(dev, name);
    uint64_t v;

    if (!s)
        return def;
    if (defaults_number(s, &v) && v >= min && v <= max)
        return v;
    hal_option_bad(dev, name, "use a decimal number in the option's range");
    return def;
}

HAL_WEAK void hal_option_bad(const char *dev, const char *name, const char *use)
{
    hal_log(HAL_WARN, dev ? dev : "vireo", "option %s: %s", name, use);
}

/* ---- what the machine has -------------------------------------------------------------------- */

HAL_WEAK int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    (void)n;
    (void)out;
    return -ENOENT;
}

HAL_WEAK int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    (void)n;
    (void)out;
    return -ENOENT;
}

HAL_WEAK hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    (void)host;
    (void)dev;
    (void)pin;
    return -1;
}

HAL_WEAK hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    return phys <= UINTPTR_MAX && len <= UINTPTR_MAX - phys ? (hal_mmio_t)phys : 0;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

HAL_WEAK int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    (void)irq;
    (void)fn;
    (void)ctx;
    return -EINVAL;
}

HAL_WEAK void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    (void)irq;
    (void)fn;
    (void)ctx;
}

HAL_WEAK void hal_irq_mask(hal_irq_t irq)
{
    (void)irq;
}

HAL_WEAK int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    (void)requester;
    (void)msi;
    return -ENODEV;
}

HAL_WEAK void hal_msi_free(const struct hal_msi *msi)
{
    (void)msi;
}

/* ---- what the balloon and the entropy device are for ----------------------------------------- */

HAL_WEAK void hal_memory(struct hal_memory *out)
{
    *out = (struct hal_memory){0, 0};
}

HAL_WEAK uint64_t hal_page_lend(void)
{
    return HAL_DMA_NONE;
}

HAL_WEAK void hal_page_return(uint64_t page)
{
    (void)page;
}

HAL_WEAK void hal_entropy_add(const void *buf, size_t len)
{
    (void)buf;
    (void)len;
}

/* ---- memory functions of C ------------------------------------------------------------------- */

#if VIREO_MEMORY_FUNCTIONS

/* Small and slow. volatile: else a compiler would call the function in place of its loop. */

HAL_WEAK void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

HAL_WEAK void *memset(void *p, int c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)p)[i] = (uint8_t)c;
    return p;
}

HAL_WEAK int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

#endif
