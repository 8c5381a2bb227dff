SRCS := disk.c
DRIVERS := block
