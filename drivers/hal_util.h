/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_util.h - helpers that drivers and platform share. They are the same in each port.
 */
#ifndef VIREO_HAL_UTIL_H
#define VIREO_HAL_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A function that another of its name replaces: of hal_*.c by the kernel's. With link-time
 * optimisation, gcc would inline it all the same if the kernel's object is an ordinary one.
 */
#define HAL_WEAK __attribute__((weak, noinline))

/* Are two NUL-terminated strings the same? */
static inline bool hal_same_name(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/*
 * Appends `node` to the singly linked list whose first node `*head` names (NULL: it is empty); the
 * link is the member `next` of each node. Walks the list: for lists that are built while devices
 * are found, not for the hot path. A macro, since the nodes of each list are of a type of their
 * own.
 */
#define HAL_LIST_APPEND(head, node)                                                                \
    do {                                                                                           \
        __typeof__(head) hal_list_end = (head);                                                    \
                                                                                                   \
        while (*hal_list_end)                                                                      \
            hal_list_end = &(*hal_list_end)->next;                                                 \
        (node)->next = NULL;                                                                       \
        *hal_list_end = (node);                                                                    \
    } while (0)

/*
 * Appends `node` to a queue: a singly linked list, by the member `link` of its nodes, with its
 * first and last node at hand (both NULL: it is empty). For the hot path as well.
 */
#define HAL_QUEUE_APPEND(head, tail, node, link)                                                   \
    do {                                                                                           \
        (node)->link = NULL;                                                                       \
        if (tail)                                                                                  \
            (tail)->link = (node);                                                                 \
        else                                                                                       \
            (head) = (node);                                                                       \
        (tail) = (node);                                                                           \
    } while (0)

#endif
