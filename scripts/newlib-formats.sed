# SPDX-License-Identifier: BSD-2-Clause
# newlib-formats.sed: puts calls into copies of newlib's printf and scanf, where a directive begins
# to be understood that the light ones do not understand. newlib-formats.h says what the calls do.

# "%1$d", in printf and in scanf.
s/^[\t ]*width = n;$/FORMAT_NEEDS_ALL(ch == '$', FORMAT_TEXT);\n&/
s/^[\t ]*width = width \* 10 + c - .*'0';$/FORMAT_NEEDS_ALL(*fmt == '$', FORMAT_TEXT);\n&/
# "%Lf".
s/^[\t ]*_fpvalue = (double) GET_ARG (N, ap, _LONG_DOUBLE);$/FORMAT_NEEDS_ALL(LOSES_DIGITS, FORMAT_TEXT);\n&/
s/^[\t ]*ldp = GET_ARG (N, ap, _LONG_DOUBLE \*);$/FORMAT_NEEDS_ALL(LOSES_DIGITS, FORMAT_TEXT);\n&/
# "%lc" and "%ls" of printf.
/^\t\tcase 'c':$/{n;s/^\t*cp = buf;$/FORMAT_NEEDS_ALL(ch == 'C' || (flags \& LONGINT), FORMAT_TEXT);\n&/}
s/^[\t ]*cp = GET_ARG (N, ap, char_ptr_t);$/FORMAT_NEEDS_ALL(ch == 'S' || (flags \& LONGINT), FORMAT_TEXT);\n&/
# The full wide scanf has the branch for "%Lf" switched off, and stores a 0.
s/^#if 0.*_NO_LONGDBL.*$/#ifndef _NO_LONGDBL/
s/_wcstold_r (rptr, buf, NULL)/wcstold (buf, NULL)/
# "%1$-5.2f", "%3$*1$.*2$f": behind the argument's place newlib took neither flag nor width nor "*",
# and so no type: the argument was read as an int. The first row has the states, the second actions.
s|^  /\* WIDTH \*/  { DONE, .* SMOD, .*|  /* WIDTH */  { WIDTH, WIDTH, DONE, SMOD, DONE, SDOT, VARW, WIDTH, DONE },|
s|^  /\* WIDTH \*/  { NOOP, .* GETMOD, .*|  /* WIDTH */  { NOOP, SKIPNUM, NOOP, GETMOD, GETARG, NOOP, NOOP, NOOP, NOOP },|
