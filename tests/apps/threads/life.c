/* SPDX-License-Identifier: BSD-2-Clause */
/* life.c - threads start, end, are joined and detached; their attributes, values and names. */
#include "facts.h"

static void *give_back(void *arg)
{
    return arg;
}

static void *wait_a_while(void *arg)
{
    settle();
    return arg;
}

static void *exit_deeply(void *arg)
{
    pthread_exit(arg);
}

static void *join_me(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)pthread_join(pthread_self(), NULL);
}

static __thread int counter = 7;
static void *count_own(void *arg)
{
    for (int i = 0; i < (intptr_t)arg; i++) {
        counter++;
        sched_yield();
    }
    return (void *)(intptr_t)counter;
}

static void *set_errno(void *arg)
{
    errno = (int)(intptr_t)arg;
    sched_yield();
    return (void *)(intptr_t)errno;
}

static void joining(void)
{
    pthread_t t = start(give_back, (void *)5), u;
    struct timespec soon = time_after(CLOCK_REALTIME, 1);

    fact_number("result", join(t));
    fact_number("result of pthread_exit", join(start(exit_deeply, (void *)6)));
    fact_number("join itself", join(start(join_me, NULL)) == EDEADLK);
    t = start(wait_a_while, NULL);
    fact("tryjoin of a running one", pthread_tryjoin_np(t, NULL));
    fact("timedjoin", pthread_timedjoin_np(t, NULL, &soon));
    fact("join", pthread_join(t, NULL));
    t = start(wait_a_while, NULL);
    fact("detach", pthread_detach(t));
    fact("join of a detached one", pthread_join(t, NULL));
    settle();
    settle();
    t = start(wait_a_while, NULL);
    u = pthread_self();
    fact_number("equal", !!pthread_equal(t, u) * 2 + !!pthread_equal(u, pthread_self()));
    join(t);
}

static void own_state(void)
{
    pthread_t a = start(count_own, (void *)3), b = start(count_own, (void *)5);

    fact_number("thread-local a", join(a));
    fact_number("thread-local b", join(b));
    fact_number("thread-local main", counter);
    a = start(set_errno, (void *)11);
    b = start(set_errno, (void *)12);
    errno = 13;
    fact_number("errno a", join(a));
    fact_number("errno b", join(b));
    fact_number("errno main", errno);
}

/* Uses `arg` KiB of its stack. */
static void *use_stack(void *arg)
{
    size_t size = (size_t)(intptr_t)arg * 1024;
    volatile char array[size];

    for (size_t i = 0; i < size; i += 512)
        array[i] = (char)i;
    return (void *)(intptr_t)(array[512] == 0);
}

static void attributes(void)
{
    pthread_attr_t attr;
    size_t size;
    int value;
    struct sched_param param = {0};
    pthread_t t;

    fact("attr init", pthread_attr_init(&attr));
    fact("small stack", pthread_attr_setstacksize(&attr, 1000));
    fact("stack", pthread_attr_setstacksize(&attr, 1 << 20));
    fact("get stack", pthread_attr_getstacksize(&attr, &size));
    fact_number("stack is", (long)size);
    fact("create", pthread_create(&t, &attr, use_stack, (void *)900));
    fact_number("a large array", join(t));
    fact("guard", pthread_attr_setguardsize(&attr, 8192));
    pthread_attr_getguardsize(&attr, &size);
    fact_number("guard is", (long)size);
    pthread_attr_getdetachstate(&attr, &value);
    fact_number("detached at first", value == PTHREAD_CREATE_DETACHED);
    fact("wrong state", pthread_attr_setdetachstate(&attr, 99));
    fact("detached", pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    fact("create detached", pthread_create(&t, &attr, wait_a_while, NULL));
    fact("join", pthread_join(t, NULL));
    settle();
    settle();
    fact("policy", pthread_attr_setschedpolicy(&attr, SCHED_OTHER));
    fact("wrong policy", pthread_attr_setschedpolicy(&attr, 77));
    fact("param", pthread_attr_setschedparam(&attr, &param));
    fact("inherit", pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED));
    pthread_attr_getinheritsched(&attr, &value);
    fact_number("inherits", value == PTHREAD_INHERIT_SCHED);
    fact("scope", pthread_attr_setscope(&attr, PTHREAD_SCOPE_SYSTEM));
    fact("scope of a process", pthread_attr_setscope(&attr, PTHREAD_SCOPE_PROCESS));
    pthread_attr_getscope(&attr, &value);
    fact_number("scope is the system's", value == PTHREAD_SCOPE_SYSTEM);
    fact("getschedparam", pthread_getschedparam(pthread_self(), &value, &param));
    fact_number("of SCHED_OTHER", value == SCHED_OTHER && param.sched_priority == 0);
    fact("setschedparam", pthread_setschedparam(pthread_self(), SCHED_OTHER, &param));
    fact("attr destroy", pthread_attr_destroy(&attr));
}

/* ---- values ---------------------------------------------------------------------------------- */

static pthread_key_t first, second, third;
static int destroyed, rounds;

static void destroy(void *value)
{
    destroyed += *(int *)value;
}

static void destroy_and_set(void *value)
{
    rounds++;
    pthread_setspecific(third, value);
}

static int one = 1, ten = 10;
static void *set_values(void *arg)
{
    (void)arg;
    pthread_setspecific(first, &one);
    pthread_setspecific(second, &ten);
    pthread_setspecific(third, &one);
    sched_yield();
    return (void *)(intptr_t)(pthread_getspecific(first) == &one);
}

static void values(void)
{
    pthread_key_t deleted;

    fact("key", pthread_key_create(&first, destroy));
    fact("key", pthread_key_create(&second, destroy));
    fact("key", pthread_key_create(&third, destroy_and_set));
    fact_number("own value", join(start(set_values, NULL)));
    fact_number("destroyed", destroyed);
    fact_number("rounds of destructors", rounds);
    fact_number("main has none", pthread_getspecific(first) == NULL);
    fact("set", pthread_setspecific(first, &one));
    deleted = first;
    fact("delete", pthread_key_delete(first));
    fact("delete again", pthread_key_delete(deleted));
    fact("set deleted", pthread_setspecific(deleted, &one));
    fact("key again", pthread_key_create(&first, NULL));
    fact_number("without the old value", pthread_getspecific(first) == NULL);
    for (int i = 0; i < 3; i++)
        pthread_key_delete(i == 0 ? first : i == 1 ? second : third);
}

/* ---- once, names ----------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialized;

static void initialize(void)
{
    settle();
    initialized++;
}

static void *do_once(void *arg)
{
    (void)arg;
    pthread_once(&once, initialize);
    return (void *)(intptr_t)initialized;
}

static void rest(void)
{
    pthread_t a = start(do_once, NULL), b = start(do_once, NULL);
    char name[16];

    fact_number("once a", join(a));
    fact_number("once b", join(b));
    a = start(wait_a_while, NULL);
    fact("long name", pthread_setname_np(a, "a name of 16 byt"));
    fact("name", pthread_setname_np(a, "a name of 15 by"));
    fact("get name", pthread_getname_np(a, name, sizeof(name)));
    printf("fact name is: %s\n", name);
    fact("short buffer", pthread_getname_np(a, name, 5));
    join(a);
    fact("concurrency", pthread_setconcurrency(3));
    fact_number("concurrency is", pthread_getconcurrency());
    fact("atfork", pthread_atfork(NULL, NULL, NULL));
}

static void many(void)
{
    static pthread_t t[200];
    long sum = 0;

    for (int round = 0; round < 5; round++) {
        for (intptr_t i = 0; i < 200; i++)
            t[i] = start(give_back, (void *)i);
        for (int i = 0; i < 200; i++)
            sum += join(t[i]);
    }
    fact_number("a thousand threads", sum);
}

void life_facts(void)
{
    joining();
    own_state();
    attributes();
    values();
    rest();
    many();
}
