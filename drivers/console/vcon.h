/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon.h - the virtio console device (virtio 1.4, section 5.3): ports that carry bytes both ways
 * between the image and a program of the host. files/dev_console.c makes files of the ports.
 *
 * All functions run in task context and never park. A `struct vcon_port` lasts as long as the
 * image, also when its port was removed or its device given up.
 */
#ifndef VIREO_VCON_H
#define VIREO_VCON_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vcon_port;

/* ---- which ports there are ------------------------------------------------------------------- */

/* The n-th port (0..) that is present, over all devices; NULL past the last. */
struct vcon_port *vcon_port(unsigned n);

/*
 * A device with several ports announces them one by one, and never says which port is the last.
 * Until this time (hal_now_ns) more announcements are likely; 0: all ports are known.
 */
uint64_t vcon_settled_at(void);

/*
 * fn is called from the driver's service when the answer of a function below may have changed for a
 * port. It must not park, open, close, read or write. There is one listener; NULL removes it.
 */
void vcon_on_change(void (*fn)(struct vcon_port *p));

/* ---- what a port is -------------------------------------------------------------------------- */

/* Number of the port's device: 0 for "vcon0". */
unsigned vcon_device_number(const struct vcon_port *p);
/* Number of the port on its device. */
unsigned vcon_port_number(const struct vcon_port *p);
/* The name that the host gave the port; "" without one. '?' stands for control characters. */
const char *vcon_label(const struct vcon_port *p);
/* Is the port meant for a person? The only port of a simple device, or nominated by the host. */
bool vcon_is_console(const struct vcon_port *p);
/* Columns and rows of the port's screen. False: the host gave no size, ignore both values. */
bool vcon_size(const struct vcon_port *p, uint16_t *cols, uint16_t *rows);

/* Times that the port was added. Another count: another port with the same number. */
unsigned vcon_incarnation(const struct vcon_port *p);
/* Was the port added and not removed since, and is its device not given up? */
bool vcon_present(const struct vcon_port *p);
/* Does a program of the host hold the other end? True where the device does not tell. */
bool vcon_host_open(const struct vcon_port *p);
/* Times that the program of the host closed its end. */
unsigned vcon_host_closes(const struct vcon_port *p);

/* ---- using a port ---------------------------------------------------------------------------- */

/* Tells the host that the port is in use here. 0; -ENODEV: not present; -EBUSY: in use already. */
int vcon_open(struct vcon_port *p);
/* Closes the port: drops bytes that were not read, and tells the host. */
void vcon_close(struct vcon_port *p);

/* Copies received bytes out, at most len; how many. 0: there are none now. */
size_t vcon_read(struct vcon_port *p, void *buf, size_t len);
/* Bytes that vcon_read would find. */
size_t vcon_readable(const struct vcon_port *p);

/*
 * Copies bytes into buffers for the host, at most len; how many. 0: no buffer is free, the port is
 * not present, or no program of the host is there to read. The caller keeps buf.
 */
size_t vcon_write(struct vcon_port *p, const void *buf, size_t len);
/* Would vcon_write take a byte? */
bool vcon_writable(const struct vcon_port *p);
/* Are bytes of vcon_write still waiting for the device to take them? */
bool vcon_unsent(const struct vcon_port *p);

#ifdef __cplusplus
}
#endif

#endif
