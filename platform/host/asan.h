/* SPDX-License-Identifier: BSD-2-Clause */
/* asan.h (host) - memory that nobody may touch, where the address sanitizer is compiled in. */
#ifndef HOST_ASAN_H
#define HOST_ASAN_H

#ifndef __has_feature /* clang's way to tell; gcc defines a macro */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
/* Pointers in this memory count when leaks are looked for. */
#define LSAN_ROOT(p, n) __lsan_register_root_region(p, n)
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define LSAN_ROOT(p, n)                   ((void)(p), (void)(n))
#endif

#endif
