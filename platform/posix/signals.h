/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.h - what sends a signal to the image, beside kill(). */
#ifndef VIREO_SIGNALS_H
#define VIREO_SIGNALS_H

#include <signal.h>

/*
 * Signal `sig`, 1 to NSIG - 1, arrives: its handler runs before this returns, or, in a service, in
 * a task of its own; or it waits until it is no longer held back. code: SI_... 0; -1 and EAGAIN: no
 * memory for that task, and the signal waits.
 */
int signal_arrives(int sig, int code, union sigval value);

#endif
