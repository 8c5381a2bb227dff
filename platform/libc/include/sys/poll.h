/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/poll.h - the older name of <poll.h>. */
#include <poll.h>
