#include "tests/unit/elab/load.h"

#include "base/io.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *read_module(void *user, const char *path, tg_arena *arena, size_t *len) {
    (void)user;
    char *text;
    static const char *const folders[] = {"", "tests/diag/"};
    for (int i = 0; i < 2; i++) {
        const char *full = tg_arena_printf(arena, "%s/%s%s", TG_SOURCE_DIR, folders[i], path);
        if (tg_io_read_file(arena, full, 1 << 22, &text, len) == TG_OK) {
            return text;
        }
    }
    return NULL;
}

static const tg_loader loader = {.load = read_module};

static void start(loaded *l) {
    memset(l, 0, sizeof *l);
    l->arena = tg_arena_create(&tg_allocator_default, &l->unwind);
    cr_assert_not_null(l->arena);
    l->names = tg_interner_create(l->arena);
    l->sources.arena = l->arena;
    l->diags = (tg_diags){.arena = l->arena, .sources = &l->sources, .max_errors = 100};
}

void load_text(loaded *l, const char *path, const char *text) {
    start(l);
    l->unit = tg_unit_load(l->arena, l->names, &l->diags, path, text, strlen(text), &loader);
}

void load_file(loaded *l, const char *path) {
    start(l);
    size_t len;
    const char *text = read_module(NULL, path, l->arena, &len);
    cr_assert_not_null(text, "%s is missing", path);
    l->unit = tg_unit_load(l->arena, l->names, &l->diags, path, text, len, &loader);
}

void unload(loaded *l) {
    tg_arena_destroy(l->arena);
}

const char *rendered(loaded *l) {
    tg_strbuf s;
    tg_strbuf_init(&s, l->arena);
    tg_diags_render(&l->diags, false, &s);
    return s.data ? s.data : "";
}

static void default_consts(const tg_signature *sig, tg_scalar *out) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].is_const) {
            out[sig->dims[i].const_slot] = (tg_scalar){.dtype = TG_I64, .i = 4};
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (p->const_slot >= 0) {
            tg_scalar four = {.dtype = TG_I64, .i = 4};
            out[p->const_slot] = p->has_default ? p->default_value
                                 : p->type.dtype == TG_BOOL
                                     ? (tg_scalar){.dtype = TG_BOOL, .i = 1}
                                     : tg_scalar_convert(four, p->type.dtype);
        }
    }
}

tg_func *instantiate(loaded *l, const char *kernel, const tg_dtype *types,
                     const tg_scalar *consts, const bool *present) {
    const tg_item *k = tg_unit_find_kernel(l->unit, kernel);
    cr_assert_not_null(k, "no kernel %s", kernel);
    const tg_signature *sig = tg_unit_signature(l->unit, k);
    tg_dtype firsts[16];
    tg_scalar defaults[64];
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        firsts[i] = sig->tparams[i].members[0];
    }
    default_consts(sig, defaults);
    tg_instance_spec spec = {.types = types ? types : firsts,
                             .consts = consts ? consts : defaults,
                             .present = present};
    tg_func *f = tg_unit_instantiate(l->unit, k, &spec, l->arena, &l->diags);
    if (f) {
        const char *broken = tg_ir_verify(f, l->arena);
        cr_assert_null(broken, "%s: %s", kernel, broken);
    }
    return f;
}

unsigned instantiate_all(loaded *l) {
    unsigned n = 0;
    for (uint32_t i = 0; i < tg_unit_n_kernels(l->unit); i++) {
        const tg_item *k = tg_unit_kernel(l->unit, i);
        const tg_signature *sig = tg_unit_signature(l->unit, k);
        tg_dtype types[16];
        for (uint32_t t = 0; t < sig->n_tparams; t++) {
            types[t] = sig->tparams[t].members[0];
        }
        cr_expect_not_null(instantiate(l, sig->name, types, NULL, NULL), "%s:\n%s", sig->name,
                           rendered(l));
        n++;
        for (uint32_t t = 0; t < sig->n_tparams; t++) {
            for (uint32_t m = 1; m < sig->tparams[t].n_members; m++) {
                types[t] = sig->tparams[t].members[m];
                cr_expect_not_null(instantiate(l, sig->name, types, NULL, NULL), "%s:\n%s",
                                   sig->name, rendered(l));
                n++;
            }
            types[t] = sig->tparams[t].members[0];
        }
    }
    return n;
}

const char *printed(loaded *l, const tg_func *f) {
    tg_strbuf s;
    tg_strbuf_init(&s, l->arena);
    tg_ir_print(f, &s);
    return s.data;
}

typedef struct counter {
    tg_opcode op;
    unsigned n;
} counter;

static void count_one(tg_op *op, void *user) {
    counter *c = user;
    c->n += op->opcode == c->op;
}

unsigned count_ops(tg_func *f, tg_opcode op) {
    counter c = {op, 0};
    tg_ir_walk(f, count_one, &c);
    return c.n;
}
