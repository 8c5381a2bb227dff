/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.c - what every transport of the scripted device shares: status and features (virtio 1.4,
 * sections 2.1, 2.2, 3.1), config space (2.5), reset, notifications.
 */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>

#include "model_pci.h"

enum {
    S_ACKNOWLEDGE = 1,
    S_DRIVER = 2,
    S_DRIVER_OK = 4,
    S_FEATURES_OK = 8,
    S_FAILED = 128,
};
enum { F_RING_RESET = 40 };

void (*model_on_rule)(bool kept, const char *rows, const char *text);

void model_rule(bool kept, const char *rows, const char *fmt, ...)
{
    char text[256] = "";
    va_list ap;

    if (kept && !model_on_rule)
        return;
    if (!kept) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
    }
    if (model_on_rule)
        model_on_rule(kept, rows, text);
    else
        host_violation("%s", text);
}

void model_init(struct model *m, enum model_transport t, uint32_t device_id)
{
    memset(m, 0, sizeof(*m));
    m->transport = t;
    m->magic = 0x74726976;
    m->version = t == MODEL_MMIO_LEGACY ? 1 : 2;
    m->device_id = device_id;
    m->vendor_id = 0x4c444f4d;
    m->irq = -1;
    m->name = "model";
    if (!model_is_legacy(m))
        model_offer(m, 32);
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        m->queues[i].index = i;
        m->queues[i].notify_off = (uint16_t)i;
    }
    model_reset(m);
    m->resets = 0;
}

void model_offer(struct model *m, unsigned bit)
{
    m->offered[bit / 32] |= 1u << bit % 32;
}

void model_withdraw(struct model *m, unsigned bit)
{
    m->offered[bit / 32] &= ~(1u << bit % 32);
}

bool model_accepted(const struct model *m, unsigned bit)
{
    return m->accepted[bit / 32] >> bit % 32 & 1;
}

void model_field(struct model *m, unsigned off, unsigned width, uint64_t v)
{
    m->field[off] = (uint8_t)width;
    for (unsigned i = 0; i < width; i++)
        m->config[off + i] = (uint8_t)(v >> 8 * i);
    if (m->config_len < off + width)
        m->config_len = off + width;
}

void model_trace(struct model *m, unsigned off, unsigned width, bool write, bool sync, uint32_t v)
{
    if (m->trace_len < MODEL_TRACE)
        m->trace[m->trace_len++] =
            (struct model_access){(uint16_t)off, (uint8_t)width, write, sync, v};
}

uint32_t model_answer(struct model *m, enum model_space s, unsigned off, unsigned width, uint32_t v)
{
    uint32_t all_ones = UINT32_MAX >> (32 - 8 * width);

    if (m->on.access)
        v = m->on.access(m, s, off, false, v);
    return m->gone ? all_ones : v & all_ones;
}

void model_written(struct model *m, enum model_space s, unsigned off, uint32_t v)
{
    if (m->on.access)
        m->on.access(m, s, off, true, v);
}

/* ---- status ---------------------------------------------------------------------------------- */

void model_reset(struct model *m)
{
    m->status = 0;
    m->features_checked = false;
    m->feature_sel = m->driver_feature_sel = m->queue_sel = MODEL_NOT_SELECTED;
    m->interrupt_status = 0;
    if (!m->lenient)
        m->page_size = 0;
    m->resets++;
    m->lied = false; /* both sides start again */
    memset(m->accepted, 0, sizeof(m->accepted));
    for (unsigned i = 0; i < MODEL_QUEUES; i++)
        model_reset_queue(&m->queues[i]);
    if (m->irq >= 0)
        host_irq_set(m->irq, false);
    if (m->pci)
        model_vpci_reset(m);
}

static void check_status_step(struct model *m, uint32_t v)
{
    uint32_t old = m->status, added = v & ~old;
    bool legacy = model_is_legacy(m);

    model_rule(!(old & ~v & ~64u), "INIT-02", "%s: status %#x -> %#x drops bits", m->name, old, v);
    model_rule(!(v & ~(1u | 2 | 4 | 8 | 64 | 128)), "", "%s: status %#x has undefined bits",
               m->name, v);
    model_rule(!(added & 64), "INIT-01", "%s: the driver sets DEVICE_NEEDS_RESET", m->name);
    if (added & S_FAILED)
        return;
    model_rule(!(old & S_FAILED), old & S_FAILED ? "INIT-03" : "",
               "%s: status %#x after FAILED, without a reset", m->name, v);
    if (added & S_DRIVER)
        model_rule(v & S_ACKNOWLEDGE, "INIT-05 INIT-07", "%s: DRIVER before ACKNOWLEDGE", m->name);
    if (added & S_FEATURES_OK)
        model_rule(!legacy && old & S_DRIVER, legacy ? "LEGACY-INIT-01" : "INIT-05 INIT-08",
                   "%s: FEATURES_OK in status %#x", m->name, v);
    if (added & S_DRIVER_OK)
        model_rule(old & S_DRIVER, "INIT-05 INIT-16", "%s: DRIVER_OK before DRIVER", m->name);
    if (added & S_DRIVER_OK && !legacy)
        model_rule(old & S_FEATURES_OK && m->features_checked, "INIT-14",
                   "%s: DRIVER_OK before FEATURES_OK was read back", m->name);
    if (added & S_DRIVER_OK && legacy)
        model_rule(!(old & S_FEATURES_OK), "LEGACY-INIT-01", "%s: DRIVER_OK in status %#x", m->name,
                   v);
    model_rule(!(added & (added - 1)), "INIT-01", "%s: status %#x -> %#x takes two steps at once",
               m->name, old, v);
}

static bool refuses(const struct model *m)
{
    bool hit = m->refuse_features;

    for (unsigned w = 0; w < 4; w++)
        hit |= m->accepted[w] & m->refuse[w];
    return hit;
}

void model_write_status(struct model *m, uint32_t v)
{
    if (v == 0) {
        if (m->status & S_FAILED)
            model_kept("INIT-03");
        if (m->reset_never) {
            m->stuck = true;
        } else {
            model_reset(m);
            m->reset_left = m->reset_reads;
        }
    } else {
        model_rule(m->resets > 0 || m->stuck, "INIT-05 INIT-06", "%s: status %#x before any reset",
                   m->name, v);
        model_rule(m->reset_left == 0, m->reset_reads ? "RST-01" : "",
                   "%s: status %#x before the reset read back as 0", m->name, v);
        model_rule(!m->stuck || v == S_FAILED, m->stuck ? "RST-01" : "",
                   "%s: status %#x after a reset that is not complete", m->name, v);
        if (!m->stuck)
            check_status_step(m, v);
        m->status = v;
        if (v & S_FEATURES_OK && refuses(m)) {
            m->status &= ~(uint32_t)S_FEATURES_OK;
            m->refused += !(v & S_FAILED);
        }
    }
    if (m->on.status)
        m->on.status(m, v);
}

uint32_t model_read_status(struct model *m)
{
    if (m->reset_left > 0) {
        m->reset_left--;
        return 0x80;
    }
    if (m->status & S_FEATURES_OK)
        m->features_checked = true;
    return m->status;
}

/* ---- features -------------------------------------------------------------------------------- */

uint32_t model_read_features(struct model *m, uint32_t word)
{
    model_rule(m->status & S_DRIVER, "INIT-05 INIT-08", "%s: features read in status %#x", m->name,
               m->status);
    model_rule(word != MODEL_NOT_SELECTED, "MMIO-REG-12",
               "%s: features read, but no word was selected for it", m->name);
    m->feature_sel = MODEL_NOT_SELECTED;
    if (word > 1 && m->alias_features)
        return m->offered[1];
    return word < 4 ? m->offered[word] : 0;
}

void model_write_features(struct model *m, uint32_t word, uint32_t v)
{
    model_rule(m->status & S_DRIVER, "INIT-05 INIT-08", "%s: features written in status %#x",
               m->name, m->status);
    model_rule(!(m->status & (S_FEATURES_OK | S_DRIVER_OK)), "INIT-12 INIT-13",
               "%s: features written in status %#x", m->name, m->status);
    model_rule(word != MODEL_NOT_SELECTED, "MMIO-REG-13",
               "%s: features written, but no word was selected for it", m->name);
    m->driver_feature_sel = MODEL_NOT_SELECTED;
    model_rule(word <= 3 || !v, "FEAT-01", "%s: feature word %u written", m->name, word);
    if (word > 3)
        return;
    model_rule(!(v & ~m->offered[word]), "FEAT-01 INIT-09",
               "%s: feature word %u: %#x accepted, %#x offered", m->name, word, v,
               m->offered[word]);
    m->accepted[word] = v;
}

/* ---- config space ---------------------------------------------------------------------------- */

static void check_config(struct model *m, unsigned off, unsigned width, const char *what)
{
    unsigned first = off;

    while (first > 0 && !m->field[first] && off - first < 8)
        first--;
    unsigned w = m->field[first];
    bool whole = first == off && (w == width || (w == 8 && width == 4));
    bool second_half = w == 8 && first + 4 == off && width == 4;
    /* A byte array: bytes of it may be declared as fields of one byte. */
    model_rule(w != 0, "CFG-03", "%s: config %s of %u bytes at %u: no such field", m->name, what,
               width, off);
    if (w && !(m->lenient && model_is_legacy(m)))
        model_rule(whole || second_half, model_is_legacy(m) ? "" : "MMIO-REG-05",
                   "%s: config %s of %u bytes at %u, a field of %u bytes", m->name, what, width,
                   off, w);
    model_rule(m->status & S_DRIVER, "INIT-05", "%s: config %s in status %#x", m->name, what,
               m->status);
}

uint32_t model_read_config(struct model *m, unsigned off, unsigned width)
{
    uint32_t v = 0;

    check_config(m, off, width, "read");
    for (unsigned i = 0; i < width; i++)
        v |= (off + i < m->config_len ? m->config[off + i] : 0xffu) << 8 * i;
    if (m->generation_never_settles || m->generation_changes > 0) {
        m->generation++;
        m->generation_changes -= m->generation_changes > 0;
    }
    if (m->on.config_read)
        m->on.config_read(m, off);
    return v;
}

void model_write_config(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    check_config(m, off, width, "write");
    if (!model_is_legacy(m))
        model_rule(m->status & (S_FEATURES_OK | S_DRIVER_OK), "INIT-11",
                   "%s: config write before FEATURES_OK", m->name);
    for (unsigned i = 0; i < width && off + i < m->config_len; i++)
        m->config[off + i] = (uint8_t)(v >> 8 * i);
    if (m->on.config_write)
        m->on.config_write(m, off, width, v);
}

/* ---- queues and notifications ---------------------------------------------------------------- */

/* Queue registers may be written between FEATURES_OK (DRIVER on legacy) and DRIVER_OK. */
void model_check_setup(struct model *m, const char *what)
{
    uint32_t need = model_is_legacy(m) ? S_DRIVER : S_FEATURES_OK;

    model_rule(m->status & need, need == S_DRIVER ? "INIT-05 INIT-08" : "INIT-05 INIT-12",
               "%s: %s written in status %#x", m->name, what, m->status);
    model_rule(!(m->status & S_DRIVER_OK) || model_accepted(m, F_RING_RESET), "INIT-15 INIT-16",
               "%s: %s written in status %#x", m->name, what, m->status);
    if (need == S_FEATURES_OK)
        model_rule(m->features_checked, "INIT-14 INIT-15",
                   "%s: %s written before FEATURES_OK was read back", m->name, what);
}
