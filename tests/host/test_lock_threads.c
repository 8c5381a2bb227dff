/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lock_threads.c - a preemptive kernel with one lock around everything (hal.h, Locks): three
 * threads submit requests, a fourth runs the services, and each callback comes once, on whichever
 * thread has the lock. Built with the thread sanitizer.
 */
#include <pthread.h>
#include <string.h>

#include "diskmodel.h"

#define THREADS 3
#define ROUNDS  60

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned working = THREADS;

struct request {
    struct block_request r;
    struct block_seg seg;
    unsigned left; /* callbacks to come: a write, and the read that its callback submits */
};

static void request_done(struct block_request *r)
{
    struct request *q = r->ctx;

    CHECK_EQ(r->result, 0);
    q->left--;
    if (q->left) { /* from within done() */
        r->op = BLOCK_READ;
        memset(q->seg.base, 0, q->seg.len);
        block_submit(disk.dev, &r, 1);
    }
    pthread_cond_broadcast(&ended);
}

static void *submitter(void *arg)
{
    static uint8_t memory[THREADS][1024];
    unsigned n = (unsigned)(uintptr_t)arg;
    struct request q = {.seg = {memory[n], sizeof(memory[n])}};
    struct block_request *r = &q.r;

    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        memset(memory[n], (int)(n + i + 1), sizeof(memory[n]));
        q.r = (struct block_request){.op = BLOCK_WRITE,
                                     .sector = 1000 * n + 2 * i,
                                     .segs = &q.seg,
                                     .seg_count = 1,
                                     .done = request_done,
                                     .ctx = &q};
        q.left = 2;
        block_submit(disk.dev, &r, 1);
        while (q.left)
            pthread_cond_wait(&ended, &lock);
        for (unsigned b = 0; b < sizeof(memory[n]); b++)
            CHECK_EQ(memory[n][b], (uint8_t)(n + i + 1));
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_lock(&lock);
    working--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *server(void *arg)
{
    bool more = true;

    while (more) {
        pthread_mutex_lock(&lock);
        host_run_services();
        more = working > 0;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void one_lock(void)
{
    pthread_t threads[THREADS + 1];

    disk_boot_way(NULL, 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, submitter, (void *)(uintptr_t)i) == 0);
    CHECK(pthread_create(&threads[THREADS], NULL, server, NULL) == 0);
    for (unsigned i = 0; i <= THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(disk.requests >= 2 * THREADS * ROUNDS, 1);
    CHECK_EQ(host_dma_maps(), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"one_lock", one_lock, NULL, 0, disk_ways},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
