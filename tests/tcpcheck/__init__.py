# SPDX-License-Identifier: BSD-2-Clause
"""Captured frames of TCP, read and judged."""
