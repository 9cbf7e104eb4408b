#define _GNU_SOURCE
#include "tests/support/guarded.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t bytes) {
    return (bytes + page() - 1) / page() * page();
}

void *guarded_new(size_t bytes) {
    size_t room = whole_pages(bytes);
    char *p = mmap(NULL, room + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + room, page(), PROT_NONE)) {
        perror("guarded_new");
        exit(1);
    }
    return p + room - bytes;
}

void guarded_free(void *p, size_t bytes) {
    size_t room = whole_pages(bytes);
    munmap((char *)p + bytes - room, room + page());
}
