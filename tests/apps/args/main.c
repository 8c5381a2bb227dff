/* SPDX-License-Identifier: BSD-2-Clause */
/* args - prints what main() gets: its arguments, the environment, the working directory. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    char cwd[100];

    for (int i = 0; i < argc; i++)
        printf("argv[%d]=<%s>\n", i, argv[i]);
    if (argv[argc])
        return 1;
    for (char **e = environ; *e; e++)
        printf("env <%s>\n", *e);
    printf("PORT %s\n", getenv("PORT") ? getenv("PORT") : "none");
    setenv("PORT", "changed", 1);
    printf("cwd %s, %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "none", getenv("PORT"));
    return 0;
}
