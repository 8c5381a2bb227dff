SRCS := pattern.c
