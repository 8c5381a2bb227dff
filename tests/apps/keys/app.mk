# A driver of its own for a device type that the tree does not know.
SRCS := vkey.c
