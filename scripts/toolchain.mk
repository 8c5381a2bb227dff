# SPDX-License-Identifier: BSD-2-Clause
# toolchain.mk: the compiler, the C library, and the flags of each room. After config.mk.

CC_TARGET := $(CROSS)gcc
Q := $(if $V,,@)
say = $(if $V,,@printf '  %-5s %s\n' '$1' '$(patsubst $(CURDIR)/%,%,$2)')

LWIP := build/lwip$(if $(LWIP_DIR),-given)
LIBFDT := $(or $(LIBFDT_DIR),build/libfdt)

# What makes the compiler's code fit the CPU. 32-bit Arm: A32, whose frame pointers form a chain;
# and int32_t is int, as for the other machines, so that formats and libfdt fit.
MACHINE_aarch64 = -mno-outline-atomics
MACHINE_arm = -mcpu=cortex-a15 -mfloat-abi=hard -marm -U__INT32_TYPE__ -D__INT32_TYPE__=int \
              -U__UINT32_TYPE__ '-D__UINT32_TYPE__=unsigned int'
MACHINE = $(MACHINE_$(ARCH))

# The C library is built here, from the same source for every compiler.
NEWLIB := $(or $(NEWLIB_DIR),build/newlib-$(ARCH))
OWN_NEWLIB := $(filter build/newlib-%,$(NEWLIB))
NEWLIB_LIB := $(NEWLIB)/lib

# newlib's headers must come after the compiler's: its <stdatomic.h> does not compile with GCC.
GCC_INCLUDE := $(foreach d,include include-fixed,\
    $(addprefix -isystem ,$(filter /%,$(shell $(CC_TARGET) -print-file-name=$d 2>/dev/null))))
FREESTANDING = -ffreestanding -fbuiltin -nostdinc $(GCC_INCLUDE)
WITH_LIBC = -nostdinc $(GCC_INCLUDE) -isystem $(NEWLIB)/include

# The target is no Linux, whatever the compiler was made for.
NOT_LINUX = -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix
# A frame of any size touches each page, so that none reaches over the guard page below a stack.
CLASH = -fstack-clash-protection --param=stack-clash-protection-guard-size=12
# Functions and loops begin anywhere: to align them to 16 bytes would take 2 % of httpd.img, and to
# 32, as gcc 14 does by itself, 4 %.
ALIGN_aarch64 = -falign-functions=4 -falign-loops=4 -falign-jumps=4
# A warning that a newer compiler has stops no build, unless WERROR=1 (.ci/run sets it).
WARNINGS = -Wall -Wextra $(if $(WERROR),-Werror)
COMMON = -std=gnu11 -O2 -g -fno-pie $(MACHINE) -ffunction-sections -fdata-sections \
         -fno-omit-frame-pointer $(CLASH) -fstack-protector-strong -fno-common -fno-unwind-tables \
         -fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)/= \
         -fdebug-prefix-map=$(CURDIR)=. $(NOT_LINUX) $(ALIGN_$(ARCH)) \
         $(if $(DEBUG),-DVIREO_DEBUG,) -DHAL_DMA_NEAR
# The file VERSION is the one place for it: in the log, and for applications.
VERSION = '-DVIREO_VERSION="$(strip $(file <VERSION))"'
# Code that an interrupt handler may run does not touch the floating-point registers.
NO_FP = -mgeneral-regs-only

PLATFORM_INCLUDE = -Iplatform -Iplatform/arch -Iplatform/arch/$(ARCH) -Idrivers
LIBC_INCLUDE = $(PLATFORM_INCLUDE) -Iplatform/libc/include
SOCKET_INCLUDE = $(LIBC_INCLUDE) -Inet/socket -Inet/socket/include
NET_INCLUDE = $(SOCKET_INCLUDE) -Inet/lwip -Inet/lwip/include -Inet/inet/include \
              -I$(LWIP)/src/include
VSOCK_INCLUDE = -Inet/vsock/include

FLAGS_drivers = $(COMMON) $(WARNINGS) $(FREESTANDING) $(NO_FP) $(PLATFORM_INCLUDE)
# Synchronous calls and files (whatever includes vireo/task.h) see libc's headers.
FLAGS_files = $(COMMON) $(WARNINGS) $(WITH_LIBC) $(LIBC_INCLUDE)
FLAGS_files-littlefs = $(FLAGS_files) -Ifiles $(LITTLEFS_FLAGS)
FLAGS_littlefs = $(FLAGS_files) $(LITTLEFS_FLAGS) -w
FLAGS_sqlite = $(FLAGS_files) -Ifiles -isystem $(SQLITE) $(SQLITE_OPTIONS)
FLAGS_machine = $(COMMON) $(VERSION) $(WARNINGS) $(WITH_LIBC) $(NO_FP) $(PLATFORM_INCLUDE) \
                -I$(LIBFDT)
FLAGS_libc = $(COMMON) $(WARNINGS) $(WITH_LIBC) $(LIBC_INCLUDE) -Iplatform/runtime
FLAGS_posix = $(FLAGS_libc) -D_GNU_SOURCE $(VERSION) -Iplatform/libc
FLAGS_net-socket = $(COMMON) $(WARNINGS) $(WITH_LIBC) $(SOCKET_INCLUDE)
FLAGS_net-vsock = $(COMMON) $(WARNINGS) $(WITH_LIBC) $(SOCKET_INCLUDE) $(VSOCK_INCLUDE)
FLAGS_net-lwip = $(COMMON) $(WARNINGS) $(WITH_LIBC) $(NET_INCLUDE)
FLAGS_net-inet = $(FLAGS_net-lwip)
# An application sees what it may include: <vireo.h>, POSIX's headers, those of drivers, and lwIP's.
APP_INCLUDE = platform platform/arch/$(ARCH) drivers platform/libc/include net/socket/include \
              net/lwip/include net/inet/include net/vsock/include net/lwip $(LWIP)/src/include
FLAGS_app = $(COMMON) $(if $(filter $(CURDIR)/%,$(abspath $(APP_DIR))),$(WARNINGS),-Wall -Wextra) \
            $(VERSION) $(addprefix -isystem ,$(APP_INCLUDE)) $(WITH_LIBC)
FLAGS_lwip = $(COMMON) -w $(WITH_LIBC) $(NET_INCLUDE)
# Defined overflow on a hostile tree. Mask 6: no checks of the version (tree_walk refuses others),
# nor of offsets that are taken for the caller's own: those of names and of reserved memory come
# from the tree, and are checked in platform/virt.
FLAGS_libfdt = $(COMMON) -O3 -fwrapv -DFDT_ASSUME_MASK=6 -w $(WITH_LIBC) $(NO_FP) -I$(LIBFDT)

LDFLAGS = $(MACHINE) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
          -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
          $(if $(WERROR),-Wl$(comma)--fatal-warnings)
comma := ,
