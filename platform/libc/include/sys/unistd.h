/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/unistd.h - newlib's header, and what POSIX.1-2017 and Linux have beside it. */
#include_next <sys/unistd.h>
#ifndef VIREO_SYS_UNISTD_H
#define VIREO_SYS_UNISTD_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef _CS_PATH
#define _CS_PATH 0 /* of confstr() */
#endif
int getlogin_r(char *name, size_t len);
#if __GNU_VISIBLE || __BSD_VISIBLE
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
#endif

#ifdef __cplusplus
}
#endif

#endif
