/* See temp_dir.h. Used by Criterion programs and plain ones. */
#define _GNU_SOURCE
#include "tests/support/temp_dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir_name[64];

const char *test_temp_dir(void) {
    snprintf(dir_name, sizeof dir_name, "/tmp/tegula-test-XXXXXX");
    if (!mkdtemp(dir_name)) {
        perror("mkdtemp");
        exit(1);
    }
    return dir_name;
}

void test_empty_dir(const char *dir) {
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (d) {
        closedir(d);
    }
}

void test_remove_dir(const char *dir) {
    test_empty_dir(dir);
    rmdir(dir);
}
