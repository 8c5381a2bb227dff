# SPDX-License-Identifier: BSD-2-Clause
"""Corrections of a library's copy below build/: texts that are replaced, each of which must stand
there exactly once. For scripts/fix-lwip and scripts/fix-littlefs."""
import pathlib


def named(mends):
    """Names, and the fixes of each: one that is called "the same" belongs to the one before."""
    found = []
    for fix in mends:
        if fix[1] != 'the same':
            found.append((fix[1], []))
        found[-1][1].append(fix)
    return found


def fixed(text, name, fixes, otherwise):
    for path, why, old, new in fixes:
        if path != name:
            continue
        if text.count(old) != 1:
            raise SystemExit(otherwise.format(path=path, why=why))
        text = text.replace(old, new)
    return text


def apply(folder, always, mends, without, otherwise):
    """Makes each file from the one that came, which is kept as FILE.pristine."""
    fixes = always + [fix for n, (_, some) in enumerate(named(mends)) if n != without
                      for fix in some]
    root = pathlib.Path(folder)
    for name in dict.fromkeys(fix[0] for fix in always + mends):
        file = root / name
        pristine = file.with_name(file.name + '.pristine')
        if not pristine.exists():
            pristine.write_bytes(file.read_bytes())
        old = pristine.read_bytes()
        end = b'\r\n' if b'\r\n' in old else b'\n'
        new = fixed(pristine.read_text(), name, fixes, otherwise).encode().replace(b'\n', end)
        if new != file.read_bytes():
            file.write_bytes(new)


def run(args, usage, always, mends, otherwise):
    """The command line of both scripts."""
    if args == ['--list']:
        print('\n'.join(name for name, _ in named(mends)))
        return
    if len(args) != 1 and args[1:2] != ['--without']:
        raise SystemExit(usage)
    apply(args[0], always, mends, int(args[2]) if len(args) == 3 else None, otherwise)
