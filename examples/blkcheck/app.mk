SRCS := pattern.c reader.c
