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

void *guarded_new_at(size_t bytes, bool at_start) {
    size_t room = whole_pages(bytes);
    char *p = mmap(NULL, room + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || (room && mprotect(p + page(), room, PROT_READ | PROT_WRITE))) {
        perror("guarded_new");
        exit(1);
    }
    return p + page() + (at_start ? 0 : room - bytes);
}

void *guarded_new(size_t bytes) {
    return guarded_new_at(bytes, false);
}

void guarded_free(void *p, size_t bytes) {
    char *first = (char *)p - (uintptr_t)p % page(); /* of what may be accessed */
    munmap(first - page(), whole_pages(bytes) + 2 * page());
}
