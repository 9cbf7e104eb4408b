/* libFuzzer entry: the whole front end. Any text is loaded and checked; if it has no errors, every kernel is
 * instantiated with small constants for the first and the last of its types. That must give functions that verify
 * or diagnostics, with and without optional tensors. Memory is limited, so that unrolling ends. */
#include "dsl/parser/elab.h"
#include "tests/fuzz/fuzz_memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_KERNELS = 4, MAX_TYPES = 16, MAX_CONSTS = 64, MAX_PARAMS = 64 };

typedef struct front_end {
    tg_arena *arena;
    tg_diags diags;
    tg_unit *unit;
} front_end;

static const char *no_module(void *user, const char *path, tg_arena *arena, size_t *len) {
    (void)user, (void)path, (void)arena, (void)len;
    return NULL;
}

static void choose_consts(const tg_signature *sig, int64_t value, tg_scalar *consts) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].is_const) {
            consts[sig->dims[i].const_slot] = (tg_scalar){.dtype = TG_I64, .i = value};
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (p->const_slot >= 0) {
            tg_scalar s = {.dtype = TG_I64, .i = p->type.dtype == TG_BOOL ? value & 1 : value};
            consts[p->const_slot] = tg_scalar_convert(s, p->type.dtype);
        }
    }
}

static void instantiate(front_end *e, const tg_item *kernel, const tg_signature *sig,
                        bool last) {
    tg_dtype types[MAX_TYPES];
    tg_scalar consts[MAX_CONSTS] = {0};
    bool present[MAX_PARAMS];
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        types[i] = sig->tparams[i].members[last ? sig->tparams[i].n_members - 1 : 0];
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        present[i] = !(last && sig->params[i].optional);
    }
    choose_consts(sig, last ? 1 : 4, consts);
    tg_instance_spec spec = {
        .types = types, .consts = consts, .present = present, .checked = last};
    uint32_t errors = e->diags.n_errors;
    tg_func *f = tg_unit_instantiate(e->unit, kernel, &spec, e->arena, &e->diags);
    if (f ? tg_ir_verify(f, e->arena) != NULL : e->diags.n_errors == errors) {
        abort();
    }
}

static void check(tg_arena *arena, const char *text, size_t size) {
    tg_sources sources = {.arena = arena};
    tg_loader loader = {.load = no_module};
    front_end e = {.arena = arena,
                   .diags = {.arena = arena, .sources = &sources, .max_errors = 20}};
    e.unit = tg_unit_load(arena, tg_interner_create(arena), &e.diags, "fuzz.dsl", text, size,
                          &loader);
    tg_strbuf messages;
    tg_strbuf_init(&messages, arena);
    tg_diags_render(&e.diags, false, &messages);
    if (e.diags.n_errors) {
        return;
    }
    uint32_t n = tg_unit_n_kernels(e.unit);
    for (uint32_t i = 0; i < n && i < MAX_KERNELS; i++) {
        const tg_item *kernel = tg_unit_kernel(e.unit, i);
        const tg_signature *sig = tg_unit_signature(e.unit, kernel);
        if (sig->n_tparams <= MAX_TYPES && sig->n_consts <= MAX_CONSTS &&
            sig->n_params <= MAX_PARAMS) {
            instantiate(&e, kernel, sig, false);
            instantiate(&e, kernel, sig, true);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_memory memory;
    fuzz_memory_init(&memory, (size_t)256 << 20);
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&memory.allocator, &unwind);
    if (arena && !TG_PROTECT(&unwind)) {
        check(arena, (const char *)data, size);
    }
    tg_arena_destroy(arena);
    return 0;
}
