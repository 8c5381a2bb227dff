/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/task.h - tasks, wait queues and mutexes: what net/, files/, libc and applications use in
 * order to wait.
 *
 * Tasks are cooperative, on one core; main() is the first. A task runs until it calls a function
 * marked [parks]. While it is parked, other tasks and services (hal.h) run, or the CPU sleeps. Only
 * a task may call what is marked [parks]: not a handler, not run() or arm() of a service, and no
 * code before main(). A call from a service or before main() ends the image with a panic; a call
 * from a handler does so in a debug build. What is not marked may be called from a task or a
 * service, but not from a handler.
 */
#ifndef VIREO_TASK_H
#define VIREO_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../drivers/hal.h" /* whatever an application names "hal.h" */

struct task; /* opaque; the runtime's, and gone when its function has returned */

/*
 * Sizes of a task's stack in bytes. The least leaves half for the task's own calls: while a task is
 * parked, services run on its stack, and take at most TASK_STACK_SERVICES of it. Handlers have a
 * stack of their own. A guard page lies below each stack, and code is compiled so that no frame
 * reaches over it.
 */
#define TASK_STACK_DEFAULT  (32u * 1024u)
#define TASK_STACK_MIN      (8u * 1024u)
#define TASK_STACK_SERVICES (4u * 1024u)

/*
 * Starts fn(arg) as a task of its own, behind all tasks that can run now. The task ends when fn
 * returns. stack: bytes, at least TASK_STACK_MIN, rounded up to pages of 4096; fewer are made that
 * many; 0: TASK_STACK_DEFAULT. The name is not
 * copied: it must outlive the task. NULL: out of memory.
 */
struct task *task_spawn(const char *name, void (*fn)(void *), void *arg, size_t stack);

/* Ends the running task, as the return of its function does; not that of main(). [parks] */
void task_exit(void) __attribute__((noreturn));

/* The running task. NULL before main()'s task exists. */
struct task *task_self(void);

/* The name given to task_spawn; "main" for the first task. */
const char *task_name(const struct task *t);

/* Lets services and all other tasks that can run have a turn, then returns. [parks] */
void task_yield(void);

/*
 * task_yield(), if services have had no turn for 100 us and parking is allowed; otherwise nothing.
 * For calls that may return at once each time, so that a loop of them does not keep the CPU from
 * the device that it waits for. May be called where parking is not allowed.
 */
void task_give_way(void);

/* Sleeps until hal_now_ns() >= when_ns; HAL_NEVER: for good. [parks] */
void task_sleep_until(uint64_t when_ns);

/* True if the caller may call what is marked [parks]. May be called from anywhere. */
bool task_may_park(void);

/*
 * Wait queue: the tasks that wait for one condition, in the order of their arrival. Being woken
 * means that the condition may hold now: the waiter checks again. A zeroed queue is empty. The
 * queue is the caller's, and must stay where it is while a task waits in it.
 */
struct waitq {
    struct task *head, *tail;
};

/*
 * Parks until the queue is woken, or until hal_now_ns() >= deadline_ns (HAL_NEVER: no limit).
 * 0: woken; -ETIMEDOUT. No wake-up is lost between the caller's check of its condition and this
 * call, since no other task and no service runs in between. [parks]
 */
int waitq_wait(struct waitq *q, uint64_t deadline_ns);

/*
 * Makes all tasks in the queue runnable, the longest waiting first. They run when the caller parks.
 */
void waitq_wake_all(struct waitq *q);

/* Makes the longest waiting task runnable. False: none waits. */
bool waitq_wake_first(struct waitq *q);

/*
 * Ends the wait of a task as if it was woken: for waits whose code knows that they may end so.
 * False: it does not wait.
 */
bool task_interrupt(struct task *t);

/*
 * Mutex for state that is held across a park. Recursive: its owner may lock it again, and unlocks
 * it as many times. A zeroed one is unlocked. The longest waiting task gets it next.
 */
struct task_mutex {
    struct task *owner;
    unsigned depth;
    struct waitq waiters;
};
void task_mutex_lock(struct task_mutex *m);    /* [parks], if another task owns it */
bool task_mutex_trylock(struct task_mutex *m); /* false: another task owns it */
void task_mutex_unlock(struct task_mutex *m);  /* by its owner alone; does not park */

#endif
