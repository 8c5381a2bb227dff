/* SPDX-License-Identifier: BSD-2-Clause */
/* spawn.c - what <spawn.h> notes for a process that is never made. */
#include <spawn.h>

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    actions->count = 0;
    return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    (void)actions;
    return 0;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd, const char *path,
                                     int flags, mode_t mode)
{
    (void)fd, (void)path, (void)flags, (void)mode;
    actions->count++;
    return 0;
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
    (void)fd, (void)to;
    actions->count++;
    return 0;
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    (void)fd;
    actions->count++;
    return 0;
}

int posix_spawnattr_init(posix_spawnattr_t *attr)
{
    attr->flags = 0;
    return 0;
}

int posix_spawnattr_destroy(posix_spawnattr_t *attr)
{
    (void)attr;
    return 0;
}

int posix_spawnattr_setflags(posix_spawnattr_t *attr, short flags)
{
    attr->flags = flags;
    return 0;
}

int posix_spawnattr_getflags(const posix_spawnattr_t *attr, short *flags)
{
    *flags = attr->flags;
    return 0;
}
