// SPDX-License-Identifier: BSD-2-Clause
// user.cc - a C++ program that includes every public header of drivers/ and calls some functions.
#include "balloon/balloon.h"
#include "block/block.h"
#include "block/cache/bcache.h"
#include "block/vblk.h"
#include "console/vcon.h"
#include "entropy/vrng.h"
#include "net/vnet.h"
#include "pci/pci.h"
#include "vireo_drivers.h"
#include "virtio/virtio.h"
#include "vsock/vsock.h"

// extern "C": a name of the host, which this program has no other header of.
extern "C" void host_boot(void);

namespace
{
const struct virtio_driver *const list[] = {&vblk_driver, &vnet_driver, nullptr};
}

int main()
{
    struct hal_virtio_mmio window = {};
    struct virtio_info info;

    if (vireo_start(list) || virtio_mmio_attach(&window) != -EINVAL)
        return 1;
    if (vireo_start(nullptr) || vireo_poll() != HAL_NEVER || vireo_pending())
        return 2;
    if (block_get(0) || vnet_get(0) || vcon_port(0) || vsock_up() || vrng_pending())
        return 3;
    if (virtio_info(0, &info) != -ENOENT)
        return 4;
    vireo_stop();
    return 0;
}
