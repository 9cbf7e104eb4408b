/* Fuzzes the reader, verifier, printer and passes of the tile IR: any bytes give a function or
 * a diagnostic; what reads prints to text that reads and prints equally; what verifies still
 * verifies after every pass.
 *
 *   clang-22 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
 * -D_POSIX_C_SOURCE=200809L -std=c17 -I. -Iinclude \
 *     tests/fuzz/fuzz_ir.c dsl/ir/[a-z]*.c dsl/passes/[a-z]*.c base/[a-z]*.c -lm -o fuzz_ir
 *   ./fuzz_ir -dict=tests/fuzz/ir.dict -max_len=8192 -max_total_time=120 corpus tests/ir
 * tests/passes */
#include "dsl/passes/passes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *print(tg_arena *arena, const tg_func *f) {
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    tg_ir_print(f, &out);
    return out.data;
}

static tg_func *read_text(tg_arena *arena, tg_diags *diags, tg_sources *sources,
                          const char *text, size_t n) {
    uint32_t file = tg_sources_add(sources, "fuzz.tir", text, n);
    return tg_ir_read(arena, tg_interner_create(arena), diags, file);
}

static void check(tg_arena *arena, const uint8_t *data, size_t size) {
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    tg_func *f = read_text(arena, &diags, &sources, (const char *)data, size);
    if (!f) {
        if (diags.n_errors == 0) {
            abort();
        }
        return;
    }
    bool sound = !tg_ir_verify(f, arena);
    const char *text = print(arena, f);
    tg_func *again = read_text(arena, &diags, &sources, text, strlen(text));
    if (!again || strcmp(print(arena, again), text) != 0) {
        abort();
    }
    if (!sound) {
        return;
    }
    tg_pass_options options = {.verify_each = true};
    tg_func *clone = tg_func_clone(f, arena, NULL);
    if (tg_ir_verify(clone, arena) || tg_pass_run_list(f, TG_PASSES_STANDARD, &options) ||
        tg_pass_run_list(clone, "bounds,licm,dce,widen-loops,cse,canon", &options)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (arena && !TG_PROTECT(&unwind)) {
        check(arena, data, size);
    }
    tg_arena_destroy(arena);
    return 0;
}
