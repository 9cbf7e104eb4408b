/* Bump allocation in chunks, freed in one call. Memory is zeroed. Never returns null: see alloc.h. */
#ifndef TG_BASE_ARENA_H
#define TG_BASE_ARENA_H

#include "base/alloc.h"

#include <stdarg.h>
#include <stdbool.h>

typedef struct tg_arena tg_arena;

/* Null on allocation failure (the only call here that can fail by value). `unwind` may be changed later. */
tg_arena *tg_arena_create(const tg_allocator *allocator, tg_unwind *unwind);
void tg_arena_destroy(tg_arena *arena); /* null is fine */
void tg_arena_set_unwind(tg_arena *arena, tg_unwind *unwind);
tg_unwind *tg_arena_unwind(const tg_arena *arena);
size_t tg_arena_bytes(const tg_arena *arena); /* bytes taken from the allocator */

void *tg_arena_alloc(tg_arena *arena, size_t size, size_t align);
void *tg_arena_copy(tg_arena *arena, const void *src, size_t size, size_t align);
char *tg_arena_strndup(tg_arena *arena, const char *s, size_t n);
char *tg_arena_printf(tg_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *tg_arena_vprintf(tg_arena *arena, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

#define TG_NEW(arena, T)          ((T *)tg_arena_alloc((arena), sizeof(T), _Alignof(T)))
#define TG_NEW_ARRAY(arena, T, n) ((T *)tg_arena_alloc((arena), sizeof(T) * (size_t)(n), _Alignof(T)))
#define TG_COPY_ARRAY(arena, T, src, n) ((T *)tg_arena_copy((arena), (src), sizeof(T) * (size_t)(n), _Alignof(T)))

/* Growable typed array in an arena:  TG_VEC(int) v = {0};  tg_vec_push(arena, &v, 3);  v.data[i], v.len */
#define TG_VEC(T) struct { T *data; uint32_t len, cap; }
#define tg_vec_push(arena, v, ...)                                                                   \
    ((v)->len == (v)->cap                                                                            \
         ? (void)((v)->data = tg_vec_grow((arena), (v)->data, &(v)->cap, (v)->len, sizeof *(v)->data)) \
         : (void)0,                                                                                  \
     (v)->data[(v)->len++] = (__VA_ARGS__))
void *tg_vec_grow(tg_arena *arena, void *data, uint32_t *cap, uint32_t len, size_t elem_size);

/* Text under construction, always NUL-terminated. */
typedef struct tg_strbuf {
    tg_arena *arena;
    char *data;
    size_t len, cap;
} tg_strbuf;
void tg_strbuf_init(tg_strbuf *s, tg_arena *arena);
void tg_strbuf_put(tg_strbuf *s, const char *text, size_t n);
void tg_strbuf_puts(tg_strbuf *s, const char *text);
void tg_strbuf_putc(tg_strbuf *s, char c);
void tg_strbuf_printf(tg_strbuf *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* JSON string with quotes and escapes; n bytes of UTF-8 */
void tg_strbuf_json(tg_strbuf *s, const char *text, size_t n);

/* Interned strings: equal text means equal pointer. NUL-terminated. */
typedef const char *tg_name;
typedef struct tg_interner tg_interner;
tg_interner *tg_interner_create(tg_arena *arena);
tg_name tg_intern(tg_interner *in, const char *text, size_t n);
tg_name tg_intern_cstr(tg_interner *in, const char *text);

/* Hash map from non-null pointers (or interned names) to pointers; open addressing; in an arena. */
typedef struct tg_map tg_map;
tg_map *tg_map_create(tg_arena *arena);
void tg_map_set(tg_map *m, const void *key, void *value);
void *tg_map_get(const tg_map *m, const void *key); /* null if absent */
bool tg_map_has(const tg_map *m, const void *key);
void tg_map_remove(tg_map *m, const void *key);
uint32_t tg_map_count(const tg_map *m);

#endif
