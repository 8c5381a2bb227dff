/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_bootargs.c - boot arguments of any bytes: the image's own parser
 * (platform/runtime/option.c), asked for what drivers ask for, what main() gets of them (args.c),
 * and ip= as the network takes it (net/lwip/bootip.c), with one card.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "fuzz.h"
#include "lwip/netif.h"
#include "net.h"
#include "netmodel.h"
#include "runtime.h"
#include "vireo/image.h"

static struct board_info info;

const struct board_info *board_info(void)
{
    return &info;
}

static void ask(const char *dev, const char *name)
{
    const char *v = hal_option(dev, name);

    if (v)
        CHECK(strlen(v) < sizeof(info.bootargs));
    CHECK(hal_option_u64(dev, name, 7, 1, 1000) <= 1000);
}

/* Each word, and all of them together, are as long as the arguments at most. */
static void ask_for_main(void)
{
    int argc = -1;
    char **argv = args_begin(&argc);
    size_t all = 0;

    CHECK(argc >= 1 && argv[argc] == NULL);
    for (int i = 1; i < argc; i++)
        all += strlen(argv[i]) + 1;
    CHECK(all <= sizeof(info.bootargs));
    for (unsigned i = 0; option_variable(i); i++)
        CHECK(strchr(option_variable(i), '=') > option_variable(i));
    if (argc > 1 || option_rest())
        free(argv);
}

static void card(void)
{
    static const unsigned bits[] = {NET_F_MAC, NET_F_STATUS};
    struct net_stats s;

    net_plug(MODEL_MMIO, bits, 2);
    host_boot();
    host_run_for(12 * HAL_SEC);
    net_get_stats(&s);
}

void fuzz_one(void)
{
    bool with_card = fuzz8() & 1;
    size_t len;
    const uint8_t *bytes = fuzz_take(sizeof(info.bootargs) - 1, &len);

    memcpy(info.bootargs, bytes, len);
    info.bootargs_truncated = fuzz_more();
    ask(NULL, "poll");
    ask("vnet0", "qsize");
    ask("vblk0", "features");
    hal_bootarg("ip");
    ask_for_main();
    if (with_card)
        card();
    option_report();
    host_shutdown();
}
