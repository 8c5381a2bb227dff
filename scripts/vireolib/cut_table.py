# SPDX-License-Identifier: BSD-2-Clause
"""The workloads whose power `make powercut` cuts, by name."""
from vireolib import cut_kv, powercut

WORKLOADS = {w.name: w for w in (powercut.Workload(), powercut.Fileset(), cut_kv.Kv())}
