/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon.h - the virtio console device (virtio 1.4, section 5.3): ports that carry bytes both ways
 * between the image and a program of the host. Nothing here waits; files/dev_console.c makes files
 * of the ports.
 */
#ifndef VIREO_VCON_H
#define VIREO_VCON_H

#include "hal.h"

struct vcon_port;

/* The n-th port that the host has added and not removed, of all devices; NULL past the last. */
struct vcon_port *vcon_port(unsigned n);

/* Number of the device ("vcon0" is 0), and of the port on it. */
unsigned vcon_device_number(const struct vcon_port *p);
unsigned vcon_port_number(const struct vcon_port *p);
/* The host's name for it, "" if it has none; what is no printable character is '?'. */
const char *vcon_label(const struct vcon_port *p);
/* Meant for a person: the only port of a simple device, or one that the host nominated. */
bool vcon_is_console(const struct vcon_port *p);
/* Columns and rows of its screen; false when the host did not say. */
bool vcon_size(const struct vcon_port *p, uint16_t *cols, uint16_t *rows);

/* Counts how often the port was added: another count is another port with the same number. */
unsigned vcon_incarnation(const struct vcon_port *p);
/* Added, not removed since, and its device is alive. */
bool vcon_present(const struct vcon_port *p);
/* Does a program of the host hold the other end? Always, where the device does not tell. */
bool vcon_host_open(const struct vcon_port *p);
/* Counts how often the host let go of its end. */
unsigned vcon_host_closes(const struct vcon_port *p);

/* Tells the host that the port is in use here, or no longer. -EBUSY: it is in use already. */
int vcon_open(struct vcon_port *p);
void vcon_close(struct vcon_port *p);

/* Copies out what has come, up to len bytes; 0: nothing is there now. */
size_t vcon_read(struct vcon_port *p, void *buf, size_t len);
/* Bytes that vcon_read would find. */
size_t vcon_readable(const struct vcon_port *p);
/* Takes up to len bytes for the host; 0: no room now, or nobody there to take them. */
size_t vcon_write(struct vcon_port *p, const void *buf, size_t len);
bool vcon_writable(const struct vcon_port *p);
/* Bytes are with the device that it has not taken yet. */
bool vcon_unsent(const struct vcon_port *p);

/* Called when any of the above may have changed for a port; from the service. One caller. */
void vcon_on_change(void (*fn)(struct vcon_port *p));

/*
 * Devices with several ports say one by one which there are, and never that these were all. Until
 * this time (hal_now_ns) more are likely to come; 0: all are known.
 */
uint64_t vcon_settled_at(void);

#endif
