# SPDX-License-Identifier: BSD-2-Clause
# A process of Linux. Its list of buses and its memory take the places of those of drivers/.

KERNELS += vhost-user
CC_vhost-user := gcc
CPU_vhost-user := -fpie
FLAGS_vhost-user := -DVIREO_PCI=0 -D_GNU_SOURCE
DIR_vhost-user := kernels/vhost-user
LINK_vhost-user := -pie -Wl,--gc-sections
WITHOUT_vhost-user := drivers/virtio/transport/buses.c
