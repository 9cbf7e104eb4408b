/* Arenas, vectors, text, interning, maps and hashes; and that every one of them unwinds cleanly when the
 * n-th allocation fails. */
#include "base/arena.h"
#include "base/diag.h"
#include "base/hash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts what is outstanding and fails once `left` allocations have been made. */
typedef struct counter {
    long left;
    long blocks;
    size_t bytes;
} counter;

static void *count_alloc(void *user, size_t size, size_t align) {
    counter *c = user;
    if (c->left-- <= 0) {
        return NULL;
    }
    c->blocks++;
    c->bytes += size;
    return tg_allocator_default.alloc(NULL, size, align);
}

static void count_free(void *user, void *ptr, size_t size) {
    counter *c = user;
    c->blocks -= ptr != NULL;
    c->bytes -= ptr ? size : 0;
    tg_allocator_default.free(NULL, ptr, size);
}

static void use_everything(tg_arena *arena) {
    tg_interner *in = tg_interner_create(arena);
    tg_map *map = tg_map_create(arena);
    TG_VEC(int) numbers = {0};
    tg_strbuf text;
    tg_strbuf_init(&text, arena);
    tg_sources sources = {.arena = arena};
    tg_sources_add(&sources, "a.dsl", "let x = 1;\n", 11);
    tg_diags diags = {.arena = arena, .sources = &sources, .max_errors = 1000};
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        tg_map_set(map, tg_intern_cstr(in, name), arena);
        tg_vec_push(arena, &numbers, i);
        tg_strbuf_printf(&text, "%s,", name);
        tg_diag *d = tg_report(&diags, TG_E0201, (tg_span){1, 0, (uint32_t)i},
                               "unknown name `%s`", name);
        tg_diag_add_note(&diags, d, "note %d", i);
    }
    tg_diags_render(&diags, true, &text);
    tg_hasher_add_text(tg_hasher_create(arena), text.data);
}

/* In a function of its own: locals of the setjmp frame stay untouched. */
static tg_status run_limited(counter *c) {
    tg_allocator a = {count_alloc, count_free, c};
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&a, &u);
    if (!arena) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    if (TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return u.status;
    }
    use_everything(arena);
    cr_assert_eq(tg_arena_bytes(arena), c->bytes);
    tg_arena_destroy(arena);
    return TG_OK;
}

Test(memory, every_failing_allocation_unwinds) {
    tg_status status = TG_ERROR_OUT_OF_MEMORY;
    long n = 0;
    for (; status != TG_OK && n < 1000; n++) {
        counter c = {.left = n};
        status = run_limited(&c);
        cr_assert_eq(c.blocks, 0, "leak when allocation %ld fails", n);
        cr_assert_eq(c.bytes, 0);
        cr_assert(status == TG_OK || status == TG_ERROR_OUT_OF_MEMORY);
    }
    cr_assert(n > 4 && n < 1000, "needed %ld allocations", n);
}

Test(memory, arena_aligns_zeroes_and_takes_large_blocks) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    for (size_t align = 1; align <= 4096; align *= 2) {
        for (size_t size = 0; size < 300; size += 37) {
            char *p = tg_arena_alloc(arena, size, align);
            cr_assert_eq((uintptr_t)p % align, 0);
            for (size_t i = 0; i < size; i++) {
                cr_assert_eq(p[i], 0);
                p[i] = 1;
            }
        }
    }
    char *small = tg_arena_alloc(arena, 8, 8);
    char *big = tg_arena_alloc(arena, 5000000, 64);
    big[4999999] = 1;
    char *next = tg_arena_alloc(arena, 8, 8);
    cr_assert_eq(next - small, 8, "a large block must not end the current chunk");
    cr_assert_str_eq(tg_arena_printf(arena, "%s %d", "abc", 5), "abc 5");
    cr_assert_str_eq(tg_arena_strndup(arena, "abcdef", 3), "abc");
    tg_arena_destroy(arena);
    tg_arena_destroy(NULL);
}

static tg_status allocate_absurd(size_t size) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(NULL, &u);
    if (TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return u.status;
    }
    tg_arena_alloc(arena, size, 16);
    tg_arena_destroy(arena);
    return TG_OK;
}

Test(memory, absurd_sizes_unwind) {
    cr_assert_eq(allocate_absurd(SIZE_MAX), TG_ERROR_OUT_OF_MEMORY);
    cr_assert_eq(allocate_absurd(SIZE_MAX - 64), TG_ERROR_OUT_OF_MEMORY);
}

Test(memory, strbuf_and_json) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    tg_strbuf s;
    tg_strbuf_init(&s, arena);
    cr_assert_str_eq(s.data, "");
    for (int i = 0; i < 1000; i++) {
        tg_strbuf_printf(&s, "%04d", i);
    }
    cr_assert_eq(s.len, 4000);
    cr_assert_eq(memcmp(s.data + 3996, "0999", 5), 0);
    tg_strbuf_init(&s, arena);
    const char text[] = "a\"\\\n\t\x01é\xff\xe2\x82\xac\xed\xa0\x80";
    tg_strbuf_json(&s, text, sizeof text - 1);
    cr_assert_str_eq(s.data,
                     "\"a\\\"\\\\\\n\\t\\u0001é\\ufffd\xe2\x82\xac\\ufffd\\ufffd\\ufffd\"");
    tg_arena_destroy(arena);
}

Test(memory, interned_text_is_one_pointer) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    tg_interner *in = tg_interner_create(arena);
    tg_name names[3000];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            char text[16];
            snprintf(text, sizeof text, "n%d", i);
            tg_name name = tg_intern_cstr(in, text);
            cr_assert(round == 0 || name == names[i]);
            cr_assert_str_eq(name, text);
            names[i] = name;
        }
    }
    cr_assert_eq(tg_intern(in, "n12345", 3), names[12]);
    cr_assert_eq(tg_intern(in, NULL, 0), tg_intern_cstr(in, ""));
    cr_assert_neq(tg_intern(in, "a\0b", 3), tg_intern(in, "a\0c", 3));
    tg_arena_destroy(arena);
}

Test(memory, map_against_an_array) {
    enum { N = 512 };
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    tg_map *map = tg_map_create(arena);
    static char keys[N];
    void *expected[N] = {0};
    bool present[N] = {0};
    uint32_t seed = 7, count = 0;
    for (int step = 0; step < 200000; step++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned k = seed >> 8 & (N - 1);
        if (seed >> 30 == 0) {
            tg_map_remove(map, &keys[k]);
            count -= present[k];
            present[k] = false;
            expected[k] = NULL;
        } else if (seed >> 30 == 1) {
            void *value = seed & 0x80 ? &keys[seed & 0x7f] : NULL; /* null is a value, too */
            tg_map_set(map, &keys[k], value);
            count += !present[k];
            present[k] = true;
            expected[k] = value;
        }
        cr_assert_eq(tg_map_get(map, &keys[k]), expected[k]);
        cr_assert_eq(tg_map_has(map, &keys[k]), present[k]);
        cr_assert_eq(tg_map_count(map), count);
    }
    tg_arena_destroy(arena);
}

Test(memory, hashes_are_stable_and_delimit_fields) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    char hex[TG_HASH_HEX_SIZE];
    tg_hash_hex(tg_hash_bytes("", 0), hex);
    cr_assert_str_eq(hex,
                     "99aa06d3014798d86001c324468d497f"); /* published XXH3-128 of nothing */
    tg_hasher *a = tg_hasher_create(arena), *b = tg_hasher_create(arena);
    tg_hasher_add_text(a, "ab");
    tg_hasher_add_text(a, "c");
    tg_hasher_add_text(b, "a");
    tg_hasher_add_text(b, "bc");
    cr_assert(!tg_hash_equal(tg_hasher_finish(a), tg_hasher_finish(b)));
    cr_assert(tg_hash_equal(tg_hasher_finish(a), tg_hasher_finish(a)));
    a = tg_hasher_create(arena);
    b = tg_hasher_create(arena);
    tg_hasher_add_text(a, NULL);
    tg_hasher_add_text(b, "");
    cr_assert(!tg_hash_equal(tg_hasher_finish(a), tg_hasher_finish(b)));
    tg_arena_destroy(arena);
}
