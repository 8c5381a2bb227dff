# SPDX-License-Identifier: BSD-2-Clause
# Nothing here calls the balloon's driver: it is linked because it is named.
DRIVERS := balloon
