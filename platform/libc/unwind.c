/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unwind.c - the name that newlib's setjmp() of 32-bit Arm has in its table for exceptions of C++.
 * libgcc's function of this name would take the whole unwinder into the image, whose tables are not
 * there. Nothing calls the function.
 */
#ifdef __arm__
void __aeabi_unwind_cpp_pr0(void);

void __aeabi_unwind_cpp_pr0(void)
{
}
#endif
