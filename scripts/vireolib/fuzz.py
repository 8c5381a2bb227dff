# SPDX-License-Identifier: BSD-2-Clause
"""The fuzz targets (tests/fuzz/), run by libFuzzer, and the lines that their inputs reach.

    tests/fuzz/corpus/TARGET/        seeds, named by what they are
    tests/fuzz/regressions/TARGET/   inputs that once were findings
    build/fuzz/corpus/TARGET/        what was found to reach something new: goes on growing
    build/fuzz/findings/             inputs that crash, hang, leak or break a rule
"""
import concurrent.futures
import dataclasses
import fnmatch
import glob
import math
import os
import re
import subprocess

from vireolib import coverage

TREE = coverage.TREE
SOURCES = os.path.join('tests', 'fuzz')
BUILD = os.path.join('build', 'fuzz')
FINDINGS = os.path.join(BUILD, 'findings')

# The files that a target is about: of these the lines are counted.
ABOUT = {
    'block': ('drivers/block/*.c',),
    'bootargs': ('platform/runtime/option.c', 'net/lwip/bootip.c'),
    'control': ('drivers/console/*.c',),
    'dns': ('net/inet/dns_message.c',),
    'feature': ('drivers/virtio/feature.c', 'drivers/virtio/core.c',
                'drivers/virtio/ring/choose.c'),
    'littlefs': ('files/littlefs/littlefs_*.c',),
    'sqlite': ('sqlite/*.c',),
    'mmio': ('drivers/virtio/transport/mmio*.c', 'drivers/virtio/config.c',
             'drivers/virtio/core.c', 'drivers/virtio/queues.c', 'drivers/virtio/state.c'),
    'net': ('drivers/net/*.c', 'net/lwip/net_input.c', 'net/lwip/net_rx.c', 'net/lwip/net_udp.c',
            'net/lwip/net_join.c', 'net/lwip/frame_check.c'),
    'packed': ('drivers/virtio/ring/packed*.c', 'drivers/virtio/ring/virtq*.c'),
    'pci': ('drivers/pci/*.c', 'drivers/virtio/transport/vpci*.c'),
    'split': ('drivers/virtio/ring/split*.c', 'drivers/virtio/ring/virtq*.c'),
    'tar': ('files/tar.c', 'files/tar_number.c', 'files/tar_pax.c', 'files/tar_sparse.c',
            'files/ftree_index.c', 'files/path.c'),
    'tcp': ('net/lwip/tcp_*.c',),
    'tree': ('platform/virt/tree.c', 'platform/virt/tree_walk.c'),
    'vsock': ('drivers/vsock/*.c',),
}
INPUT_SECONDS = 25         # an input that takes longer counts as hanging
MEMORY_MB = 1024
LONGEST = {'tar': 16384, 'net': 8192, 'tcp': 4096, 'tree': 8192}
USUAL_LENGTH = 2048


@dataclasses.dataclass
class Result:
    target: str
    executions: int = 0
    seconds: float = 0
    about: tuple = (0, 0)      # lines executed, and lines, of the target's files (ABOUT)
    drivers: tuple = (0, 0)    # likewise of drivers/
    findings: list = dataclasses.field(default_factory=list)   # paths of inputs
    says: str = ''             # the end of what a failing run printed


def targets():
    return sorted(os.path.basename(path)[len('fuzz_'):-len('.c')]
                  for path in glob.glob(os.path.join(TREE, SOURCES, 'fuzz_*.c')))


def kept_inputs(target):
    """The folders of the tree that hold inputs for the target."""
    return [folder for kind in ('corpus', 'regressions')
            if os.path.isdir(os.path.join(TREE, folder := os.path.join(SOURCES, kind, target)))]


def run(target, seconds, grown, findings=FINDINGS):
    """Runs one target for `seconds`. The folder `grown` takes the inputs that reach new code."""
    for folder in (grown, findings):
        os.makedirs(os.path.join(TREE, folder), exist_ok=True)
    prefix = os.path.join(findings, target + '-')
    before = set(glob.glob(os.path.join(TREE, prefix + '*')))
    dictionary = os.path.join(SOURCES, target + '.dict')
    command = [os.path.join(BUILD, target), f'-max_total_time={max(1, round(seconds))}',
               f'-timeout={INPUT_SECONDS}', f'-rss_limit_mb={MEMORY_MB}', '-print_final_stats=1',
               f'-max_len={LONGEST.get(target, USUAL_LENGTH)}', f'-artifact_prefix={prefix}',
               '-verbosity=0', *([f'-dict={dictionary}']
                                 if os.path.exists(os.path.join(TREE, dictionary)) else []),
               grown, *kept_inputs(target)]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, errors='replace')
    result = Result(target, seconds=seconds)
    executed = re.search(r'number_of_executed_units:\s+(\d+)', done.stderr)
    result.executions = int(executed[1]) if executed else 0
    new = sorted(set(glob.glob(os.path.join(TREE, prefix + '*'))) - before)
    result.findings = [os.path.relpath(path, TREE) for path in new]
    if done.returncode and not result.findings:
        result.findings = ['an input of ' + ' '.join(kept_inputs(target))]
    result.says = done.stderr[-4000:] if done.returncode else ''
    return result


def run_all(names, seconds, jobs):
    """Shares `seconds` between the targets, `jobs` at a time; yields results as they come."""
    jobs = min(jobs, len(names))
    share = max(1, seconds / math.ceil(len(names) / jobs))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(run, name, share, os.path.join(BUILD, 'corpus', name))
                   for name in names]
        for future in concurrent.futures.as_completed(waiting):
            yield future.result()


def _sum(files, patterns):
    counts = [count for name, count in files.items()
              if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    return sum(covered for covered, _ in counts), sum(lines for _, lines in counts)


def count_lines(result):
    """Fills in the lines that all inputs of the target reach, old and new."""
    grown = os.path.join(BUILD, 'corpus', result.target)
    build = os.path.join(coverage.BUILD, 'fuzz')
    program = os.path.join(build, result.target)
    profile = program + '.profdata'
    coverage.collect([[program, grown, *kept_inputs(result.target)]], profile)
    objects = [os.path.relpath(path, TREE) for path in
               glob.glob(os.path.join(TREE, build, 'obj', 'drivers', '**', '*.o'), recursive=True)]
    files = coverage.lines(profile, [program, *objects], [*ABOUT[result.target], 'drivers/*.c'])
    result.about = _sum(files, ABOUT[result.target])
    result.drivers = _sum(files, ['drivers/*.c'])
