/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_random.c - unpredictable numbers for lwIP: sequence numbers (RFC 6528), ports and transaction
 * ids (RFC 6056, RFC 5452). All are a keyed hash (SipHash-2-4), whose key comes from getentropy().
 */
#include <unistd.h>

#include "entropy/vrng.h"
#include "lwip/prot/ip4.h"
#include "net_hooks.h"
#include "net_impl.h"

/* Links the driver of the entropy device, whose probe has run before net_random_init(). */
static const char *const entropy_driver __attribute__((used)) = vrng_linked;

static uint64_t hash_key[2];
static uint64_t random_count; /* numbers given out */

static inline uint64_t sip_rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = sip_rotate(v[1], 13) ^ v[0];
    v[3] = sip_rotate(v[3], 16) ^ v[2];
    v[0] = sip_rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = sip_rotate(v[1], 17) ^ v[2];
    v[3] = sip_rotate(v[3], 21) ^ v[0];
    v[2] = sip_rotate(v[2], 32);
}

static inline void sip_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t net_hash(const void *data, size_t len)
{
    uint64_t v[4] = {hash_key[0] ^ 0x736f6d6570736575u, hash_key[1] ^ 0x646f72616e646f6du,
                     hash_key[0] ^ 0x6c7967656e657261u, hash_key[1] ^ 0x7465646279746573u};
    const uint8_t *p = data;
    uint64_t last = (uint64_t)len << 56, word;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&word, p, 8);
        sip_absorb(v, word);
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)p[i] << (8 * i);
    sip_absorb(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void net_random_init(void)
{
    if (getentropy(hash_key, sizeof(hash_key)) != 0) {
        hal_log(HAL_WARN, "net", "no entropy: sequence numbers and ports can be guessed");
        hash_key[0] = hal_now_ns();
    }
}

uint32_t net_random32(void)
{
    random_count++;
    return (uint32_t)net_hash(&random_count, sizeof(random_count));
}

static uint32_t isn_floor;
static uint32_t isn_floor_ports; /* 0: there is none */

void net_tcp_isn_above(uint32_t last, u16_t local_port, u16_t remote_port)
{
    isn_floor = last;
    isn_floor_ports = (uint32_t)local_port << 16 | remote_port;
}

uint64_t net_tcp_secret(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                        u16_t remote_port)
{
    uint32_t ports = (uint32_t)local_port << 16 | remote_port, id[9];

    if (IP_IS_V4(local_ip)) {
        id[0] = ip_2_ip4(local_ip)->addr;
        id[1] = ip_2_ip4(remote_ip)->addr;
        id[2] = ports;
        return net_hash(id, 3 * sizeof(id[0]));
    }
    memcpy(id, ip_2_ip6(local_ip)->addr, 16);
    memcpy(id + 4, ip_2_ip6(remote_ip)->addr, 16);
    id[8] = ports;
    return net_hash(id, sizeof(id));
}

/* RFC 6528, section 3: a clock of some 4 us a tick, plus a hash of addresses and ports. */
u32_t net_tcp_isn(uint64_t secret, u16_t local_port, u16_t remote_port)
{
    u32_t isn = (u32_t)(secret + hal_now_ns() / 4096);

    if (isn_floor_ports == ((uint32_t)local_port << 16 | remote_port)) {
        isn_floor_ports = 0;
        if ((int32_t)(isn - isn_floor) <= 0)
            isn = isn_floor + 0x10000 + (net_random32() & 0xffff);
    }
    return isn;
}

u32_t net_tcp_choose_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                         u16_t remote_port)
{
    return net_tcp_isn(net_tcp_secret(local_ip, local_port, remote_ip, remote_port), local_port,
                       remote_port);
}

/* A counter, of which a Feistel network of four rounds with eight bits a side makes another one. */
static uint32_t id_keys[4];

static inline uint32_t id_round(uint32_t side, unsigned round)
{
    return (side + 1) * id_keys[round] >> 16 & 0xff;
}

static inline u16_t id_next(void)
{
    static uint16_t count;
    uint32_t left = count >> 8, right = count & 0xff;

    count++;
    left ^= id_round(right, 0);
    right ^= id_round(left, 1);
    left ^= id_round(right, 2);
    right ^= id_round(left, 3);
    return (u16_t)(left << 8 | right);
}

static u16_t id_first(void) __attribute__((noinline, cold));
static u16_t id_first(void)
{
    uint32_t key = net_random32() | 1;

    for (unsigned round = 0; round < 4; round++)
        id_keys[round] = key ^ round * 0x9e3779b9u;
    return id_next();
}

/* The first is another function's, so that no register is saved for a call. */
u16_t net_ip4_id(u16_t flags)
{
    if (flags & PP_HTONS(IP_DF))
        return 0;
    return id_keys[0] ? id_next() : id_first();
}
