/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay - a path between guests and this host's kernel: delay, loss, reordering, a bottleneck with
 * a queue, for each direction. A program of the host, built by scripts/vireolib/relay.py.
 *
 *   relay TAP SOCKET
 *
 * The kernel's end is the interface TAP, which relay makes in its own network namespace; it ends
 * with relay. Guests connect to the UNIX socket as QEMU's `-netdev stream` does: each frame follows
 * its length in four bytes, big end first. All guests share the path. Frames from one guest never
 * go to another.
 *
 * Standard input has commands, a line each; each has an answer of one line:
 *
 *   path WAY NAME=VALUE...  WAY is out (guests to kernel), in, or both. What is not named is 0:
 *                           delay_us, loss_ppm, late_ppm (the part of the frames that arrive
 *                           late_us later than others), bits_per_s (0: as fast as can be), queue_us
 *                           (how long a frame may wait for the bottleneck; it is lost where it
 *                           would wait longer), seed. Frames on the way are dropped, and the
 *                           counters begin at 0.
 *   pcap FILE               records what guests send and what arrives at them; "pcap -" ends that
 *   stats                   the counters, as JSON
 *
 * Which frames are lost or late follows from the seed and the number of the frame in its direction.
 * Frames of other kinds than IP are delayed alone, and are not counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MAX = 1522,
    FRAME_MIN = 14,
    PREFIX = 4,       /* bytes of a frame's length in a guest's stream */
    WIRE_BYTES = 24,  /* preamble, checksum and gap of Ethernet, for the bottleneck's time */
    FRAMES = 1 << 15, /* on the way, of both directions together */
    GUESTS = 4,
    FROM_GUEST = 256 * 1024, /* bytes read at once */
    TO_GUEST = 4 << 20,      /* bytes that wait for a guest that does not read */
    TAP_BATCH = 64,
    TAP_QUEUE = 4000, /* frames that wait in the kernel: no loss but the path's */
    PPM = 1000000,
};

#define SECOND 1000000000ull
/* The relay sleeps no shorter than this: frames that are due together leave together. */
#define GRAIN 30000ull

enum { OUT, IN, WAYS };
static const char *const way_names[WAYS] = {"out", "in"};

struct frame {
    uint64_t due;
    uint32_t len;
    uint8_t bytes[FRAME_MAX];
};

/* Frames in order of `due`. */
struct fifo {
    uint32_t slot[FRAMES];
    uint32_t head, tail;
};

struct way {
    uint64_t delay, late, loss_ppm, late_ppm, bits_per_s, queue, seed; /* times in ns */
    uint64_t frames, bytes, lost, reordered, full;
    uint64_t free_at; /* the bottleneck has sent all frames */
    struct fifo straight, tardy;
};

struct guest {
    int fd; /* -1: none */
    bool known;
    uint8_t mac[6];
    uint8_t *from,
        *to; /* bytes that came, of which `have` are there; bytes that wait from `at` on */
    size_t have, at, waiting;
};

static struct way ways[WAYS];
static struct frame pool[FRAMES];
static uint32_t free_slots[FRAMES], free_count;
static struct guest guests[GUESTS];
static int tap = -1, listener = -1;
static FILE *capture;
static int64_t to_real_time; /* ns, from this clock to that of the day */
static uint64_t overrun;     /* frames for which the relay had no room: the path is not as asked */

static void die(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- the record ---- */

static void record_begin(const char *path)
{
    const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};

    if (capture)
        fclose(capture);
    capture = strcmp(path, "-") != 0 ? fopen(path, "wb") : NULL;
    if (capture) {
        setvbuf(capture, NULL, _IOFBF, 1 << 20);
        fwrite(head, sizeof(head), 1, capture);
    }
}

static void record(const uint8_t *bytes, uint32_t len, uint64_t now)
{
    uint64_t t = now + (uint64_t)to_real_time;
    const uint32_t head[4] = {(uint32_t)(t / SECOND), (uint32_t)(t % SECOND / 1000), len, len};

    if (capture) {
        fwrite(head, sizeof(head), 1, capture);
        fwrite(bytes, len, 1, capture);
    }
}

/* ---- frames on the way ---- */

static void push(struct fifo *q, uint32_t slot)
{
    q->slot[q->tail++ % FRAMES] = slot;
}

static struct frame *first(const struct fifo *q)
{
    return q->head == q->tail ? NULL : &pool[q->slot[q->head % FRAMES]];
}

static void drop_first(struct fifo *q)
{
    free_slots[free_count++] = q->slot[q->head++ % FRAMES];
}

/* The one of both queues whose first frame is due earlier; NULL: both are empty. */
static struct fifo *earlier(struct way *w)
{
    struct frame *straight = first(&w->straight), *tardy = first(&w->tardy);

    if (!straight || !tardy)
        return straight ? &w->straight : tardy ? &w->tardy : NULL;
    return straight->due <= tardy->due ? &w->straight : &w->tardy;
}

/* 64 bits that follow from the seed, the frame's number and the purpose, each as good as random. */
static uint64_t mixed(uint64_t seed, uint64_t number, uint64_t purpose)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15 + number * 0xd1342543de82ef95 + purpose;

    for (int i = 0; i < 3; i++) {
        x ^= x >> 32;
        x *= 0xe9846af9b1a615d5;
    }
    return x ^ x >> 28;
}

static bool happens(const struct way *w, uint64_t ppm, unsigned purpose)
{
    uint64_t number = w->frames, x = mixed(w->seed, number, purpose * 2 + (w == &ways[IN]));

    return ppm && x % PPM < ppm;
}

static bool is_ip(const uint8_t *frame)
{
    return (frame[12] == 0x08 && frame[13] == 0x00) || (frame[12] == 0x86 && frame[13] == 0xdd);
}

/* When the bottleneck has sent the frame; 0: its queue is full. */
static uint64_t through_bottleneck(struct way *w, uint32_t len, uint64_t now)
{
    uint64_t start = w->free_at > now ? w->free_at : now;

    if (!w->bits_per_s)
        return now;
    if (start - now > w->queue)
        return 0;
    w->free_at = start + (len + WIRE_BYTES) * 8 * SECOND / w->bits_per_s;
    return w->free_at;
}

/* A frame enters the path. */
static void enter(struct way *w, const uint8_t *bytes, uint32_t len, uint64_t now)
{
    bool ip = is_ip(bytes), tardy;
    struct frame *f;
    uint64_t at;

    if (ip) {
        w->frames++;
        w->bytes += len;
        if (happens(w, w->loss_ppm, 1)) {
            w->lost++;
            return;
        }
    }
    at = ip ? through_bottleneck(w, len, now) : now > w->free_at ? now : w->free_at;
    if (!at) {
        w->full++;
        return;
    }
    if (!free_count) {
        overrun++;
        return;
    }
    tardy = ip && happens(w, w->late_ppm, 2);
    w->reordered += tardy;
    f = &pool[free_slots[--free_count]];
    f->due = at + w->delay + (tardy ? w->late : 0);
    f->len = len;
    memcpy(f->bytes, bytes, len);
    push(tardy ? &w->tardy : &w->straight, (uint32_t)(f - pool));
}

/* ---- the ends ---- */

static void hang_up(struct guest *g)
{
    close(g->fd);
    g->fd = -1;
}

static void flush_guest(struct guest *g)
{
    ssize_t n = 0;

    if (g->waiting)
        n = send(g->fd, g->to + g->at, g->waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up(g);
    } else if (n > 0) {
        g->waiting -= (size_t)n;
        g->at = g->waiting ? g->at + (size_t)n : 0;
    }
}

static void put_to_guest(struct guest *g, const struct frame *f)
{
    uint8_t *at;

    if (g->at + g->waiting + PREFIX + f->len > TO_GUEST) {
        memmove(g->to, g->to + g->at, g->waiting);
        g->at = 0;
    }
    if (g->waiting + PREFIX + f->len > TO_GUEST) {
        overrun++;
        return;
    }
    at = g->to + g->at + g->waiting;
    at[0] = at[1] = 0;
    at[2] = (uint8_t)(f->len >> 8);
    at[3] = (uint8_t)f->len;
    memcpy(at + PREFIX, f->bytes, f->len);
    g->waiting += PREFIX + f->len;
}

static void leave_to_guests(const struct frame *f, uint64_t now)
{
    bool many = f->bytes[0] & 1;

    record(f->bytes, f->len, now);
    for (struct guest *g = guests; g < guests + GUESTS; g++)
        if (g->fd >= 0 && (many || (g->known && !memcmp(g->mac, f->bytes, 6))))
            put_to_guest(g, f);
}

static void leave_to_kernel(const struct frame *f)
{
    while (write(tap, f->bytes, f->len) < 0 && errno == EINTR)
        ;
}

/* Hands over what is due. When the next frame is due, or `never`. */
static uint64_t deliver(uint64_t now, uint64_t never)
{
    uint64_t next = never;

    for (int d = 0; d < WAYS; d++) {
        struct fifo *q;

        while ((q = earlier(&ways[d])) && first(q)->due <= now) {
            if (d == OUT)
                leave_to_kernel(first(q));
            else
                leave_to_guests(first(q), now);
            drop_first(q);
        }
        if (q && first(q)->due < next)
            next = first(q)->due;
    }
    for (struct guest *g = guests; g < guests + GUESTS; g++)
        if (g->fd >= 0)
            flush_guest(g);
    return next;
}

static void read_tap(uint64_t now)
{
    uint8_t bytes[FRAME_MAX];

    for (int i = 0; i < TAP_BATCH; i++) {
        ssize_t n = read(tap, bytes, sizeof(bytes));

        if (n < FRAME_MIN)
            return;
        enter(&ways[IN], bytes, (uint32_t)n, now);
    }
}

static void read_guest(struct guest *g, uint64_t now)
{
    ssize_t n = recv(g->fd, g->from + g->have, FROM_GUEST - g->have, MSG_DONTWAIT);
    size_t at = 0;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(g);
        return;
    }
    g->have += n > 0 ? (size_t)n : 0;
    while (g->have - at >= PREFIX) {
        const uint8_t *p = g->from + at;
        uint32_t len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

        if (len < FRAME_MIN || len > FRAME_MAX) {
            fprintf(stderr, "relay: a guest sent a frame of %" PRIu32 " bytes\n", len);
            hang_up(g);
            return;
        }
        if (g->have - at < PREFIX + len)
            break;
        memcpy(g->mac, p + PREFIX + 6, 6);
        g->known = true;
        record(p + PREFIX, len, now);
        enter(&ways[OUT], p + PREFIX, len, now);
        at += PREFIX + len;
    }
    g->have -= at;
    memmove(g->from, g->from + at, g->have);
}

static void accept_guest(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), room = 4 << 20;

    for (struct guest *g = guests; fd >= 0 && g < guests + GUESTS; g++)
        if (g->fd < 0) {
            setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
            g->fd = fd;
            g->known = false;
            g->have = g->at = g->waiting = 0;
            return;
        }
    close(fd);
}

/* ---- commands ---- */

static const struct {
    const char *name;
    size_t offset;
    uint64_t unit;
} settings[] = {
    {"delay_us", offsetof(struct way, delay), 1000},
    {"late_us", offsetof(struct way, late), 1000},
    {"queue_us", offsetof(struct way, queue), 1000},
    {"loss_ppm", offsetof(struct way, loss_ppm), 1},
    {"late_ppm", offsetof(struct way, late_ppm), 1},
    {"bits_per_s", offsetof(struct way, bits_per_s), 1},
    {"seed", offsetof(struct way, seed), 1},
};

static bool set(struct way *w, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t count = sizeof(settings) / sizeof(settings[0]);
    char *end;

    for (size_t i = 0; equals && i < count; i++)
        if (strlen(settings[i].name) == (size_t)(equals - word) &&
            !strncmp(settings[i].name, word, (size_t)(equals - word))) {
            *(uint64_t *)((char *)w + settings[i].offset) =
                strtoull(equals + 1, &end, 10) * settings[i].unit;
            return !*end && end > equals + 1;
        }
    return false;
}

static void empty(struct fifo *q)
{
    while (first(q))
        drop_first(q);
}

/* The path that the words after "path" describe; the word that is wrong, or NULL. */
static const char *set_path(char *words)
{
    char *name = strtok(words, " "), *word;
    struct way fresh = {0};
    bool good = false;

    while ((word = strtok(NULL, " ")) != NULL)
        if (!set(&fresh, word))
            return word;
    for (int d = 0; name && d < WAYS; d++) {
        struct way *w = &ways[d];

        if (strcmp(name, way_names[d]) != 0 && strcmp(name, "both") != 0)
            continue;
        empty(&w->straight);
        empty(&w->tardy);
        memcpy(w, &fresh, offsetof(struct way, straight));
        good = true;
    }
    return good ? NULL : "the direction: it is out, in or both";
}

static void print_stats(void)
{
    printf("{");
    for (int d = 0; d < WAYS; d++) {
        const struct way *w = &ways[d];

        printf("\"%s\": {\"frames\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"lost\": %" PRIu64
               ", \"reordered\": %" PRIu64 ", \"full\": %" PRIu64 "}, ",
               way_names[d], w->frames, w->bytes, w->lost, w->reordered, w->full);
    }
    printf("\"overrun\": %" PRIu64 "}\n", overrun);
}

static void obey(char *line)
{
    const char *wrong = NULL;

    if (!strncmp(line, "path ", 5)) {
        overrun = 0;
        wrong = set_path(line + 5);
    } else if (!strncmp(line, "pcap ", 5)) {
        record_begin(line + 5);
        if (!capture && strcmp(line + 5, "-") != 0)
            wrong = "the file cannot be written";
    } else if (!strcmp(line, "stats")) {
        print_stats();
        return;
    } else {
        wrong = line;
    }
    printf("%s%s\n", wrong ? "wrong: " : "ok", wrong ? wrong : "");
}

/* False at the end of the input. */
static bool read_commands(void)
{
    static char buf[1024];
    static size_t have;
    ssize_t n = read(0, buf + have, sizeof(buf) - 1 - have);
    char *end;

    if (n <= 0)
        return false;
    have += (size_t)n;
    buf[have] = 0;
    while ((end = strchr(buf, '\n')) != NULL) {
        *end++ = 0;
        obey(buf);
        have -= (size_t)(end - buf);
        memmove(buf, end, have + 1);
    }
    fflush(stdout);
    return have < sizeof(buf) - 1;
}

/* ---- the start ---- */

static void open_tap(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &r) < 0)
        die("no tap can be made (that needs root, or the right to administer networks)");
    r.ifr_qlen = TAP_QUEUE;
    if (s < 0 || ioctl(s, SIOCSIFTXQLEN, &r) < 0)
        die("the length of the tap's queue cannot be set");
    close(s);
}

static void open_listener(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(at.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(at.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(listener, GUESTS) < 0)
        die(path);
}

static void begin(void)
{
    for (uint32_t i = 0; i < FRAMES; i++)
        free_slots[free_count++] = FRAMES - 1 - i;
    for (struct guest *g = guests; g < guests + GUESTS; g++) {
        g->fd = -1;
        g->from = malloc(FROM_GUEST);
        g->to = malloc(TO_GUEST);
        if (!g->from || !g->to)
            die("memory");
    }
    to_real_time = (int64_t)(clock_ns(CLOCK_REALTIME) - now_ns());
    prctl(PR_SET_TIMERSLACK, 1UL);
    prctl(PR_SET_PDEATHSIG, 15);
}

/* Sleeps until something comes or `next`, and reads what has come. False at the end. */
static bool wait_and_read(uint64_t next)
{
    struct pollfd p[3 + GUESTS] = {{0, POLLIN, 0}, {listener, POLLIN, 0}, {tap, POLLIN, 0}};
    uint64_t now = now_ns(), wait = next > now + GRAIN ? next - now : GRAIN;
    const struct timespec t = {(time_t)(wait / SECOND), (long)(wait % SECOND)};

    for (int i = 0; i < GUESTS; i++)
        p[3 + i] = (struct pollfd){guests[i].fd, guests[i].waiting ? POLLIN | POLLOUT : POLLIN, 0};
    if (ppoll(p, 3 + GUESTS, &t, NULL) < 0 && errno != EINTR)
        die("poll");
    now = now_ns();
    if (p[2].revents)
        read_tap(now);
    for (int i = 0; i < GUESTS; i++)
        if (p[3 + i].revents & ~POLLOUT)
            read_guest(&guests[i], now);
    if (p[1].revents)
        accept_guest();
    return !p[0].revents || read_commands();
}

int main(int argc, char **argv)
{
    uint64_t next;

    if (argc != 3) {
        fprintf(stderr, "usage: relay TAP SOCKET\n");
        return 2;
    }
    begin();
    open_listener(argv[2]);
    open_tap(argv[1]);
    printf("ready\n");
    fflush(stdout);
    do
        next = deliver(now_ns(), now_ns() + SECOND);
    while (wait_and_read(next));
    record_begin("-");
    return 0;
}
