/* First inputs of fuzz_signature and fuzz_cache: the signature of every kernel in the given files, alone and as an entry of a
 * cache.   fuzz_seeds SIGNATURES_DIR CACHE_DIR FILE.dsl… */
#include "dsl/parser/elab.h"
#include "jit/cache.h"

#include <stdio.h>

static void write_seeds(tg_arena *arena, const tg_signature *sig, const char *dir,
                        const tg_cache *cache, uint64_t n) {
    tg_strbuf bytes;
    tg_strbuf_init(&bytes, arena);
    tg_signature_write(sig, &bytes);
    const char *path = tg_arena_printf(arena, "%s/seed-%s-%u", dir, sig->name, (unsigned)n);
    (void)tg_io_write_file(path, bytes.data, bytes.len);
    tg_cache_entry e = {.entry = "tg_kernel",
                        .object = "code",
                        .object_size = 4,
                        .signature = bytes.data,
                        .signature_size = bytes.len};
    tg_cache_write(cache, (tg_hash){n, 0}, &e, arena);
}

static uint64_t read_kernels(tg_arena *arena, const char *path, const char *dir,
                             const tg_cache *cache, uint64_t n) {
    char *text;
    size_t len;
    if (tg_io_read_file(arena, path, 1 << 22, &text, &len) != TG_OK) {
        return n;
    }
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources, .max_errors = 20};
    tg_unit *u = tg_unit_load(arena, tg_interner_create(arena), &diags, path, text, len, NULL);
    for (uint32_t i = 0; diags.n_errors == 0 && i < tg_unit_n_kernels(u); i++) {
        write_seeds(arena, tg_unit_signature(u, tg_unit_kernel(u, i)), dir, cache, ++n);
    }
    return n;
}

int main(int argc, char **argv) {
    tg_unwind unwind;
    tg_cache cache = {0};
    uint64_t n = 0;
    if (argc < 4 || TG_PROTECT(&unwind) ||
        tg_cache_open(&cache, &tg_allocator_default, argv[2], 1 << 30) != TG_OK) {
        return 1;
    }
    for (int i = 3; i < argc; i++) {
        tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
        n = read_kernels(arena, argv[i], argv[1], &cache, n);
        tg_arena_destroy(arena);
    }
    tg_cache_close(&cache);
    printf("%u seeds\n", (unsigned)n);
    return n == 0;
}
