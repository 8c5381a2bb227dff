SRCS := disk.c net.c
DRIVERS := console
