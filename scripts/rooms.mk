# rooms.mk: the sources of each room, found by wildcard. After toolchain.mk.

ROOMS := machine libc drivers files sockets net vsock lwip libfdt

SRC_machine := $(wildcard platform/arch/*.c platform/arch/$(ARCH)/*.[cS] platform/virt/*.c \
                          platform/runtime/*.c)
SRC_libc := $(wildcard platform/libc/*.[cS])
ALL_DRIVERS := $(wildcard drivers/*/*.c)
# Either what drives devices of before virtio 1.0, or (LEGACY=0) what refuses them.
LEGACY_ONLY := drivers/virtio/mmio_legacy.c drivers/virtio/pci_legacy.c
LEGACY_NONE := drivers/virtio/legacy_none.c
SRC_drivers := $(filter-out $(if $(filter 0,$(LEGACY)),$(LEGACY_ONLY),$(LEGACY_NONE)), \
                            $(ALL_DRIVERS))
SRC_files := $(wildcard files/*.c)
SRC_sockets := $(wildcard sockets/*.c)
SRC_net := $(wildcard net/*.c)
SRC_vsock := $(wildcard vsock/*.c)
# lwIP's own socket layer (api/) wants threads; net/ has its sockets on the tasks instead.
SRC_lwip := $(wildcard $(addprefix $(LWIP)/src/core/,*.c ipv4/*.c ipv6/*.c)) \
            $(LWIP)/src/netif/ethernet.c
SRC_libfdt := $(addprefix $(LIBFDT)/,fdt.c fdt_ro.c fdt_addresses.c fdt_strerror.c)
