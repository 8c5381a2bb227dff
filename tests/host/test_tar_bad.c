/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tar_bad.c - tar archives that were damaged, cut off or made to mislead: what came before
 * the fault can be read, and nothing beyond the archive is.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "treecheck.h"

/* ---- damaged and hostile --------------------------------------------------------------------- */

/* A file, then a header that the test spoils, then another file. */
static size_t spoil(unsigned field, const char *bytes, size_t len)
{
    size_t at;

    tarmaker_free(&archive);
    tarmaker_file(&archive, "before", 600);
    at = tarmaker_file(&archive, "spoiled", 100);
    tarmaker_put(&archive, at, field, bytes, len);
    tarmaker_file(&archive, "after", 600);
    tarmaker_end(&archive);
    host_log_clear();
    tree_index();
    tree_check_file("before", "before", 600);
    tree_check();
    return at;
}

static void check_damaged(void)
{
    CHECK_EQ(host_log_lines(HAL_ERROR), 1);
    CHECK(host_logged("damaged at byte 1536"));
    CHECK_EQ(tree.count, 2);
}

static void impossible_sizes(void)
{
    static const char *const sizes[] = {"77777777777",
                                        "0000000abcd",
                                        "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
                                        "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xfe\x00",
                                        "\x80\0\0\x01\0\0\0\0\0\0\0\x64", /* 2^64 + 100 */
                                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "00000010000"};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        spoil(TAR_SIZE, sizes[i], 12);
        check_damaged();
    }
}

static void wrong_checksum(void)
{
    size_t at = spoil(TAR_NAME, "s", 1);

    archive.image[at + TAR_SUM + 2] ^= 1;
    host_log_clear();
    tree_index();
    check_damaged();
    archive.image[at + TAR_SUM + 2] ^= 1;
    archive.image[at + 50] ^= 0x80;
    host_log_clear();
    tree_index();
    check_damaged();
}

static void no_magic(void)
{
    spoil(TAR_MAGIC, "ustax", 5);
    check_damaged();
}

static void entries_left_out(void)
{
    static const struct {
        unsigned field;
        const char *bytes;
    } bad[] = {{TAR_NAME, "../up"}, {TAR_NAME, "a/../b"}, {TAR_NAME, "a/b/.."}, {TAR_NAME, "."},
               {TAR_NAME, ""},      {TAR_TYPE, "3"},      {TAR_TYPE, "4"},      {TAR_TYPE, "6"},
               {TAR_TYPE, "S"},     {TAR_TYPE, "Z"}};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bool dataless = bad[i].field == TAR_TYPE && bad[i].bytes[0] < '7';

        spoil(bad[i].field, bad[i].bytes, strlen(bad[i].bytes) + 1);
        CHECK_EQ(host_log_matches("left out"), 1);
        if (!dataless) /* else its data is taken for a header */
            tree_check_file("after", "after", 600);
    }
}

static void bad_records(void)
{
    static const char *const bad[] = {"0 path=x\n",
                                      "3 path=x\n",
                                      "10 path=xy\n",
                                      "9 path=xyz\n",
                                      "999 path=x\n",
                                      "path=x\n",
                                      " 9 path=x\n",
                                      "11 pathxxx\n",
                                      "9 size=a\n",
                                      "-9 path=x\n",
                                      "9\tpath=x\n",
                                      "9 path=xx",
                                      "5 a=\n6 b=\n",
                                      "18446744073709551615 path=x\n",
                                      "18446744073709551617 path=x\n",
                                      "99999999999999999999999 path=x\n",
                                      "29 size=99999999999999999999\n",
                                      "29 size=1844674407370955161x\n",
                                      "29 size=18446744073709551626\n", /* 2^64 + 10 */
                                      "18446744073709551645 path=xy\n" /* 2^64 + 29 */};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tarmaker_free(&archive);
        tarmaker_file(&archive, "before", 600);
        tarmaker_add(&archive, "pax", 'x', bad[i], strlen(bad[i]));
        tarmaker_file(&archive, "after", 5);
        tarmaker_end(&archive);
        host_log_clear();
        tree_index();
        tree_check_file("before", "before", 600);
        if (host_log_lines(HAL_ERROR) != 1 || tree.count != 2)
            check_fail(__FILE__, __LINE__, "record %u is believed", i);
    }
}

static void names_too_long(void)
{
    static char name[FTREE_PATH_MAX + 600];

    memset(name, 'n', sizeof(name) - 1);
    for (unsigned i = 200; i < sizeof(name) - 1; i += 200)
        name[i] = '/';
    name[FTREE_PATH_MAX - 1] = '/'; /* so that what is cut off there could be a name */
    tarmaker_add(&archive, "long", 'L', name, sizeof(name));
    tarmaker_file(&archive, "gnu", 10);
    tarmaker_pax(&archive, "path", name);
    tarmaker_file(&archive, "pax", 10);
    name[FTREE_PATH_MAX - 1] = 'n';
    name[FTREE_PATH_MAX] = '\0';
    tarmaker_pax(&archive, "path", name); /* the longest that is allowed */
    tarmaker_file(&archive, "fits", 10);
    memset(name, 'c', 256);
    name[256] = '\0';
    tarmaker_pax(&archive, "path", name);
    tarmaker_file(&archive, "component", 10);
    tarmaker_file(&archive, "after", 3);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("after", "after", 3);
    CHECK_EQ(tree.count, 2 + (FTREE_PATH_MAX + 199) / 200); /* with those of the one that fits */
    CHECK_EQ(host_log_matches("left out: its name is too long"), 2); /* two have the same name */
    CHECK(tree_find("gnu") == FTREE_NONE && tree_find("pax") == FTREE_NONE &&
          tree_find("fits") == FTREE_NONE);
    CHECK(tree_find("component") == FTREE_NONE);
    tree_check();
}

/* Records that are longer than what is read at a time: one that matters leaves its entry out. */
static void records_too_long(void)
{
    static char value[70000];

    memset(value, 'v', sizeof(value) - 1);
    tarmaker_pax(&archive, "comment", value);
    tarmaker_file(&archive, "commented", 3);
    tarmaker_pax(&archive, "path", value);
    tarmaker_file(&archive, "nameless", 3);
    tarmaker_pax(&archive, "GNU.sparse.map", value);
    tarmaker_file(&archive, "mapless", 3);
    tarmaker_file(&archive, "after", 3);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("commented", "commented", 3);
    tree_check_file("after", "after", 3);
    CHECK_EQ(tree.count, 3);
    CHECK(host_logged("nameless is left out: its name is too long"));
    CHECK(host_logged("mapless is left out: its sparse map is too long"));
}

static void many_kinds(void)
{
    size_t at;

    tarmaker_add(&archive, "dir", '5', NULL, 0);
    tarmaker_file(&archive, "dir/one", 700);
    tarmaker_add(&archive, "././@LongLink", 'L', "dir/a/long/name", 16);
    at = tarmaker_file(&archive, "dir/two", 1500);
    tarmaker_put(&archive, at, TAR_MAGIC, "ustar  ", 8);
    tarmaker_pax(&archive, "path", "pax/name");
    tarmaker_file(&archive, "three", 10);
    tarmaker_link(&archive, "sym", '2', "dir/one");
    tarmaker_link(&archive, "hard", '1', "dir/one");
    tarmaker_pax(&archive, "size", "20");
    tarmaker_file(&archive, "deep/er/still/four", 20);
    tarmaker_end(&archive);
}

static void cut_off_anywhere(void)
{
    many_kinds();
    for (size_t len = 0; len <= archive.len; len += len % 512 == 511 ? 1 : len % 512 ? 255 : 1) {
        tree_index_image(archive.image, len);
        tree_check();
    }
}

/* The last file's data is there, its padding and what marks the end are not. */
static void cut_off_behind_the_data(void)
{
    tarmaker_file(&archive, "one", 700);
    tarmaker_file(&archive, "two", 700);
    tree_index_image(archive.image, archive.len - 324);
    CHECK_EQ(host_log_lines(HAL_ERROR) + host_log_lines(HAL_WARN), 0);
    tree_check_file("two", "two", 700);
}

/* Links whose long targets add up to more than a path may be. */
static void links_grow_too_long(void)
{
    enum { LONG = FTREE_PATH_MAX - 124 };
    char target[LONG + 1], name[3] = "l0";

    for (unsigned i = 0; i < 5; i++) {
        memset(target, '/', LONG);
        for (unsigned k = 3; k < LONG; k += 2)
            target[k] = '.';
        target[0] = 'l';
        target[1] = name[1] = (char)('0' + i);
        target[1]++;
        target[LONG] = '\0';
        tarmaker_pax(&archive, "linkpath", target);
        tarmaker_link(&archive, name, '2', "x");
    }
    tarmaker_add(&archive, "l5", '5', NULL, 0);
    tarmaker_end(&archive);
    tree_index();
    CHECK_EQ(tree_resolve("l4"), 0);
    CHECK_EQ(tree_resolve("l3"), 0);
    CHECK_EQ(tree_resolve("l2"), -ENAMETOOLONG);
    CHECK_EQ(tree_resolve("l0"), -ENAMETOOLONG);
}

/* One to six faults in an archive that was good, most with a checksum that is right again. */
static void spoil_image(uint8_t *image, size_t len)
{
    struct tarmaker m = {image, len};
    size_t at = random_below((uint32_t)(len / 512)) * 512;
    char number[16];

    switch (random_below(6)) {
    case 0:
        image[at + random_below(512)] = (uint8_t)random32();
        break;
    case 1:
        memset(image + at + TAR_SIZE, 0xff, 12);
        image[at + TAR_SIZE] = (uint8_t)(0x80 | (random_below(2) ? 0 : 0x7f));
        break;
    case 2:
        image[at + TAR_TYPE] = (uint8_t) "0123457LKxgSVDM"[random_below(15)];
        break;
    case 3:
        snprintf(number, sizeof(number), "%011o",
                 random_below(2) ? random32() : random_below(4000));
        memcpy(image + at + TAR_SIZE, number, 12);
        break;
    case 4:
        memcpy(image + at, "../../x/../y", 13);
        break;
    default:
        memset(image + at + random_below(100), "/.\0a"[random_below(4)], 20);
    }
    if (random_below(8))
        tarmaker_sum(&m, at);
}

static void spoilt_at_random(void)
{
    uint8_t *copy;
    unsigned entries = 0;

    many_kinds();
    copy = malloc(archive.len);
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(copy, archive.image, archive.len);
        for (unsigned n = 1 + random_below(6); n > 0; n--)
            spoil_image(copy, archive.len);
        host_log_clear();
        tree_index_image(copy, random_below(5) ? archive.len : random_below((uint32_t)archive.len));
        entries += tree_check();
    }
    CHECK(entries > 8000);
    free(copy);
}

static void rubbish_is_no_archive(void)
{
    uint8_t block[512];

    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < 512; k++)
            block[k] = (uint8_t)random32();
        CHECK(!tar_is_archive(block));
        tree_index_image(block, 512);
        CHECK_EQ(tree.count, 1);
    }
    memset(block, 0, 512);
    CHECK(!tar_is_archive(block));
    tarmaker_file(&archive, "f", 0);
    CHECK(tar_is_archive(archive.image));
    tree_index_image(archive.image, 0);
    CHECK_EQ(tree.count, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"impossible_sizes", impossible_sizes},
        {"wrong_checksum", wrong_checksum},
        {"no_magic", no_magic},
        {"entries_left_out", entries_left_out},
        {"bad_records", bad_records},
        {"names_too_long", names_too_long},
        {"records_too_long", records_too_long},
        {"cut_off_anywhere", cut_off_anywhere},
        {"cut_off_behind_the_data", cut_off_behind_the_data},
        {"links_grow_too_long", links_grow_too_long},
        {"spoilt_at_random", spoilt_at_random},
        {"rubbish_is_no_archive", rubbish_is_no_archive},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
