SRCS := pattern.c reader.c
SCRATCH := 64M
