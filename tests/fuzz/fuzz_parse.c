/* libFuzzer entry: lexer, parser, diagnostics, formatter.
 *
 * Any bytes must give a tree and diagnostics without a crash. When there are no errors,
 * formatting must keep the tree and be idempotent. Build and run: clang
 * -fsanitize=fuzzer,address,undefined -I. -Iinclude tests/fuzz/fuzz_parse.c
 * dsl/parser/{ast_dump,fmt,lex,parse}*.c base/[a-z]*.c -lm -o fuzz_parse  &&  ./fuzz_parse
 * -dict=tests/fuzz/parse.dict corpus tests/corpus */
#include "dsl/parser/ast.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct result {
    uint32_t n_errors;
    tg_strbuf formatted, dump;
} result;

static void parse(tg_arena *arena, const char *text, size_t size, result *r) {
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    uint32_t file = tg_sources_add(&sources, "fuzz.dsl", text, size);
    const tg_file *tree = tg_parse_file(arena, tg_interner_create(arena), &diags, file);
    tg_strbuf messages;
    tg_strbuf_init(&messages, arena);
    tg_strbuf_init(&r->formatted, arena);
    tg_strbuf_init(&r->dump, arena);
    tg_diags_render(&diags, false, &messages);
    tg_diags_render_json(&diags, &messages);
    tg_ast_dump(tree, &r->dump);
    r->n_errors = diags.n_errors;
    if (r->n_errors == 0)
        tg_format_file(tree, tg_sources_get(&sources, file), &r->formatted);
}

static bool same(const tg_strbuf *a, const tg_strbuf *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tg_unwind unwind;
    if (TG_PROTECT(&unwind))
        return 0;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    result first, second;
    parse(arena, (const char *)data, size, &first);
    if (first.n_errors == 0) {
        parse(arena, first.formatted.data ? first.formatted.data : "", first.formatted.len,
              &second);
        if (second.n_errors != 0 || !same(&first.dump, &second.dump) ||
            !same(&first.formatted, &second.formatted))
            __builtin_trap();
    }
    tg_arena_destroy(arena);
    return 0;
}
