/* SPDX-License-Identifier: BSD-2-Clause */
/* errors.c - names of errors, whose numbers differ between C libraries, and their texts. */
#include "results.h"

#include <errno.h>
#include <string.h>

#define NAMED(name)                                                                                \
    {                                                                                              \
        name, #name                                                                                \
    }

static const struct {
    int number;
    const char *name;
} errors[] = {
    NAMED(E2BIG),
    NAMED(EACCES),
    NAMED(EADDRINUSE),
    NAMED(EADDRNOTAVAIL),
    NAMED(EAFNOSUPPORT),
    NAMED(EAGAIN),
    NAMED(EALREADY),
    NAMED(EBADF),
    NAMED(EBADMSG),
    NAMED(EBUSY),
    NAMED(ECANCELED),
    NAMED(ECHILD),
    NAMED(ECONNABORTED),
    NAMED(ECONNREFUSED),
    NAMED(ECONNRESET),
    NAMED(EDEADLK),
    NAMED(EDESTADDRREQ),
    NAMED(EDOM),
    NAMED(EDQUOT),
    NAMED(EEXIST),
    NAMED(EFAULT),
    NAMED(EFBIG),
    NAMED(EHOSTUNREACH),
    NAMED(EIDRM),
    NAMED(EILSEQ),
    NAMED(EINPROGRESS),
    NAMED(EINTR),
    NAMED(EINVAL),
    NAMED(EIO),
    NAMED(EISCONN),
    NAMED(EISDIR),
    NAMED(ELOOP),
    NAMED(EMFILE),
    NAMED(EMLINK),
    NAMED(EMSGSIZE),
    NAMED(EMULTIHOP),
    NAMED(ENAMETOOLONG),
    NAMED(ENETDOWN),
    NAMED(ENETRESET),
    NAMED(ENETUNREACH),
    NAMED(ENFILE),
    NAMED(ENOBUFS),
    NAMED(ENODATA),
    NAMED(ENODEV),
    NAMED(ENOENT),
    NAMED(ENOEXEC),
    NAMED(ENOLCK),
    NAMED(ENOLINK),
    NAMED(ENOMEM),
    NAMED(ENOMSG),
    NAMED(ENOPROTOOPT),
    NAMED(ENOSPC),
    NAMED(ENOSR),
    NAMED(ENOSTR),
    NAMED(ENOSYS),
    NAMED(ENOTCONN),
    NAMED(ENOTDIR),
    NAMED(ENOTEMPTY),
    NAMED(ENOTRECOVERABLE),
    NAMED(ENOTSOCK),
    NAMED(ENOTSUP),
    NAMED(ENOTTY),
    NAMED(ENXIO),
    NAMED(EOPNOTSUPP),
    NAMED(EOVERFLOW),
    NAMED(EOWNERDEAD),
    NAMED(EPERM),
    NAMED(EPIPE),
    NAMED(EPROTO),
    NAMED(EPROTONOSUPPORT),
    NAMED(EPROTOTYPE),
    NAMED(ERANGE),
    NAMED(EROFS),
    NAMED(ESPIPE),
    NAMED(ESRCH),
    NAMED(ESTALE),
    NAMED(ETIME),
    NAMED(ETIMEDOUT),
    NAMED(ETXTBSY),
    NAMED(EWOULDBLOCK),
    NAMED(EXDEV),
    NAMED(EHOSTDOWN),
    NAMED(EPFNOSUPPORT),
    NAMED(ETOOMANYREFS),
    NAMED(ENOTBLK),
    NAMED(EUSERS),
    NAMED(ESHUTDOWN),
    NAMED(ESOCKTNOSUPPORT),
    NAMED(EREMOTE),
    NAMED(EBADFD),
    NAMED(ENOMEDIUM),
};

const char *errno_name(int e)
{
    if (e == 0)
        return "0";
    for (size_t i = 0; i < COUNT(errors); i++)
        if (errors[i].number == e)
            return errors[i].name;
    return "other";
}

void error_results(void)
{
    char text[64];

    block("strerror");
    for (size_t i = 0; i < COUNT(errors); i++)
        result("strerror %s = %s", errors[i].name, strerror(errors[i].number));
    result("strerror 0 = %s", strerror(0));
    result("strerror 12345 = %s", strerror(12345));
    result("strerror -3 = %s", strerror(-3));
    result("strerror_r = %s", strerror_r(EIO, text, sizeof(text)));
    result("strerror_r 12345 = %s", strerror_r(12345, text, sizeof(text)));
}
