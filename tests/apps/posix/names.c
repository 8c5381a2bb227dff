/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - users, groups, and what the machine is called. */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "posix.h"

static void check_tables(void)
{
    struct passwd entry, *found;
    struct group group, *found_group;
    char buf[100];
    int users = 0, groups = 0;

    is(getpwnam("root") && getpwnam("root")->pw_uid == 0);
    is(!strcmp(getpwuid(65534)->pw_name, "nobody"));
    is(!getpwnam("nosuch") && !getpwuid(1000) && !getgrnam("nosuch") && !getgrgid(1000));
    is(getgrnam("nobody")->gr_gid == 65534 && !*getgrgid(0)->gr_mem);
    is(!getpwnam_r("root", &entry, buf, sizeof(buf), &found) && found == &entry);
    is(!strcmp(entry.pw_dir, "/"));
    is(!getpwuid_r(5, &entry, buf, sizeof(buf), &found) && !found);
    is(!getgrgid_r(0, &group, buf, sizeof(buf), &found_group) && found_group == &group);
    is(!getgrnam_r("root", &group, buf, sizeof(buf), &found_group) && group.gr_gid == 0);
    setpwent();
    while (getpwent())
        users++;
    endpwent();
    setgrent();
    while (getgrent())
        groups++;
    endgrent();
    is(users == 2 && groups == 2);
    is(!getlogin() && getlogin_r(buf, sizeof(buf)) != 0);
}

/* Root becomes nobody for a while, comes back by the saved id, and then for good. */
static void check_ids(void)
{
    uid_t real, effective, saved;

    is(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
    is(getgroups(0, NULL) == 0 && initgroups("nobody", 65534) == 0);
    is(setegid(65534) == 0 && getegid() == 65534 && setegid(0) == 0);
    is(seteuid(65534) == 0 && geteuid() == 65534 && getuid() == 0);
    fails(setuid(17), EPERM);
    fails(setgroups(0, NULL), EPERM);
    is(seteuid(0) == 0 && geteuid() == 0);
    is(setgid(65534) == 0 && setuid(65534) == 0);
    is(!getresuid(&real, &effective, &saved) && real == 65534 && saved == 65534);
    is(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
    fails(setuid(0), EPERM);
    fails(setreuid(0, 0), EPERM);
    is(setreuid((uid_t)-1, 65534) == 0);
}

void check_names(void)
{
    struct utsname u;
    char name[65], small[3];

    is(uname(&u) == 0 && !strcmp(u.sysname, "Vireo") && *u.release);
    is(gethostname(name, sizeof(name)) == 0 && !strcmp(name, u.nodename));
    is(!strcmp(name, "named"));
    fails(gethostname(small, sizeof(small)), ENAMETOOLONG);
    is(sethostname("another", 7) == 0 && gethostname(name, 8) == 0 && !strcmp(name, "another"));
    fails(sethostname("", 0), EINVAL);
    is(getdomainname(name, sizeof(name)) == 0 && gethostid() == 0);
    check_tables();
    check_ids();
}
