/* What identifies this build of the compiler: the linker's build id of the file that this code
 * is in (a hash of its contents), or that file's size and time of change where the linker made
 * none. Object code in the disk cache is keyed by it, so that a new build never runs what an
 * older one compiled. */
#define _GNU_SOURCE
#include "compiler/compile.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

struct search {
    tg_hasher *hasher;
    uintptr_t self; /* an address in this file's code */
    bool found;
};

static bool contains(const struct dl_phdr_info *info, uintptr_t address) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && address >= begin && address - begin < p->p_memsz) {
            return true;
        }
    }
    return false;
}

static size_t pad4(size_t n) {
    return (n + 3) / 4 * 4;
}

/* Notes: {name size, description size, type}, name, description, each padded to four bytes. */
static void search_notes(struct search *s, const char *at, size_t size) {
    const char *end = at + size;
    ElfW(Nhdr) note;
    while ((size_t)(end - at) >= sizeof note) {
        memcpy(&note, at, sizeof note);
        size_t name = pad4(note.n_namesz), desc = pad4(note.n_descsz);
        at += sizeof note;
        if (name + desc > (size_t)(end - at)) {
            return;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at, "GNU", 4) == 0) {
            tg_hasher_add(s->hasher, at + name, note.n_descsz);
            s->found = true;
            return;
        }
        at += name + desc;
    }
}

static int visit(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    struct search *s = user;
    if (!contains(info, s->self)) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum && !s->found; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_NOTE) {
            search_notes(s, (const char *)(info->dlpi_addr + p->p_vaddr),
                         p->p_memsz); /* NOLINT */
        }
    }
    return 1;
}

void tg_build_id_add(tg_hasher *h) {
    static const char here = 0;
    struct search s = {h, (uintptr_t)&here, false};
    dl_iterate_phdr(visit, &s);
    Dl_info file;
    struct stat st;
    if (!s.found && dladdr(&here, &file) && file.dli_fname && stat(file.dli_fname, &st) == 0) {
        tg_hasher_add_u64(h, (uint64_t)st.st_size);
        tg_hasher_add_u64(h, (uint64_t)st.st_mtim.tv_sec);
        tg_hasher_add_u64(h, (uint64_t)st.st_mtim.tv_nsec);
    }
}
