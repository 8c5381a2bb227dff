/* SPDX-License-Identifier: BSD-2-Clause */
/* wide.c - what newlib's towctrans() converts wide characters by: they are those of Unicode in each
 * locale. */
#include <locale.h>
#include <wchar.h>

wint_t _jp2uc_l(wint_t c, locale_t locale);
wint_t _uc2jp_l(wint_t c, locale_t locale);

wint_t _jp2uc_l(wint_t c, locale_t locale)
{
    (void)locale;
    return c;
}

wint_t _uc2jp_l(wint_t c, locale_t locale)
{
    (void)locale;
    return c;
}
