/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/utsname.h - what the system is called (POSIX.1-2017). */
#ifndef _SYS_UTSNAME_H
#define _SYS_UTSNAME_H

#ifdef __cplusplus
extern "C" {
#endif

struct utsname {
    char sysname[65]; /* "Vireo" */
    char nodename[65];
    char release[65];
    char version[65];
    char machine[65];
};

int uname(struct utsname *out);

#ifdef __cplusplus
}
#endif

#endif
