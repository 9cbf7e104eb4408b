#include "parse_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const corpus_files[5] = {"tests/corpus/a_basic.dsl", "tests/corpus/b_attention.dsl",
                                     "tests/corpus/c_conv.dsl", "tests/corpus/d_norm.dsl",
                                     "tests/corpus/e_misc.dsl"};

char *read_source(const char *path, size_t *len) {
    char full[512];
    snprintf(full, sizeof full, "%s/%s", TG_SOURCE_DIR, path);
    FILE *f = fopen(full, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    char *text = calloc(*len + 1, 1);
    if (fread(text, 1, *len, f) != *len)
        *len = 0;
    fclose(f);
    return text;
}

parsed *parse_text(const char *text, size_t len) {
    parsed *p = calloc(1, sizeof *p);
    if (TG_PROTECT(&p->unwind))
        abort();
    p->arena = tg_arena_create(&tg_allocator_default, &p->unwind);
    p->sources.arena = p->arena;
    p->diags.arena = p->arena;
    p->diags.sources = &p->sources;
    uint32_t id = tg_sources_add(&p->sources, "test.dsl", text, len);
    p->file = tg_parse_file(p->arena, tg_interner_create(p->arena), &p->diags, id);
    tg_strbuf dump, messages, formatted;
    tg_strbuf_init(&dump, p->arena);
    tg_strbuf_init(&messages, p->arena);
    tg_strbuf_init(&formatted, p->arena);
    tg_ast_dump(p->file, &dump);
    tg_diags_render(&p->diags, false, &messages);
    p->dump = dump.data ? dump.data : "";
    p->messages = messages.data ? messages.data : "";
    if (p->diags.n_errors == 0) {
        tg_format_file(p->file, tg_sources_get(&p->sources, id), &formatted);
        p->formatted = formatted.data ? formatted.data : "";
    }
    return p;
}

void parsed_free(parsed *p) {
    tg_arena_destroy(p->arena);
    free(p);
}

bool parsed_has(const parsed *p, tg_diag_code code) {
    for (uint32_t i = 0; i < p->diags.list.len; i++)
        if (p->diags.list.data[i]->code == code)
            return true;
    return false;
}

static int later_first(const void *a, const void *b) {
    const tg_diag_edit *x = *(const tg_diag_edit *const *)a,
                       *y = *(const tg_diag_edit *const *)b;
    return (x->span.begin < y->span.begin) - (x->span.begin > y->span.begin);
}

char *apply_edits(const parsed *p, const char *text) {
    const tg_diag_edit *edits[64];
    size_t n = 0, len = strlen(text);
    for (uint32_t i = 0; i < p->diags.list.len; i++)
        for (uint32_t k = 0; k < p->diags.list.data[i]->edits.len && n < 64; k++)
            edits[n++] = &p->diags.list.data[i]->edits.data[k];
    qsort(edits, n, sizeof edits[0], later_first); /* from the end: offsets before stay valid */
    char *out = calloc(len + 64 * 256, 1);
    memcpy(out, text, len);
    for (size_t i = 0; i < n; i++) {
        size_t insert = strlen(edits[i]->text), tail = strlen(out + edits[i]->span.end);
        memmove(out + edits[i]->span.begin + insert, out + edits[i]->span.end, tail + 1);
        memcpy(out + edits[i]->span.begin, edits[i]->text, insert);
    }
    return out;
}
