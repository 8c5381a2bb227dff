/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux/vm_sockets.h - addresses and options of AF_VSOCK sockets. File and names are those of
 * vsock(7) on Linux, so that programs compile; the numbers are Vireo's own.
 *
 * SOCK_STREAM only. There is no loopback: VMADDR_CID_LOCAL cannot be reached.
 */
#ifndef VIREO_LINUX_VM_SOCKETS_H
#define VIREO_LINUX_VM_SOCKETS_H

#include <stdint.h>
#include <sys/socket.h>

#define VMADDR_CID_ANY        0xffffffffu
#define VMADDR_CID_HYPERVISOR 0u
#define VMADDR_CID_LOCAL      1u
#define VMADDR_CID_HOST       2u
#define VMADDR_PORT_ANY       0xffffffffu

struct sockaddr_vm {
    sa_family_t svm_family; /* AF_VSOCK */
    uint16_t svm_reserved1; /* 0 */
    uint32_t svm_port;      /* both in host byte order */
    uint32_t svm_cid;
    uint8_t svm_flags; /* 0 */
    uint8_t svm_zero[3];
};

/* Options at level AF_VSOCK: uint64_t in bytes (4096 to 1 MiB), and struct timeval. */
#define SO_VM_SOCKETS_BUFFER_SIZE     1
#define SO_VM_SOCKETS_CONNECT_TIMEOUT 6

/* ioctl() on a socket: this machine's CID, an unsigned int. */
#define IOCTL_VM_SOCKETS_GET_LOCAL_CID 0x7b9

/* Including this header links the family of these addresses. */
extern struct socket_family vsock_socket_family;
static struct socket_family *const vsock_socket_family_wanted __attribute__((used)) =
    &vsock_socket_family;

#endif
