# SPDX-License-Identifier: BSD-2-Clause
# sources.mk: rooms, which are groups of sources that are compiled with the same flags, and their
# files, found by wildcard. After toolchain.mk.

# A room of net/ has its folder's path as its name, with a dash: net-lwip is the port, lwip is lwIP.
NET_ROOMS := net-lwip net-inet net-vsock net-socket
ROOMS := machine libc posix drivers files $(NET_ROOMS) lwip libfdt

# A board.mk may add files of another board (BOARD_SRCS) to those of the board's folder.
BOARD_SRCS :=
-include $(BOARD_DIR)/board.mk
SRC_machine := $(wildcard platform/arch/*.c platform/arch/$(ARCH)/*.[cS] $(BOARD_DIR)/*.[cS]) \
               $(BOARD_SRCS) $(wildcard platform/runtime/*.c)
SRC_libc := $(wildcard platform/libc/*.[cS])
SRC_posix := $(wildcard platform/posix/*.c)
ALL_DRIVERS := $(wildcard drivers/*/*.c drivers/*/*/*.c)
SRC_drivers := $(ALL_DRIVERS)
# What refuses devices of before virtio 1.0, with LEGACY=0 (vireo_config.h); else it is empty.
LEGACY_NONE := drivers/virtio/transport/legacy_none.c
# For kernels that lack what these files have. An image has all of that.
KERNEL_DRIVERS := $(wildcard drivers/*.c)
SRC_files := $(wildcard files/*.c)
$(foreach r,$(NET_ROOMS),$(eval SRC_$r := $(wildcard $(subst -,/,$r)/*.c)))
# lwIP's own socket layer (api/) wants threads; net/inet/ has its sockets on the tasks instead, and
# its own resolver in place of dns.c. net/lwip/net_arp.c is in place of etharp.c.
SRC_lwip := $(filter-out %/dns.c %/etharp.c, \
                $(wildcard $(addprefix $(LWIP)/src/core/,*.c ipv4/*.c ipv6/*.c))) \
            $(LWIP)/src/netif/ethernet.c
# What no packet of a usual connection passes, from its SYN to its end, is compiled to be small
# (most datagrams pass by udp.c), and so is what is no slower then: of the files below
# inet_family.c, and core.c of the drivers (make bench BENCH="tcp ring").
SELDOM := $(addprefix $(LWIP)/src/core/,netif.c raw.c udp.c \
                                        timeouts.c \
              $(addprefix ipv4/,dhcp.c igmp.c ip4.c ip4_addr.c ip4_frag.c icmp.c) \
              $(addprefix ipv6/,ip6.c ip6_addr.c nd6.c mld6.c ip6_frag.c icmp6.c)) \
          $(addprefix net/lwip/,bootip.c tcp_cookie.c tcp_cubic.c tcp_cut.c \
                                tcp_guard.c \
                                tcp_ooseq.c tcp_mtu.c tcp_mtu_probe.c \
                                tcp_sack.c \
                                tcp_stamp.c) \
          $(addprefix net/lwip/tcp_,congestion.c) \
          $(addprefix net/lwip/net_,address.c arp.c dev.c flow.c groups.c icmp.c \
                                    lease.c names.c nd6.c path_mtu.c privacy.c random.c reass.c \
                                    route.c route6.c table.c udp.c) \
          $(addprefix net/inet/sock_,accept.c addr.c cmsg.c conn.c dgram.c dgram_peer.c \
                                     dgram_send.c end.c group.c mtu.c port.c route.c \
                                     tcp.c tcp_info.c) \
          net/socket/socket_value.c \
          $(wildcard net/inet/dns*.c net/inet/resolve*.c net/inet/sock_opt*.c net/inet/inet_*.c) \
          $(wildcard drivers/pci/*.c drivers/net/vnet_ctrl*.c) \
          $(addprefix drivers/net/vnet,.c _map.c _rx_buf.c _rx_frame.c _speed.c _tx_watch.c) \
          $(addprefix platform/arch/,fault.c symbols.c begin.c $(ARCH)/exception.c) \
          $(addprefix platform/virt/,gicv2.c gicv3.c map.c) \
          drivers/entropy/vrng.c \
          $(addprefix platform/runtime/,args.c deadline.c entropy.c initrd.c log.c memory.c \
                                           option.c power.c runs.c \
                                           start.c turn.c tls.c wall.c) \
          $(addprefix platform/virt/,board.c its.c its_queue.c its_table.c lpi.c msi.c pci_host.c \
                                    power.c smmu.c tree_memory.c v2m.c) \
          $(wildcard files/*.c) \
          $(addprefix drivers/block/block_,cut.c list.c lost.c map.c more.c slow.c) \
          $(addprefix drivers/block/,vblk.c vblk_disk.c vblk_more.c) \
          $(addprefix drivers/block/cache/bcache,.c _evict.c _io.c _read.c _write.c) \
          platform/runtime/format.c platform/virt/pl011.c \
          $(addprefix platform/libc/,assert.c calendar.c console.c dir.c environ.c \
                                     environ_begin.c epoll.c fcntl.c file.c getopt.c heap.c io.c \
                                     locks.c path.c path_change.c poll.c sendfile.c strerror.c \
                                     strftime.c strptime.c strtod.c strtol.c strtold.c \
                                     time.c zone.c) \
          $(wildcard platform/posix/*.c) \
          $(addprefix drivers/virtio/,config.c core.c feature.c queues.c recover.c state.c \
                                        wakeup.c ring/virtq_life.c ring/virtq_reset.c) \
          $(addprefix drivers/virtio/transport/,mmio.c mmio_legacy.c vpci.c vpci_irq.c \
                                                vpci_legacy.c vpci_modern.c vpci_window.c)
SRC_libfdt := $(addprefix $(LIBFDT)/,fdt.c fdt_ro.c fdt_addresses.c fdt_strerror.c)
# Files of a fetched release may be older than objects of the release before.
SOURCES_NOW := $(file <$(LWIP)/.version) $(file <$(LIBFDT)/.version)
