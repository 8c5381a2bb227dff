# SPDX-License-Identifier: BSD-2-Clause
"""What the runner, the tests, the benches and the load generator share. Standard library only."""
