/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - what U-Boot's virtio drivers expect of the rest of U-Boot, as far as they use it:
 * included in front of each of their files, while the headers that they name are empty files. The
 * accesses of registers and the memory for rings lead to the suite.
 */
#ifndef VIREO_SUITE_U_BOOT_KERNEL_H
#define VIREO_SUITE_U_BOOT_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* ---- types and words of the language --------------------------------------------------------- */

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16, __le16, __be16;
typedef uint32_t u32, __u32, __le32, __be32;
typedef unsigned long long u64, __u64, __le64, __be64;
typedef unsigned long ulong, lbaint_t;
typedef unsigned char uchar;

#define __bitwise
#define __force
#define __iomem
#define __packed                __attribute__((packed))
#define unlikely(x)             (x)
#define uninitialized_var(x)    x = 0
#define typecheck(type, x)      __builtin_types_compatible_p(type, __typeof__(x))
#define WRITE_ONCE(x, v)        (*(volatile __typeof__(x) *)&(x) = (v))
#define ARRAY_SIZE(a)           (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)      (((n) + (d)-1) / (d))
#define BIT(n)                  (1ul << (n))
#define BIT_ULL(n)              (1ull << (n))
#define IS_ENABLED(option)      0
#define BUILD_BUG_ON(c)         ((void)(c))
#define WARN_ON(c)              ((void)(c))
#define debug(...)              ((void)0)
#define log_debug(...)          ((void)0)
#define log_msg_ret(where, err) (err)
#define printf(...)             fprintf(stderr, __VA_ARGS__)
#define PAGE_SIZE               4096ul
#define PAGE_SHIFT              12
#define IS_ERR(p)               ((uintptr_t)(p) > (uintptr_t)-4096)
#define PTR_ERR(p)              ((long)(p))
#define ERR_PTR(err)            ((void *)(long)(err))

#define le16_to_cpu(v) ((u16)(v))
#define le32_to_cpu(v) ((u32)(v))
#define le64_to_cpu(v) ((u64)(v))
#define cpu_to_le16(v) ((u16)(v))
#define cpu_to_le32(v) ((u32)(v))
#define cpu_to_le64(v) ((u64)(v))
#define be16_to_cpu(v) __builtin_bswap16(v)
#define be32_to_cpu(v) __builtin_bswap32(v)
#define be64_to_cpu(v) __builtin_bswap64(v)
#define cpu_to_be16(v) __builtin_bswap16(v)
#define cpu_to_be32(v) __builtin_bswap32(v)
#define cpu_to_be64(v) __builtin_bswap64(v)

/* ---- lists ----------------------------------------------------------------------------------- */

struct list_head {
    struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *head)
{
    head->next = head->prev = head;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
    entry->next = head;
    entry->prev = head->prev;
    head->prev->next = entry;
    head->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
}

#define list_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define list_for_each_entry_safe(at, after, head, member)                                          \
    for (at = list_of((head)->next, __typeof__(*at), member),                                      \
        after = list_of(at->member.next, __typeof__(*at), member);                                 \
         &at->member != (head);                                                                    \
         at = after, after = list_of(at->member.next, __typeof__(*at), member))

/* ---- memory and registers -------------------------------------------------------------------- */

#define u_boot_window 0x0a000000ul

void *memalign(size_t align, size_t size);
void u_boot_free(void *p);
#define free(p) u_boot_free(p)

/* As on Arm, a write has a barrier in front of it. */
#define u_boot_offset(a) ((unsigned)((uintptr_t)(a)-u_boot_window))
#define readb(a)         ((u8)suite_read(u_boot_offset(a), 1))
#define readw(a)         ((u16)suite_read(u_boot_offset(a), 2))
#define readl(a)         suite_read(u_boot_offset(a), 4)
#define writeb(v, a)     suite_write(u_boot_offset(a), 1, v)
#define writew(v, a)     suite_write(u_boot_offset(a), 2, v)
#define writel(v, a)     suite_write(u_boot_offset(a), 4, v)

struct bounce_buffer {
    void *user_buffer, *bounce_buffer;
    size_t len, len_aligned;
};
enum { GEN_BB_READ = 1, GEN_BB_WRITE = 2 };
#define bounce_buffer_start_extalign(...) (-ENOMEM)
#define bounce_buffer_stop(b)             ((void)(b))

/* ---- devices --------------------------------------------------------------------------------- */

enum uclass_id { UCLASS_VIRTIO = 1, UCLASS_BLK, UCLASS_ETH, UCLASS_BOOTDEV, UCLASS_PCI };
enum { DM_FLAG_BOUND = 1, DM_FLAG_ACTIVE_DMA = 2, DM_UC_FLAG_SEQ_ALIAS = 4 };
enum { PART_TYPE_UNKNOWN = 0, BOOTDEVP_4_SCAN_FAST = 4 };

struct driver;
struct udevice {
    const char *name;
    const struct driver *driver;
    struct udevice *parent;
    void *priv, *plat, *uclass_plat, *uclass_priv;
};

struct udevice_id {
    const char *compatible;
};

struct driver {
    const char *name;
    enum uclass_id id;
    const struct udevice_id *of_match;
    int (*bind)(struct udevice *dev);
    int (*probe)(struct udevice *dev);
    int (*remove)(struct udevice *dev);
    int (*of_to_plat)(struct udevice *dev);
    size_t priv_auto, plat_auto;
    const void *ops;
    unsigned flags;
};

struct uclass_driver {
    const char *name;
    enum uclass_id id;
    unsigned flags;
    int (*pre_probe)(struct udevice *dev);
    int (*post_probe)(struct udevice *dev);
    int (*child_post_bind)(struct udevice *dev);
    int (*child_pre_probe)(struct udevice *dev);
    int (*child_post_probe)(struct udevice *dev);
    size_t per_device_auto;
};

#define U_BOOT_DRIVER(name)     struct driver u_boot_driver_##name
#define UCLASS_DRIVER(name)     struct uclass_driver u_boot_uclass_##name
#define BOOTDEV_HUNTER(name)    struct bootdev_hunter u_boot_hunter_##name
#define DM_DRIVER_REF(name)     (&u_boot_driver_##name)
#define dev_get_priv(d)         ((d)->priv)
#define dev_get_plat(d)         ((d)->plat)
#define dev_get_uclass_plat(d)  ((d)->uclass_plat)
#define dev_get_uclass_priv(d)  ((d)->uclass_priv)
#define dev_get_flags(d)        ((void)(d), DM_FLAG_BOUND)
#define dev_seq(d)              ((void)(d), 0)
#define device_active(d)        ((void)(d), 1)
#define device_get_uclass_id(d) ((d)->driver->id)
#define device_set_name_alloced(d)
#define dev_read_addr(d) ((void)(d), u_boot_window)
#define FDT_ADDR_T_NONE  (~0ul)

int device_bind_driver(struct udevice *parent, const char *driver, const char *name,
                       struct udevice **dev);
#define bootdev_setup_for_sibling_blk(dev, name) 0
#define uclass_probe_all(id)                     ((void)(id), 0)
#define blk_next_free_devnum(id)                 ((void)(id), 0)

struct bootdev_uc_plat {
    int prio;
};
struct bootdev_ops {
    int unused;
};
struct bootdev_hunter {
    int prio;
    enum uclass_id uclass;
    int (*hunt)(struct bootdev_hunter *info, bool show);
    const struct driver *drv;
};

struct blk_desc {
    enum uclass_id uclass_id;
    int devnum, part_type;
    char vendor[41];
    struct udevice *bdev;
    ulong blksz, log2blksz;
    lbaint_t lba;
};
struct blk_ops {
    ulong (*read)(struct udevice *dev, lbaint_t start, lbaint_t n, void *buffer);
    ulong (*write)(struct udevice *dev, lbaint_t start, lbaint_t n, const void *buffer);
    ulong (*erase)(struct udevice *dev, lbaint_t start, lbaint_t n);
};

struct eth_pdata {
    uchar enetaddr[6];
};
struct eth_ops {
    int (*start)(struct udevice *dev);
    int (*send)(struct udevice *dev, void *packet, int length);
    int (*recv)(struct udevice *dev, int flags, uchar **packet);
    int (*free_pkt)(struct udevice *dev, uchar *packet, int length);
    void (*stop)(struct udevice *dev);
    int (*write_hwaddr)(struct udevice *dev);
    int (*read_rom_hwaddr)(struct udevice *dev);
};

#endif
