/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strerror.c - texts of errors, the same as on Linux, since people and scripts know them by these;
 * newlib lacks some, and has none for an unknown number (POSIX.1-2017, strerror, XSI).
 */
#include <errno.h>
#include <locale.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

static const char *const strerror_texts[] = {
    [0] = "Success",
    [EPERM] = "Operation not permitted",
    [ENOENT] = "No such file or directory",
    [ESRCH] = "No such process",
    [EINTR] = "Interrupted system call",
    [EIO] = "Input/output error",
    [ENXIO] = "No such device or address",
    [E2BIG] = "Argument list too long",
    [ENOEXEC] = "Exec format error",
    [EBADF] = "Bad file descriptor",
    [ECHILD] = "No child processes",
    [EAGAIN] = "Resource temporarily unavailable",
    [ENOMEM] = "Cannot allocate memory",
    [EACCES] = "Permission denied",
    [EFAULT] = "Bad address",
    [ENOTBLK] = "Block device required",
    [EBUSY] = "Device or resource busy",
    [EEXIST] = "File exists",
    [EXDEV] = "Invalid cross-device link",
    [ENODEV] = "No such device",
    [ENOTDIR] = "Not a directory",
    [EISDIR] = "Is a directory",
    [EINVAL] = "Invalid argument",
    [ENFILE] = "Too many open files in system",
    [EMFILE] = "Too many open files",
    [ENOTTY] = "Inappropriate ioctl for device",
    [ETXTBSY] = "Text file busy",
    [EFBIG] = "File too large",
    [ENOSPC] = "No space left on device",
    [ESPIPE] = "Illegal seek",
    [EROFS] = "Read-only file system",
    [EMLINK] = "Too many links",
    [EPIPE] = "Broken pipe",
    [EDOM] = "Numerical argument out of domain",
    [ERANGE] = "Numerical result out of range",
    [ENOMSG] = "No message of desired type",
    [EIDRM] = "Identifier removed",
    [EDEADLK] = "Resource deadlock avoided",
    [ENOLCK] = "No locks available",
    [ENOSTR] = "Device not a stream",
    [ENODATA] = "No data available",
    [ETIME] = "Timer expired",
    [ENOSR] = "Out of streams resources",
    [EREMOTE] = "Object is remote",
    [ENOLINK] = "Link has been severed",
    [EPROTO] = "Protocol error",
    [EMULTIHOP] = "Multihop attempted",
    [EBADMSG] = "Bad message",
    [EBADFD] = "File descriptor in bad state",
    [ENOSYS] = "Function not implemented",
    [ENOTEMPTY] = "Directory not empty",
    [ENAMETOOLONG] = "File name too long",
    [ELOOP] = "Too many levels of symbolic links",
    [EOPNOTSUPP] = "Operation not supported",
    [EPFNOSUPPORT] = "Protocol family not supported",
    [ECONNRESET] = "Connection reset by peer",
    [ENOBUFS] = "No buffer space available",
    [EAFNOSUPPORT] = "Address family not supported by protocol",
    [EPROTOTYPE] = "Protocol wrong type for socket",
    [ENOTSOCK] = "Socket operation on non-socket",
    [ENOPROTOOPT] = "Protocol not available",
    [ESHUTDOWN] = "Cannot send after transport endpoint shutdown",
    [ECONNREFUSED] = "Connection refused",
    [EADDRINUSE] = "Address already in use",
    [ECONNABORTED] = "Software caused connection abort",
    [ENETUNREACH] = "Network is unreachable",
    [ENETDOWN] = "Network is down",
    [ETIMEDOUT] = "Connection timed out",
    [EHOSTDOWN] = "Host is down",
    [EHOSTUNREACH] = "No route to host",
    [EINPROGRESS] = "Operation now in progress",
    [EALREADY] = "Operation already in progress",
    [EDESTADDRREQ] = "Destination address required",
    [EMSGSIZE] = "Message too long",
    [EPROTONOSUPPORT] = "Protocol not supported",
    [ESOCKTNOSUPPORT] = "Socket type not supported",
    [EADDRNOTAVAIL] = "Cannot assign requested address",
    [ENETRESET] = "Network dropped connection on reset",
    [EISCONN] = "Transport endpoint is already connected",
    [ENOTCONN] = "Transport endpoint is not connected",
    [ETOOMANYREFS] = "Too many references: cannot splice",
    [EUSERS] = "Too many users",
    [EDQUOT] = "Disk quota exceeded",
    [ESTALE] = "Stale file handle",
    [ENOTSUP] = "Operation not supported",
    [ENOMEDIUM] = "No medium found",
    [EILSEQ] = "Invalid or incomplete multibyte or wide character",
    [EOVERFLOW] = "Value too large for defined data type",
    [ECANCELED] = "Operation canceled",
    [ENOTRECOVERABLE] = "State not recoverable",
    [EOWNERDEAD] = "Owner died",
};

/*
 * What newlib's strerror_r() and perror() call. An unknown number: EINVAL in *error, unless that is
 * NULL, and a text that lasts until the next unknown number.
 */
char *_strerror_r(struct _reent *r, int number, int internal, int *error)
{
    static char unknown[sizeof("Unknown error -2147483648")];

    (void)r, (void)internal;
    if (number >= 0 && (size_t)number < sizeof(strerror_texts) / sizeof(strerror_texts[0]) &&
        strerror_texts[number])
        return (char *)strerror_texts[number];
    if (error)
        *error = EINVAL;
    itoa(number, stpcpy(unknown, "Unknown error "), 10);
    return unknown;
}

char *strerror(int number)
{
    return _strerror_r(_REENT, number, 0, NULL);
}

char *strerror_l(int number, locale_t locale)
{
    (void)locale;
    return strerror(number);
}
