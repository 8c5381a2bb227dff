/* SPDX-License-Identifier: BSD-2-Clause */
/* keys - prints the number of each key of a virtio keyboard that is pressed; Q ends the image. */
#include <stdio.h>
#include <vireo.h>

#include "vkey.h"

enum { KEY_Q = 16 };

static struct waitq pressed;

static void on_key(void)
{
    waitq_wake_all(&pressed);
}

int main(void)
{
    unsigned key = 0;

    if (!vkey_name()) {
        printf("keys: there is no keyboard\n");
        return 2;
    }
    vkey_on_key(on_key);
    printf("keys: %s\n", vkey_name());
    vireo_ready();
    while (key != KEY_Q) {
        key = vkey_next();
        if (key)
            printf("keys: %u\n", key);
        else
            waitq_wait(&pressed, HAL_NEVER);
    }
    return 0;
}
