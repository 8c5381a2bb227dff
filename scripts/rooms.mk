# rooms.mk: the sources of each room, found by wildcard. After toolchain.mk.

ROOMS := machine libc drivers files net lwip libfdt

SRC_machine := $(wildcard platform/arch/$(ARCH)/*.[cS] platform/virt/*.[cS] platform/runtime/*.[cS])
SRC_libc := $(wildcard platform/libc/*.[cS])
# In drivers/, a file that includes task.h is a synchronous call or a file, and may see libc.
ALL_DRIVERS := $(wildcard drivers/*/*.c)
SRC_files := $(if $(ALL_DRIVERS),$(shell grep -l '^\#include "task\.h"' $(ALL_DRIVERS)))
SRC_drivers := $(filter-out $(SRC_files),$(ALL_DRIVERS))
SRC_net := $(wildcard net/*.c)
# lwIP's own socket layer (api/) wants threads; net/ has its sockets on the tasks instead.
SRC_lwip := $(wildcard $(addprefix $(LWIP)/src/core/,*.c ipv4/*.c ipv6/*.c)) \
            $(LWIP)/src/netif/ethernet.c
SRC_libfdt := $(addprefix $(LIBFDT)/,fdt.c fdt_ro.c fdt_addresses.c fdt_strerror.c)
