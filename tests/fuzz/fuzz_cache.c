/* libFuzzer entry: files in the cache directory. Any file gives an entry or none, first as it is and then with the
 * parts of its header put right that chance would never hit (magic, version, key, checksum), so that its lengths
 * are what is tried. What an entry points to lies in the file and can be used as such. */
#include "jit/cache.h"
#include "tests/fuzz/fuzz_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The header that jit/cache.h describes. */
enum { HEADER = 80, VERSION_AT = 8, SIZE_AT = 12, KEY_AT = 16, SUM_AT = 64 };

static char directory[] = "/tmp/tegula-fuzz-XXXXXX";
static const tg_hash key = {1, 2};

static void clean_up(void) {
    char path[100];
    (void)tg_format(path, sizeof path, "%s/%016x%016x.tgk", directory, 2u, 1u);
    (void)unlink(path);
    (void)rmdir(directory);
}

static void write_file(const void *data, size_t size) {
    char path[100], hex[TG_HASH_HEX_SIZE];
    tg_hash_hex(key, hex);
    (void)tg_format(path, sizeof path, "%s/%s.tgk", directory, hex);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    close(fd);
}

static void read_entry(const tg_cache *cache, tg_arena *arena, size_t size) {
    tg_cache_entry e;
    if (!tg_cache_read(cache, key, arena, &e)) {
        return;
    }
    if (strlen(e.entry) > size || e.object_size > size || e.signature_size > size) {
        abort();
    }
    tg_strbuf all; /* reads every byte */
    tg_strbuf_init(&all, arena);
    tg_strbuf_put(&all, e.object, e.object_size);
    const tg_signature *sig = tg_signature_read(arena, e.signature, e.signature_size);
    if (sig) {
        fuzz_launch(sig, tg_hash_u64(all.data ? all.data : "", all.len));
    }
}

static void put_right(uint8_t *file, size_t size) {
    memcpy(file, "TGKERNEL", 8);
    memcpy(file + VERSION_AT, &(uint32_t){1}, 4);
    memcpy(file + SIZE_AT, &(uint32_t){HEADER}, 4);
    memcpy(file + KEY_AT, &key, sizeof key);
    memset(file + SUM_AT, 0, sizeof key);
    tg_hash sum = tg_hash_bytes(file, size);
    memcpy(file + SUM_AT, &sum, sizeof sum);
}

static void check(const tg_allocator *allocator, tg_arena *arena, const uint8_t *data,
                  size_t size) {
    tg_cache cache;
    if (tg_cache_open(&cache, allocator, directory, 1 << 30) != TG_OK || !cache.dir) {
        abort();
    }
    write_file(data, size);
    read_entry(&cache, arena, size);
    if (size >= HEADER) {
        uint8_t *fixed = tg_arena_copy(arena, data, size, 1);
        put_right(fixed, size);
        write_file(fixed, size);
        read_entry(&cache, arena, size);
    }
    tg_cache_close(&cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready) {
        if (!mkdtemp(directory)) {
            abort();
        }
        (void)atexit(clean_up);
        ready = true;
    }
    fuzz_memory memory;
    fuzz_memory_init(&memory, (size_t)64 << 20);
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&memory.allocator, &unwind);
    if (arena && !TG_PROTECT(&unwind)) {
        check(&memory.allocator, arena, data, size);
    }
    tg_arena_destroy(arena);
    return 0;
}
