/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c - stands for libFuzzer where only the lines are counted that inputs reach (KIND=coverage
 * of scripts/fuzz.mk): runs the files, and those of the folders, that its arguments name.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[INPUT_MAX];
static unsigned inputs;

static void run(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        exit(1);
    }
    size_t len = fread(input, 1, sizeof(input), f);
    fclose(f);
    LLVMFuzzerTestOneInput(input, len);
    inputs++;
}

static void run_folder(const char *path)
{
    DIR *d = opendir(path);
    char name[4096];

    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            run(name);
    }
    if (d)
        closedir(d);
}

int main(int argc, char **argv)
{
    struct stat st;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            run_folder(argv[i]);
        else
            run(argv[i]);
    }
    printf("%u inputs\n", inputs);
    return 0;
}
