/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threadlocal.c - the linker script's symbols for thread-local variables: 24 bytes of initial
 * values, 100 of zeros behind them, an alignment of 128.
 */
char __tls_start[24] = "initial values of tasks";

__asm__(".globl __tls_data_end, __tls_end, __tls_aligned\n\t"
        ".set __tls_data_end, __tls_start + 24\n\t"
        ".set __tls_end, __tls_start + 124\n\t"
        ".set __tls_aligned, __tls_start + 128");
