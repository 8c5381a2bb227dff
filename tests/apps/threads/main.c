/* SPDX-License-Identifier: BSD-2-Clause */
/* threads - prints the facts of facts.h; main() ends by pthread_exit, another thread after it. */
#include "facts.h"

static void *last(void *arg)
{
    settle();
    printf("threads: done\n");
    return arg;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    life_facts();
    cancel_facts();
    mutex_facts();
    wait_facts();
    semaphore_facts();
    c11_facts();
    event_facts();
    pthread_detach(start(last, NULL));
    pthread_exit(NULL);
}
