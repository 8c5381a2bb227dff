/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tar_kinds.c - what archives hold beside plain files: files with holes, links of all kinds,
 * times, labels, entries that cannot be served.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "check.h"
#include "host.h"
#include "treecheck.h"

static bool no_entropy;

int getentropy(void *buf, size_t len)
{
    errno = EIO;
    return no_entropy || getrandom(buf, len, 0) != (ssize_t)len ? -1 : 0;
}

static void check_quiet(void)
{
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
}

/* ---- files with holes ------------------------------------------------------------------------ */

#define HOLED 3000003u

/* Bytes of the file that the tools and sparse_*() below make: zeros but for two places. */
static uint8_t holed_byte(size_t at)
{
    static const char middle[] = "MID", end[] = "END";

    if (at >= 1000000 && at < 1000003)
        return (uint8_t)middle[at - 1000000];
    return at >= 3000000 && at < 3000003 ? (uint8_t)end[at - 3000000] : 0;
}

static void check_holed(const char *path)
{
    static uint8_t buf[HOLED + 1];
    uint32_t e = tree_find(path);
    struct stat st;

    CHECK(e != FTREE_NONE);
    CHECK_EQ(ftree_stat(&tree, e, &st), 0);
    CHECK_EQ(st.st_size, HOLED);
    memset(buf, 0xff, sizeof(buf));
    CHECK_EQ(tree_read(e, buf, sizeof(buf)), HOLED);
    for (size_t i = 0; i < HOLED; i++)
        if (buf[i] != holed_byte(i))
            check_fail(__FILE__, __LINE__, "byte %zu of %s is 0x%02x", i, path, buf[i]);
}

/* As GNU tar stores such a file, in each of its formats; the archive has another file behind it. */
static void holes_of_tar(void)
{
    static const char *const formats[] = {"gnu", "pax --sparse-version=0.0",
                                          "pax --sparse-version=0.1", "pax --sparse-version=1.0"};
    static const char script[] =
        "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; cd $d\n"
        "truncate -s %u holed; printf MID | dd of=holed bs=1 seek=1000000 conv=notrunc "
        "status=none\n"
        "printf END | dd of=holed bs=1 seek=3000000 conv=notrunc status=none\n"
        "cp --sparse=always holed h\n"
        "truncate -s 1M nothing; printf x > plain; tar --sparse --format=%s -cf - h nothing plain";
    static uint8_t image[1 << 18];
    char command[sizeof(script) + 64];

    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        snprintf(command, sizeof(command), script, HOLED, formats[i]);
        FILE *pipe = popen(command, "r");
        CHECK(pipe != NULL);
        size_t len = fread(image, 1, sizeof(image), pipe);
        CHECK_EQ(pclose(pipe), 0);
        CHECK(len < 100000);
        tree_index_image(image, len);
        check_quiet();
        check_holed("h");
        CHECK_EQ(tree.entries[tree_find("nothing")].size, 1 << 20);
        CHECK_EQ(tree.entries[tree_find("plain")].size, 1);
        CHECK_EQ(tree_names(FTREE_ROOT), 3);
        tree_check();
    }
}

static size_t put_text(char *block, const char *text)
{
    memset(block, 0, 512);
    memcpy(block, text, strlen(text));
    return 512;
}

/* Version 1.0, as it is documented: a map of n numbers, then `packed` bytes. */
static void sparse_1_0(const char *map, size_t packed, const char *real_size)
{
    char data[2048] = "";
    size_t n = put_text(data, map);

    memcpy(data + n, "MIDEND", 6);
    tarmaker_pax(&archive, "GNU.sparse.major", "1");
    tarmaker_pax(&archive, "GNU.sparse.minor", "0");
    tarmaker_pax(&archive, "GNU.sparse.name", "dir/holed");
    tarmaker_pax(&archive, "GNU.sparse.realsize", real_size);
    tarmaker_pax(&archive, "path", "GNUSparseFile.1/holed");
    tarmaker_add(&archive, "x", '0', data, n + packed);
}

static void holes_by_hand(void)
{
    static uint8_t buf[100];

    sparse_1_0("3\n1000000\n3\n3000000\n3\n3000003\n0\n", 6, "3000003");
    tarmaker_link(&archive, "hard", '1', "dir/holed");
    tarmaker_file(&archive, "after", 5);
    tarmaker_end(&archive);
    tree_index();
    check_quiet();
    check_holed("dir/holed");
    check_holed("hard");
    CHECK_EQ(tree_find("GNUSparseFile.1/holed"), FTREE_NONE);
    tree_check_file("after", "after", 5);

    /* a hole at the end, none at the start, neighbours */
    tarmaker_free(&archive);
    sparse_1_0("2\n0\n3\n3\n2\n", 6, "50");
    tarmaker_end(&archive);
    tree_index();
    CHECK_EQ(tree_read(tree_find("dir/holed"), buf, 100), 50);
    CHECK(!memcmp(buf, "MIDEN\0\0\0", 8) && !buf[49]);
    tree_check();
}

/* A map that cannot be: the file is left out by its name, and what follows can be read. */
static void wrong_maps(void)
{
    static const struct {
        const char *map, *real_size;
    } bad[] = {
        {"2\n100\n3\n50\n3\n", "200"},         /* not in order */
        {"2\n100\n30\n110\n3\n", "200"},       /* one over another */
        {"1\n100\n9\n", "200"},                /* more than there is */
        {"2\n10\n5\n100\n4\n", "200"},         /* likewise, together */
        {"1\n100\n3\n", "102"},                /* behind the end */
        {"1\n18446744073709551609\n7\n", "9"}, /* over the end of numbers */
        {"1\n100\n", "200"},
        {"1\n100 3\n", "200"},
        {"9999999999999\n1\n1\n", "200"},
        {"x\n", "200"},
        {"", "200"},
        {"111111111111111111111\n", "200"},
        {"1\n100\n3\n", "many"},
        {"1\n100\n3\n", ""},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tarmaker_free(&archive);
        sparse_1_0(bad[i].map, 8, bad[i].real_size);
        tarmaker_file(&archive, "after", 5);
        tarmaker_end(&archive);
        host_log_clear();
        tree_index();
        tree_check_file("after", "after", 5);
        if (tree_find("dir/holed") != FTREE_NONE || host_log_matches("dir/holed is left out") != 1)
            check_fail(__FILE__, __LINE__, "map %u is believed", i);
        tree_check();
    }
}

static void versions_that_are_not_known(void)
{
    size_t at;

    tarmaker_pax(&archive, "GNU.sparse.major", "2");
    tarmaker_file(&archive, "two", 5);
    at = tarmaker_file(&archive, "star", 5); /* 'S' of another program */
    tarmaker_put(&archive, at, TAR_TYPE, "S", 1);
    tarmaker_pax(&archive, "GNU.sparse.map", "0,3,5");
    tarmaker_file(&archive, "odd", 5);
    tarmaker_file(&archive, "after", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("after", "after", 5);
    CHECK_EQ(tree.count, 2);
    CHECK(host_logged("two is left out: it is a sparse file of a version"));
    CHECK(host_logged("star is left out: it is a sparse file of a format"));
    CHECK(host_logged("odd is left out: its sparse map"));
}

/* The old format, cut off within the blocks of its map: nothing outside of the archive is read. */
static void old_map_cut_off(void)
{
    static const char piece[] = "00000000001"
                                "\0"
                                "00000000001";
    size_t at = tarmaker_add(&archive, "old", 'S', "abc", 3);
    char number[12];

    memcpy(archive.image + at + TAR_MAGIC, "ustar  ", 8);
    memcpy(archive.image + at + 386, piece, sizeof(piece));
    memcpy(archive.image + at + 482, "\1", 1); /* goes on in the next block: that of the data */
    memcpy(archive.image + at + 483, "00000001000", 12);
    snprintf(number, sizeof(number), "%011o", 3);
    tarmaker_put(&archive, at, TAR_SIZE, number, 12);
    for (size_t len = archive.len; len > 500; len -= 37) {
        tree_index_image(archive.image, len);
        tree_check();
    }
}

/* ---- links ----------------------------------------------------------------------------------- */

static void hard_links(void)
{
    tarmaker_file(&archive, "a", 30);
    tarmaker_link(&archive, "link", '2', "a");
    tarmaker_link(&archive, "to-link", '1', "link");
    tarmaker_add(&archive, "d", '5', NULL, 0);
    tarmaker_link(&archive, "linked", '2', "d");
    tarmaker_file(&archive, "d/b", 40);
    tarmaker_link(&archive, "through", '1', "linked/b");
    tarmaker_link(&archive, "d/up", '1', "d/../a");
    tarmaker_link(&archive, "chain", '1', "to-link");
    tarmaker_link(&archive, "to-dir", '1', "d");
    tarmaker_link(&archive, "to-linked", '1', "linked");    /* a link to a directory is a link */
    tarmaker_link(&archive, "chain-before", '1', "before"); /* their file comes later */
    tarmaker_pax(&archive, "path", "before");
    tarmaker_link(&archive, "x", '1', "later");
    tarmaker_link(&archive, "taken", '1', "later");
    tarmaker_link(&archive, "to-nothing", '1', "nothing");
    tarmaker_file(&archive, "taken", 4);
    tarmaker_file(&archive, "later", 3);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("to-link", "a", 30);
    tree_check_file("through", "d/b", 40);
    tree_check_file("d/up", "a", 30);
    tree_check_file("chain", "a", 30);
    tree_check_file("to-linked/b", "d/b", 40);
    tree_check_file("before", "later", 3);
    tree_check_file("chain-before", "later", 3);
    tree_check_file("taken", "taken", 4);
    CHECK(host_logged("to-nothing is left out: it is a link to a file that is not there"));
    CHECK(host_logged("to-dir is left out: it is a hard link to a directory"));
    CHECK_EQ(host_log_matches("left out"), 2);
    tree_check();
}

/* A link keeps what it was a name of, also when that name is given to another file. */
static void names_that_are_given_anew(void)
{
    tarmaker_file(&archive, "a", 30);
    tarmaker_link(&archive, "b", '1', "a");
    tarmaker_file(&archive, "a", 50);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("a", "a", 50);
    tree_check_file("b", "a", 30);
}

static void below_a_linked_directory(void)
{
    tarmaker_add(&archive, "usr/lib", '5', NULL, 0);
    tarmaker_link(&archive, "lib", '2', "usr/lib");
    tarmaker_file(&archive, "lib/x", 10);
    tarmaker_add(&archive, "lib", '5', NULL, 0); /* the link stays: nothing is lost */
    tarmaker_file(&archive, "lib/deep/er/y", 20);
    tarmaker_link(&archive, "top", '2', "/");
    tarmaker_file(&archive, "top/z", 30);
    tarmaker_link(&archive, "usr/lib/again", '2', "../../top/usr/lib");
    tarmaker_file(&archive, "lib/again/again/w", 40);
    tarmaker_link(&archive, "nowhere", '2', "nothing");
    tarmaker_file(&archive, "nowhere/f", 3);
    tarmaker_link(&archive, "loop", '2', "loop");
    tarmaker_file(&archive, "loop/f", 3);
    tarmaker_link(&archive, "file", '2', "lib/x");
    tarmaker_file(&archive, "file/f", 3);
    tarmaker_add(&archive, "nowhere", '5', NULL, 0); /* this link leads nowhere */
    tarmaker_file(&archive, "nowhere/g", 50);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("lib/x", "lib/x", 10);
    tree_check_file("usr/lib/x", "lib/x", 10);
    tree_check_file("usr/lib/deep/er/y", "lib/deep/er/y", 20);
    tree_check_file("z", "top/z", 30);
    tree_check_file("usr/lib/w", "lib/again/again/w", 40);
    tree_check_file("nowhere/g", "nowhere/g", 50);
    CHECK(host_logged("nowhere/f is left out: a link above it leads nowhere"));
    CHECK(host_logged("loop/f is left out: a link above it leads nowhere"));
    CHECK(host_logged("file/f is left out: an earlier entry above it is a file"));
    CHECK_EQ(host_log_matches("left out"), 3);
    tree_check();
}

/* A path that a link above makes too long. */
static void a_link_makes_it_long(void)
{
    static char target[FTREE_PATH_MAX + 1], name[FTREE_PATH_MAX + 1];

    memset(target, 'd', FTREE_PATH_MAX - 100);
    memset(name, 'n', 200);
    for (unsigned i = 200; i < FTREE_PATH_MAX - 100; i += 200)
        target[i] = '/';
    memcpy(name, "l/", 2);
    tarmaker_pax(&archive, "path", target);
    tarmaker_add(&archive, "x", '5', NULL, 0);
    tarmaker_pax(&archive, "linkpath", target);
    tarmaker_link(&archive, "l", '2', "x");
    tarmaker_pax(&archive, "path", name);
    tarmaker_file(&archive, "x", 5);
    tarmaker_file(&archive, "l/fits", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("l/fits", "l/fits", 5);
    CHECK_EQ(host_log_matches("left out: its name is too long"), 1);
    tree_check();
}

/* ---- times, names, labels -------------------------------------------------------------------- */

static void check_time(const char *path, int64_t seconds, uint32_t ns)
{
    uint32_t e = tree_find(path);
    struct stat st;

    CHECK(e != FTREE_NONE);
    CHECK_EQ(ftree_stat(&tree, e, &st), 0);
    CHECK_EQ(st.st_mtim.tv_sec, seconds);
    CHECK_EQ(st.st_mtim.tv_nsec, ns);
}

static void times(void)
{
    static const struct {
        const char *text;
        int64_t seconds;
        uint32_t ns;
    } cases[] = {
        {"0", 0, 0},
        {"1.75", 1, 750000000},
        {"1.0000000019", 1, 1},
        {"68719476736", 68719476736, 0},
        {"-34560000", -34560000, 0},
        {"-1.5", -2, 500000000},
        {"-0.25", -1, 750000000},
        {"-1.0000000001", -2, 999999999},
        {"5.", 5, 0},
        {"9223372036854775807", INT64_MAX, 0},
        /* none of these is a time: the header's counts */
        {"9223372036854775808", 1610612736, 0},
        {"1.x", 1610612736, 0},
        {"x", 1610612736, 0},
        {"-", 1610612736, 0},
        {".5", 1610612736, 0},
        {"", 1610612736, 0},
    };
    char name[8];
    size_t at;

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(name, sizeof(name), "t%u", i);
        tarmaker_pax(&archive, "mtime", cases[i].text);
        tarmaker_file(&archive, name, 1);
    }
    at = tarmaker_file(&archive, "negative", 1); /* GNU's base 256 */
    tarmaker_put(&archive, at, TAR_MTIME, "\xff\xff\xff\xff\xff\xff\xff\xff\xfd\xf0\xa8\x00", 12);
    at = tarmaker_file(&archive, "large", 1);
    tarmaker_put(&archive, at, TAR_MTIME, "\x80\0\0\0\0\0\0\x10\0\0\0\0", 12);
    at = tarmaker_file(&archive, "none", 1);
    tarmaker_put(&archive, at, TAR_MTIME, "\x80\0\0\0\xff\0\0\0\0\0\0\0", 12);
    tarmaker_end(&archive);
    tree_index();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(name, sizeof(name), "t%u", i);
        check_time(name, cases[i].seconds, cases[i].ns);
    }
    check_time("negative", -86400 * 400, 0);
    check_time("large", 68719476736, 0);
    check_time("none", 0, 0);
    check_quiet();
}

/* One time for all files, as `tar --pax-option=mtime=...` writes it. */
static void times_of_a_global_header(void)
{
    tarmaker_file(&archive, "before", 1);
    tarmaker_add(&archive, "global", 'g', "11 mtime=7\n", 11);
    tarmaker_file(&archive, "after", 1);
    tarmaker_pax(&archive, "mtime", "9");
    tarmaker_file(&archive, "own", 1);
    tarmaker_pax(&archive, "mtime", "");
    tarmaker_file(&archive, "taken-back", 1);
    tarmaker_add(&archive, "global", 'g', "10 mtime=\n12 path=all\n", 22);
    tarmaker_file(&archive, "last", 1);
    tarmaker_end(&archive);
    tree_index();
    check_time("before", 1610612736, 0);
    check_time("after", 7, 0);
    check_time("own", 9, 0);
    check_time("taken-back", 1610612736, 0);
    check_time("last", 1610612736, 0);
    check_quiet();
}

/* An empty value stands for none: the header's own field counts. */
static void empty_values(void)
{
    tarmaker_pax(&archive, "path", "");
    tarmaker_file(&archive, "named", 10);
    tarmaker_pax(&archive, "path", "wrong");
    tarmaker_pax(&archive, "path", "");
    tarmaker_pax(&archive, "size", "");
    tarmaker_file(&archive, "sized", 600);
    tarmaker_pax(&archive, "linkpath", "");
    tarmaker_link(&archive, "linked", '2', "named");
    tarmaker_file(&archive, "after", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("named", "named", 10);
    tree_check_file("sized", "sized", 600);
    tree_check_file("linked", "named", 10);
    tree_check_file("after", "after", 5);
    CHECK_EQ(tree_names(FTREE_ROOT), 4);
    check_quiet();
}

/* `tar -V`, which writes no magic, and archives of before POSIX, which have none. */
static void labels_and_old_archives(void)
{
    size_t at = tarmaker_add(&archive, "SITE", 'V', NULL, 0);

    tarmaker_put(&archive, at, TAR_MAGIC, "\0\0\0\0\0\0\0", 8);
    tarmaker_put(&archive, at, TAR_SIZE, "\0\0\0\0\0\0\0\0\0\0\0", 12);
    CHECK(tar_is_archive(archive.image));
    at = tarmaker_file(&archive, "old", 700);
    tarmaker_put(&archive, at, TAR_MAGIC, "\0\0\0\0\0\0\0", 8);
    tarmaker_put(&archive, at, TAR_PREFIX, "junk", 5);       /* there is no such field */
    at = tarmaker_add(&archive, "names", 'D', "Yfile\0", 6); /* of an incremental archive */
    tarmaker_file(&archive, "names/file", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("old", "old", 700);
    tree_check_file("names/file", "names/file", 5);
    CHECK_EQ(tree.entries[tree_find("names")].type, FTREE_DIR);
    CHECK_EQ(tree.count, 4);
    check_quiet();
}

static void longest_path(void)
{
    char name[FTREE_PATH_MAX + 2];

    memset(name, 'n', sizeof(name));
    for (unsigned i = 255; i < FTREE_PATH_MAX - 1; i += 256)
        name[i] = '/';
    name[FTREE_PATH_MAX] = '\0';
    tarmaker_pax(&archive, "path", name);
    tarmaker_file(&archive, "x", 10);
    tarmaker_add(&archive, "././@LongLink", 'L', name, FTREE_PATH_MAX + 1);
    tarmaker_link(&archive, "y", '2', "x");
    tarmaker_end(&archive);
    CHECK_EQ(FTREE_PATH_MAX, 4095);
    tree_index();
    check_quiet();
    CHECK(tree_find(name) == FTREE_NONE); /* it was replaced by the link */
    tarmaker_free(&archive);
    tarmaker_pax(&archive, "path", name);
    tarmaker_file(&archive, "x", 10);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file(name, "x", 10);
}

/* ---- what cannot be served ------------------------------------------------------------------- */

/* Each name is told once, with characters that a terminal obeys taken out. */
static void told_by_name(void)
{
    char name[16];

    tarmaker_add(&archive, "dev/null", '3', NULL, 0);
    tarmaker_add(&archive, "dev/sda", '4', NULL, 0);
    tarmaker_add(&archive, "run/pipe", '6', NULL, 0);
    tarmaker_add(&archive, "dev/null", '3', NULL, 0);
    tarmaker_add(&archive, "part", 'M', NULL, 0);
    tarmaker_add(&archive, "odd", 'Z', NULL, 0);
    tarmaker_add(&archive, "\33[2Jred\n", '3', NULL, 0);
    tarmaker_file(&archive, "../up", 5);
    tarmaker_add(&archive, "pax", 'x', "12 path=a\0b\n", 12);
    tarmaker_file(&archive, "zero", 5);
    tarmaker_file(&archive, "after", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("after", "after", 5);
    CHECK_EQ(host_log_matches("dev/null is left out: it is a device or a pipe"), 1);
    CHECK(host_logged("dev/sda is left out") && host_logged("run/pipe is left out"));
    CHECK(host_logged("part is left out: its first part is in another archive"));
    CHECK(host_logged("odd is left out: it is not a file"));
    CHECK(host_logged("?[2Jred? is left out"));
    CHECK(host_logged("left out: there is a zero byte in its name"));
    CHECK(host_logged("../up is left out: its name leads out of the archive"));

    tarmaker_free(&archive);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "dev/%u", i);
        tarmaker_add(&archive, name, '3', NULL, 0);
    }
    tarmaker_end(&archive);
    host_log_clear();
    tree_index();
    CHECK_EQ(host_log_lines(HAL_WARN), 33);
    CHECK(host_logged("68 more entries are left out"));
}

/* The tree works without entropy, too; the log says once what that means. */
static void without_entropy(void)
{
    no_entropy = true;
    tarmaker_file(&archive, "file", 700);
    tarmaker_end(&archive);
    for (unsigned i = 0; i < 2; i++) {
        tree_index();
        tree_check_file("file", "file", 700);
    }
    CHECK_EQ(host_log_matches("without entropy, a hostile archive can make look-ups slow"), 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"holes_of_tar", holes_of_tar},
        {"holes_by_hand", holes_by_hand},
        {"wrong_maps", wrong_maps},
        {"versions_that_are_not_known", versions_that_are_not_known},
        {"old_map_cut_off", old_map_cut_off},
        {"hard_links", hard_links},
        {"names_that_are_given_anew", names_that_are_given_anew},
        {"below_a_linked_directory", below_a_linked_directory},
        {"a_link_makes_it_long", a_link_makes_it_long},
        {"times", times},
        {"times_of_a_global_header", times_of_a_global_header},
        {"empty_values", empty_values},
        {"labels_and_old_archives", labels_and_old_archives},
        {"longest_path", longest_path},
        {"told_by_name", told_by_name},
        {"without_entropy", without_entropy},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
