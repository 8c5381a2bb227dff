/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user.c - the ids of the process, and the users and groups that there are (POSIX.1-2017,
 * <unistd.h>, <pwd.h>, <grp.h>): root, as whom an image runs, and nobody, for programs that give up
 * their rights. Ids are kept and told, and change as POSIX says; nothing is allowed or forbidden by
 * them.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int issetugid(void);

#define NOBODY 65534

static char user_root[] = "root", user_nobody[] = "nobody", user_password[] = "*";
static char user_home[] = "/", user_shell[] = "/bin/false";
static char *user_no_members[] = {NULL};

static struct passwd users[] = {
    {user_root, user_password, 0, 0, user_root, user_root, user_home, user_shell},
    {user_nobody, user_password, NOBODY, NOBODY, user_nobody, user_nobody, user_home, user_shell},
};
static struct group groups[] = {
    {user_root, user_password, 0, user_no_members},
    {user_nobody, user_password, NOBODY, user_no_members},
};
#define USERS 2u

/* ---- the table ------------------------------------------------------------------------------- */

/* A copy for a caller, who may write into what a call returned. NULL: there is no such user. */
static struct passwd *user_copy(unsigned i)
{
    static struct passwd copy;

    if (i >= USERS)
        return NULL;
    copy = users[i];
    return &copy;
}

static struct group *group_copy(unsigned i)
{
    static struct group copy;

    if (i >= USERS)
        return NULL;
    copy = groups[i];
    return &copy;
}

/* The number of a user or group; USERS: there is none of that name, or of that id. */
static unsigned user_named(const char *name)
{
    unsigned i = 0;

    while (i < USERS && strcmp(users[i].pw_name, name))
        i++;
    return i;
}

static unsigned user_with(unsigned id)
{
    unsigned i = 0;

    while (i < USERS && users[i].pw_uid != id)
        i++;
    return i;
}

struct passwd *getpwnam(const char *name)
{
    return user_copy(user_named(name));
}

struct passwd *getpwuid(uid_t uid)
{
    return user_copy(user_with(uid));
}

struct group *getgrnam(const char *name)
{
    return group_copy(user_named(name));
}

struct group *getgrgid(gid_t gid)
{
    return group_copy(user_with(gid));
}

/* The texts of the table last, so nothing has to be put into the caller's buffer. */
static int user_into(unsigned i, struct passwd *out, struct passwd **found)
{
    *found = i < USERS ? out : NULL;
    if (*found)
        *out = users[i];
    return 0;
}

static int group_into(unsigned i, struct group *out, struct group **found)
{
    *found = i < USERS ? out : NULL;
    if (*found)
        *out = groups[i];
    return 0;
}

int getpwnam_r(const char *name, struct passwd *out, char *buf, size_t len, struct passwd **found)
{
    (void)buf, (void)len;
    return user_into(user_named(name), out, found);
}

int getpwuid_r(uid_t uid, struct passwd *out, char *buf, size_t len, struct passwd **found)
{
    (void)buf, (void)len;
    return user_into(user_with(uid), out, found);
}

int getgrnam_r(const char *name, struct group *out, char *buf, size_t len, struct group **found)
{
    (void)buf, (void)len;
    return group_into(user_named(name), out, found);
}

int getgrgid_r(gid_t gid, struct group *out, char *buf, size_t len, struct group **found)
{
    (void)buf, (void)len;
    return group_into(user_with(gid), out, found);
}

static unsigned next_user, next_group;

struct passwd *getpwent(void)
{
    struct passwd *p = user_copy(next_user);

    next_user += p != NULL;
    return p;
}

void setpwent(void)
{
    next_user = 0;
}

void endpwent(void)
{
    next_user = 0;
}

struct group *getgrent(void)
{
    struct group *g = group_copy(next_group);

    next_group += g != NULL;
    return g;
}

void setgrent(void)
{
    next_group = 0;
}

void endgrent(void)
{
    next_group = 0;
}

/* ---- ids ------------------------------------------------------------------------------------- */

struct user_ids {
    unsigned real, effective, saved;
};
static struct user_ids user_ids, group_ids;
#define UNCHANGED UINT32_MAX

static bool user_may_be(const struct user_ids *now, unsigned id)
{
    return id == UNCHANGED || user_ids.effective == 0 || id == now->real || id == now->effective ||
           id == now->saved;
}

static int user_set(struct user_ids *now, unsigned real, unsigned effective, unsigned saved)
{
    if (!user_may_be(now, real) || !user_may_be(now, effective) || !user_may_be(now, saved)) {
        errno = EPERM;
        return -1;
    }
    if (real != UNCHANGED)
        now->real = real;
    if (effective != UNCHANGED)
        now->effective = effective;
    if (saved != UNCHANGED)
        now->saved = saved;
    return 0;
}

/* Who may be anybody gives up all ids at once. */
static int user_become(struct user_ids *now, unsigned id)
{
    bool all = user_ids.effective == 0;

    return user_set(now, all ? id : UNCHANGED, id, all ? id : UNCHANGED);
}

/* The saved id follows when the real one is set, or the effective one to another than that. */
static int user_exchange(struct user_ids *now, unsigned real, unsigned effective)
{
    unsigned is = effective == UNCHANGED ? now->effective : effective;
    bool saves = real != UNCHANGED || (effective != UNCHANGED && effective != now->real);

    return user_set(now, real, effective, saves ? is : UNCHANGED);
}

uid_t getuid(void)
{
    return (uid_t)user_ids.real;
}

uid_t geteuid(void)
{
    return (uid_t)user_ids.effective;
}

gid_t getgid(void)
{
    return (gid_t)group_ids.real;
}

gid_t getegid(void)
{
    return (gid_t)group_ids.effective;
}

/* A uid_t of newlib has 16 bits: -1 of it is no id either. */
static unsigned user_id(uid_t id)
{
    return id == (uid_t)-1 ? UNCHANGED : id;
}

static unsigned group_id(gid_t id)
{
    return id == (gid_t)-1 ? UNCHANGED : id;
}

int setuid(uid_t uid)
{
    return user_become(&user_ids, uid);
}

int setgid(gid_t gid)
{
    return user_become(&group_ids, gid);
}

int seteuid(uid_t uid)
{
    return user_set(&user_ids, UNCHANGED, uid, UNCHANGED);
}

int setegid(gid_t gid)
{
    return user_set(&group_ids, UNCHANGED, gid, UNCHANGED);
}

int setreuid(uid_t real, uid_t effective)
{
    return user_exchange(&user_ids, user_id(real), user_id(effective));
}

int setregid(gid_t real, gid_t effective)
{
    return user_exchange(&group_ids, group_id(real), group_id(effective));
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return user_set(&user_ids, user_id(real), user_id(effective), user_id(saved));
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return user_set(&group_ids, group_id(real), group_id(effective), group_id(saved));
}

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = (uid_t)user_ids.real;
    *effective = (uid_t)user_ids.effective;
    *saved = (uid_t)user_ids.saved;
    return 0;
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = (gid_t)group_ids.real;
    *effective = (gid_t)group_ids.effective;
    *saved = (gid_t)group_ids.saved;
    return 0;
}

/* There are no groups beside the one that getegid() tells. */
int getgroups(int room, gid_t list[])
{
    (void)list;
    if (room >= 0)
        return 0;
    errno = EINVAL;
    return -1;
}

int setgroups(int count, const gid_t *list)
{
    (void)list;
    if (user_ids.effective == 0 && count >= 0)
        return 0;
    errno = count < 0 ? EINVAL : EPERM;
    return -1;
}

int initgroups(const char *name, gid_t gid)
{
    (void)name;
    return setgroups(1, &gid);
}

int issetugid(void)
{
    return 0;
}

/* ---- who logged in: nobody, and so there is no name -------------------------------------------
 */

char *getlogin(void)
{
    errno = ENXIO;
    return NULL;
}

int getlogin_r(char *name, size_t len)
{
    (void)name, (void)len;
    return ENXIO;
}
