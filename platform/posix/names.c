/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c - what the machine is called (POSIX.1-2017: uname, gethostname; gethostid, and what
 * Linux has beside them). The name is that of the boot argument "vireo.hostname=", or "vireo".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vireo/task.h"

#define NAME_MAX_BYTES 64 /* as Linux has it */

static char host_name[NAME_MAX_BYTES + 1];

static const char *names_host(void)
{
    const char *given = host_name[0] ? host_name : hal_option("image", "hostname");

    return given && *given ? given : "vireo";
}

/* Copies a name as gethostname() does: a longer one is cut off, and the call fails. */
static int names_copy(const char *name, char *out, size_t len)
{
    if (len)
        snprintf(out, len, "%s", name);
    if (strlen(name) < len)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int gethostname(char *out, size_t len)
{
    return names_copy(names_host(), out, len);
}

int sethostname(const char *name, size_t len)
{
    if (!len || len > NAME_MAX_BYTES || memchr(name, 0, len)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(host_name, name, len);
    host_name[len] = 0;
    return 0;
}

int getdomainname(char *out, size_t len)
{
    return names_copy("(none)", out, len);
}

long gethostid(void)
{
    return 0;
}

int uname(struct utsname *out)
{
    snprintf(out->sysname, sizeof(out->sysname), "Vireo");
    snprintf(out->nodename, sizeof(out->nodename), "%s", names_host());
    snprintf(out->release, sizeof(out->release), "%s", VIREO_VERSION);
    snprintf(out->version, sizeof(out->version), "Vireo %s", VIREO_VERSION);
#if defined(__aarch64__)
    snprintf(out->machine, sizeof(out->machine), "aarch64");
#else
    snprintf(out->machine, sizeof(out->machine), "armv7l");
#endif
    return 0;
}

/* _CS_PATH: where programs would be. The rest has no value. */
size_t confstr(int name, char *out, size_t len)
{
    static const char path[] = "/bin:/usr/bin";

    if (name != _CS_PATH) {
        errno = EINVAL;
        return 0;
    }
    if (len)
        snprintf(out, len, "%s", path);
    return sizeof(path);
}
