/* Helpers of the IR tests; see ir_text.h. */
#include "tests/support/ir_text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ir_text_init(ir_text *t) {
    memset(t, 0, sizeof *t);
    t->arena = tg_arena_create(&tg_allocator_default, &t->unwind);
    t->names = tg_interner_create(t->arena);
    t->sources.arena = t->arena;
    t->diags.arena = t->arena;
    t->diags.sources = &t->sources;
}

void ir_text_fini(ir_text *t) {
    tg_arena_destroy(t->arena);
}

tg_func *ir_text_read(ir_text *t, const char *text) {
    uint32_t file = tg_sources_add(&t->sources, "test.tir", text, strlen(text));
    return tg_ir_read(t->arena, t->names, &t->diags, file);
}

const char *ir_text_print(ir_text *t, const tg_func *f) {
    tg_strbuf out;
    tg_strbuf_init(&out, t->arena);
    tg_ir_print(f, &out);
    return out.data;
}

const char *ir_text_diags(ir_text *t) {
    tg_strbuf out;
    tg_strbuf_init(&out, t->arena);
    tg_diags_render(&t->diags, false, &out);
    return out.data;
}

const char *ir_text_load(ir_text *t, const char *path) {
    FILE *file = fopen(tg_arena_printf(t->arena, "%s/%s", TG_SOURCE_DIR, path), "rb");
    if (!file) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = TG_NEW_ARRAY(t->arena, char, size + 1);
    size_t n = fread(text, 1, (size_t)size, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint32_t ir_text_each(ir_text *t, const char *folder, const char *suffix, ir_text_fn fn,
                      void *user) {
    DIR *dir = opendir(tg_arena_printf(t->arena, "%s/%s", TG_SOURCE_DIR, folder));
    TG_VEC(const char *) names = {0};
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name), m = strlen(suffix);
        if (n > m && strcmp(e->d_name + n - m, suffix) == 0) {
            tg_vec_push(t->arena, &names,
                        tg_arena_printf(t->arena, "%s/%s", folder, e->d_name));
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (names.len) {
        qsort(names.data, names.len, sizeof *names.data, compare_names);
    }
    for (uint32_t i = 0; i < names.len; i++) {
        fn(names.data[i], user);
    }
    return names.len;
}
