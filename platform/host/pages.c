/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.c (host) - the account of memory, and pages lent to the machine's host. Their addresses are
 * not memory here, so any access to them is found.
 */
#include <stdlib.h>

#include "host.h"

#define PAGE  4096u
#define PAGES 65536
#define FIRST 0x80000000ull /* bus address of the first page that can be lent */

static struct hal_memory memory = {256ull << 20, 200ull << 20};
static bool lent[PAGES];
static unsigned lent_count, next_page;

void host_set_memory(uint64_t total, uint64_t free)
{
    memory = (struct hal_memory){total, free};
}

void hal_memory(struct hal_memory *out)
{
    *out = memory;
}

uint64_t hal_page_lend(void)
{
    if (host_in_handler())
        host_violation("hal_page_lend in handler context");
    if (memory.free < PAGE || lent_count == PAGES)
        return HAL_DMA_NONE;
    while (lent[next_page])
        next_page = (next_page + 1) % PAGES;
    lent[next_page] = true;
    lent_count++;
    memory.free -= PAGE;
    return FIRST + PAGE * (uint64_t)next_page;
}

bool host_page_is_lent(uint64_t page)
{
    return page >= FIRST && page % PAGE == 0 && (page - FIRST) / PAGE < PAGES &&
           lent[(page - FIRST) / PAGE];
}

unsigned host_pages_lent(void)
{
    return lent_count;
}

void hal_page_return(uint64_t page)
{
    if (!host_page_is_lent(page)) {
        host_violation("page %#llx is returned, but was not lent", (unsigned long long)page);
        return;
    }
    lent[(page - FIRST) / PAGE] = false;
    lent_count--;
    memory.free += PAGE;
}
