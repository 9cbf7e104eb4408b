/* See cache.h. The age of an entry is its file's time of change, set anew on every use;
 * trimming removes the oldest until three quarters of the limit are left, so that it is rare.
 * Leftover temporaries of killed processes count as entries and go the same way. */
#include "jit/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_VERSION = 1, MAX_FILE = 256 * 1024 * 1024, PATH_SIZE = 1200 };
static const char MAGIC[8] = {'T', 'G', 'K', 'E', 'R', 'N', 'E', 'L'};

typedef struct header { /* as in the file: little endian, no padding */
    char magic[8];
    uint32_t version, header_bytes;
    uint64_t key_lo, key_hi;
    uint64_t entry_bytes, object_bytes, signature_bytes; /* entry with its NUL */
    uint64_t flags;
    uint64_t sum_lo, sum_hi; /* over the file with these two zero */
} header;

static bool entry_path(const tg_cache *cache, tg_hash key, char *path) {
    char hex[TG_HASH_HEX_SIZE];
    tg_hash_hex(key, hex);
    return tg_format(path, PATH_SIZE, "%s/%s.tgk", cache->dir, hex) < PATH_SIZE;
}

/* ---- life -------------------------------------------------------------------------------------------------
 */

tg_status tg_cache_open(tg_cache *cache, const tg_allocator *allocator, const char *dir,
                        uint64_t limit) {
    *cache = (tg_cache){allocator, NULL, limit};
    if (!dir || !*dir || tg_io_make_dirs(dir) != TG_OK || !tg_io_is_private_dir(dir)) {
        return TG_OK;
    }
    size_t n = strlen(dir) + 1;
    cache->dir = tg_alloc(allocator, n, 1);
    if (!cache->dir) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    memcpy(cache->dir, dir, n);
    return TG_OK;
}

void tg_cache_close(tg_cache *cache) {
    if (cache->dir) {
        tg_free(cache->allocator, cache->dir, strlen(cache->dir) + 1);
        cache->dir = NULL;
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------
 */

/* `text` is zeroed where the sums are. */
static bool check_header(char *text, size_t len, tg_hash key, header *h) {
    if (len < sizeof *h) {
        return false;
    }
    memcpy(h, text, sizeof *h);
    bool known = memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 && h->version == CACHE_VERSION &&
                 h->header_bytes == sizeof *h && h->key_lo == key.lo && h->key_hi == key.hi;
    size_t rest = len - sizeof *h;
    if (!known || h->entry_bytes > rest || h->object_bytes > rest - h->entry_bytes ||
        h->signature_bytes != rest - h->entry_bytes - h->object_bytes || h->entry_bytes == 0) {
        return false;
    }
    memset(text + offsetof(header, sum_lo), 0, 2 * sizeof(uint64_t));
    return tg_hash_equal(tg_hash_bytes(text, len), (tg_hash){h->sum_lo, h->sum_hi}) &&
           text[sizeof *h + h->entry_bytes - 1] == '\0';
}

bool tg_cache_read(const tg_cache *cache, tg_hash key, tg_arena *arena, tg_cache_entry *out) {
    char path[PATH_SIZE], *text;
    size_t len;
    header h;
    if (!cache->dir || !entry_path(cache, key, path) ||
        tg_io_read_file(arena, path, MAX_FILE, &text, &len) != TG_OK ||
        !check_header(text, len, key, &h)) {
        return false;
    }
    const char *p = text + sizeof h;
    *out = (tg_cache_entry){.entry = p,
                            .object = p + h.entry_bytes,
                            .object_size = h.object_bytes,
                            .signature = p + h.entry_bytes + h.object_bytes,
                            .signature_size = h.signature_bytes,
                            .flags = h.flags};
    (void)utimensat(AT_FDCWD, path, NULL, 0);
    return true;
}

/* ---- trimming ---------------------------------------------------------------------------------------------
 */

typedef struct file {
    char name[64];
    uint64_t bytes;
    struct timespec used;
} file;

typedef struct file_list {
    tg_arena *arena;
    TG_VEC(file) files;
    uint64_t bytes;
} file_list;

/* Entries and temporaries of entries. */
static bool is_entry(const char *name) {
    return strlen(name) < sizeof((file *)0)->name && strstr(name, ".tgk") != NULL;
}

static void list_files(const tg_cache *cache, file_list *list) {
    DIR *dir = opendir(cache->dir);
    struct dirent *d;
    while (dir && (d = readdir(dir)) != NULL) {
        struct stat st;
        if (!is_entry(d->d_name) || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(st.st_mode)) {
            continue;
        }
        list->bytes += (uint64_t)st.st_size;
        if (list->files.len <
            list->files.cap) { /* room was made before the directory was opened */
            file *f = &list->files.data[list->files.len++];
            memcpy(f->name, d->d_name, strlen(d->d_name) + 1);
            f->bytes = (uint64_t)st.st_size;
            f->used = st.st_mtim;
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static int by_age(const void *a, const void *b) {
    const file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    }
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

enum { LISTED = 65536 };

static file_list new_list(tg_arena *arena) {
    file_list list = {.arena = arena};
    list.files.data = TG_NEW_ARRAY(arena, file, LISTED);
    list.files.cap = LISTED;
    return list;
}

static void remove_entry(const tg_cache *cache, const file *f) {
    char path[PATH_SIZE];
    if (tg_format(path, sizeof path, "%s/%s", cache->dir, f->name) < sizeof path) {
        (void)unlink(path);
    }
}

static void trim(const tg_cache *cache, tg_arena *arena) {
    uint64_t bytes, n;
    tg_cache_usage(cache, &bytes, &n);
    if (bytes <= cache->limit) {
        return;
    }
    file_list list = new_list(arena);
    list_files(cache, &list);
    qsort(list.files.data, list.files.len, sizeof(file), by_age);
    for (uint32_t i = 0; i < list.files.len && list.bytes > cache->limit / 4 * 3; i++) {
        remove_entry(cache, &list.files.data[i]);
        list.bytes -= list.files.data[i].bytes;
    }
}

void tg_cache_usage(const tg_cache *cache, uint64_t *bytes, uint64_t *n) {
    *bytes = *n = 0;
    DIR *dir = cache->dir ? opendir(cache->dir) : NULL;
    struct dirent *d;
    while (dir && (d = readdir(dir)) != NULL) {
        struct stat st;
        if (is_entry(d->d_name) &&
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            *bytes += (uint64_t)st.st_size;
            ++*n;
        }
    }
    if (dir) {
        closedir(dir);
    }
}

uint64_t tg_cache_clear(const tg_cache *cache) {
    uint64_t n = 0;
    DIR *dir = cache->dir ? opendir(cache->dir) : NULL;
    struct dirent *d;
    while (dir && (d = readdir(dir)) != NULL) {
        n += is_entry(d->d_name) && unlinkat(dirfd(dir), d->d_name, 0) == 0;
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

/* ---- writing ----------------------------------------------------------------------------------------------
 */

static void append(tg_strbuf *s, const void *data, size_t n) {
    tg_strbuf_put(s, data, n);
}

void tg_cache_write(const tg_cache *cache, tg_hash key, const tg_cache_entry *e,
                    tg_arena *arena) {
    char path[PATH_SIZE];
    if (!cache->dir || !entry_path(cache, key, path)) {
        return;
    }
    header h = {.version = CACHE_VERSION,
                .header_bytes = sizeof h,
                .key_lo = key.lo,
                .key_hi = key.hi,
                .entry_bytes = strlen(e->entry) + 1,
                .object_bytes = e->object_size,
                .signature_bytes = e->signature_size,
                .flags = e->flags};
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    tg_strbuf s;
    tg_strbuf_init(&s, arena);
    append(&s, &h, sizeof h);
    append(&s, e->entry, h.entry_bytes);
    append(&s, e->object, e->object_size);
    append(&s, e->signature, e->signature_size);
    tg_hash sum = tg_hash_bytes(s.data, s.len);
    memcpy(s.data + offsetof(header, sum_lo), &sum.lo, sizeof sum.lo);
    memcpy(s.data + offsetof(header, sum_hi), &sum.hi, sizeof sum.hi);
    (void)tg_io_write_private(path, s.data, s.len);
    trim(cache, arena);
}
