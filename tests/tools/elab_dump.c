/* Prints the tile IR of kernels:  elab_dump file.dsl [kernel [NAME=value | T=type]…]
 *
 * Without a kernel: checks the file and prints the diagnostics. Types default to the first
 * member of their bound, constants to
 * their default value or 4; `-name` leaves an optional tensor out. */
#include "base/io.h"
#include "dsl/parser/elab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *option(int argc, char **argv, const char *name) {
    size_t n = strlen(name);
    for (int i = 3; i < argc; i++) {
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
            return argv[i] + n + 1;
        }
    }
    return NULL;
}

static bool left_out(int argc, char **argv, const char *name) {
    for (int i = 3; i < argc; i++) {
        if (argv[i][0] == '-' && strcmp(argv[i] + 1, name) == 0) {
            return true;
        }
    }
    return false;
}

static tg_scalar constant(tg_dtype t, const char *text) {
    tg_scalar s = {.dtype = TG_F64, .f = text ? strtod(text, NULL) : 4};
    if (text && strcmp(text, "true") == 0) {
        s.f = 1;
    }
    if (t == TG_BOOL) {
        return (tg_scalar){.dtype = TG_BOOL, .i = s.f != 0};
    }
    return tg_scalar_convert(s, t);
}

static void dump(tg_unit *u, const char *name, int argc, char **argv, tg_arena *arena,
                 tg_diags *diags) {
    const tg_item *k = tg_unit_find_kernel(u, name);
    if (!k) {
        printf("no kernel %s\n", name);
        return;
    }
    const tg_signature *sig = tg_unit_signature(u, k);
    tg_dtype types[32];
    tg_scalar consts[64];
    bool present[64];
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        const char *t = option(argc, argv, sig->tparams[i].name);
        types[i] = t ? tg_dtype_from_name(t) : sig->tparams[i].members[0];
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].is_const) {
            consts[sig->dims[i].const_slot] =
                constant(TG_I64, option(argc, argv, sig->dims[i].name));
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        const char *text = option(argc, argv, p->name);
        present[i] = !p->optional || !left_out(argc, argv, p->name);
        if (p->const_slot >= 0) {
            consts[p->const_slot] =
                !text && p->has_default ? p->default_value : constant(p->type.dtype, text);
        }
    }
    tg_instance_spec spec = {.types = types, .consts = consts, .present = present};
    tg_func *f = tg_unit_instantiate(u, k, &spec, arena, diags);
    if (f) {
        tg_strbuf s;
        tg_strbuf_init(&s, arena);
        tg_ir_print(f, &s);
        fputs(s.data, stdout);
    }
}

int main(int argc, char **argv) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (argc < 2 || !arena || TG_PROTECT(&unwind)) {
        fprintf(stderr, "usage: elab_dump file.dsl [kernel [NAME=value]…]\n");
        return 2;
    }
    char *text;
    size_t len;
    if (tg_io_read_file(arena, argv[1], 1 << 24, &text, &len)) {
        fprintf(stderr, "cannot read %s\n", argv[1]);
        return 2;
    }
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources, .max_errors = 100};
    tg_unit *u =
        tg_unit_load(arena, tg_interner_create(arena), &diags, argv[1], text, len, NULL);
    if (argc > 2 && diags.n_errors == 0 && strcmp(argv[2], "all") == 0) {
        for (uint32_t i = 0; i < tg_unit_n_kernels(u); i++) {
            dump(u, tg_unit_kernel(u, i)->u.kernel.name, argc, argv, arena, &diags);
        }
    } else if (argc > 2 && diags.n_errors == 0) {
        dump(u, argv[2], argc, argv, arena, &diags);
    }
    tg_strbuf s;
    tg_strbuf_init(&s, arena);
    tg_diags_render(&diags, false, &s);
    fputs(s.data ? s.data : "", stdout);
    int rc = diags.n_errors != 0;
    tg_arena_destroy(arena);
    return rc;
}
