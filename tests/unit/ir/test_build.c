/* Building, use lists, rewriting, cloning and walking, without text. */
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct kernel {
    tg_func *f;
    tg_value *x, *y, *n, *zero;
    tg_axis *axis;
    tg_builder b; /* in the instance */
    tg_op *phase, *par;
} kernel;

static void make(ir_text *t, kernel *k) {
    tg_func *f = k->f = tg_func_create(t->arena, t->names, tg_intern_cstr(t->names, "k"));
    k->x = tg_func_add_param(
        f, (tg_fparam){.name = tg_intern_cstr(t->names, "x"), .dtype = TG_F32, .rank = 1});
    tg_func_add_param(f, (tg_fparam){.name = tg_intern_cstr(t->names, "z"),
                                     .dtype = TG_F32,
                                     .rank = 1,
                                     .absent = true});
    k->y = tg_func_add_param(f, (tg_fparam){.kind = TG_FP_OUT, .dtype = TG_F32, .rank = 1});
    k->b = (tg_builder){.func = f, .block = &f->body.body};
    k->n = tg_build_dim(&k->b, k->x, 0);
    k->zero = tg_build_int(&k->b, TG_I64, 0);
    k->axis = tg_func_add_axis(f, TG_AXIS_GRID, tg_intern_cstr(t->names, "i"), (tg_span){0});
    k->phase = tg_build_op(&k->b, TG_OP_PHASE, NULL, 0, NULL, 0, NULL, 0);
    k->b.block = &k->phase->regions[0].body;
    tg_value *domain[] = {k->n, k->zero, k->n};
    tg_attr axis = tg_attr_axis(t->arena, TG_ATTR_AXIS, k->axis);
    k->par = tg_build_op(&k->b, TG_OP_PAR, domain, 3, NULL, 0, &axis, 1);
    k->b.block = &k->par->regions[0].body;
}

Test(ir_build, types_are_interned) {
    ir_text t;
    ir_text_init(&t);
    kernel k;
    make(&t, &k);
    tg_axis *axes[40];
    for (uint32_t i = 0; i < 40; i++) {
        axes[i] = tg_func_add_axis(k.f, TG_AXIS_LOCAL, NULL, (tg_span){0});
    }
    tg_axis *pair[] = {axes[3], axes[1], axes[3]}, *sorted[] = {axes[1], axes[3]};
    const tg_type *a = tg_type_tile(k.f, TG_F32, pair, 3),
                  *b = tg_type_tile(k.f, TG_F32, sorted, 2);
    cr_expect_eq(a, b);
    cr_expect_eq(a->n_axes, 2);
    cr_expect_neq(a, tg_type_with_dtype(k.f, a, TG_F64));
    cr_expect_eq(tg_type_with_dtype(k.f, tg_type_with_dtype(k.f, a, TG_F64), TG_F32), a);
    cr_expect_eq(tg_type_tile(k.f, TG_F32, NULL, 0), tg_type_scalar(k.f, TG_F32));
    const tg_type *all = tg_type_tile(k.f, TG_F32, axes, 40), *both[] = {a, all};
    cr_expect_eq(tg_type_union(k.f, TG_F32, both, 2), all);
    cr_expect(tg_type_axes_within(a, all) && !tg_type_axes_within(all, a));
    cr_expect_eq(tg_type_drop(k.f, a, &axes[3], 1), tg_type_tile(k.f, TG_F32, &axes[1], 1));
    cr_expect_eq(tg_type_drop(k.f, a, sorted, 2), tg_type_scalar(k.f, TG_F32));
    for (uint32_t i = 0; i < 40; i++) { /* enough to grow the table */
        for (uint32_t j = 0; j < i; j++) {
            tg_axis *two[] = {axes[i], axes[j]}, *swapped[] = {axes[j], axes[i]};
            cr_expect_eq(tg_type_tile(k.f, TG_I8, two, 2),
                         tg_type_tile(k.f, TG_I8, swapped, 2));
        }
    }
    ir_text_fini(&t);
}

Test(ir_build, rewriting_keeps_use_lists) {
    ir_text t;
    ir_text_init(&t);
    kernel k;
    make(&t, &k);
    tg_value *i = tg_build_iota(&k.b, k.axis), *x = tg_build_load(&k.b, k.x, &i, 1, NULL);
    tg_value *twice = tg_build_binary(&k.b, TG_OP_ADD, x, x),
             *one = tg_build_float(&k.b, TG_F32, 1.0);
    tg_value *wide = tg_build_broadcast(&k.b, one, x->type);
    tg_op *store = tg_build_store(&k.b, k.y, twice, &i, 1, NULL);
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    tg_replace_uses(x, wide);
    cr_expect(!tg_value_has_uses(x));
    tg_op_erase(x->def);
    cr_expect(x->def->erased);
    cr_expect_not_null(tg_ir_verify(k.f, t.arena)); /* wide is defined after its use */
    tg_op_move_before(wide->def, twice->def);
    tg_op_move_before(one->def, wide->def);
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    tg_op_set_attr(k.f, store, tg_attr_int(TG_ATTR_IN_BOUNDS, 1));
    tg_op_set_attr(k.f, store, tg_attr_flag(TG_ATTR_UNCHECKED));
    tg_op_set_attr(k.f, store, tg_attr_int(TG_ATTR_IN_BOUNDS, 0));
    cr_expect_eq(store->n_attrs, 2);
    cr_expect_eq(tg_op_int(store, TG_ATTR_IN_BOUNDS, 7), 0);
    tg_op_remove_attr(store, TG_ATTR_UNCHECKED);
    cr_expect(!tg_op_flag(store, TG_ATTR_UNCHECKED));
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    tg_op_erase(k.phase);
    cr_expect(!tg_value_has_uses(k.zero) && twice->def->erased);
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    ir_text_fini(&t);
}

Test(ir_build, constants_fit_their_type) {
    ir_text t;
    ir_text_init(&t);
    kernel k;
    make(&t, &k);
    int64_t i;
    double f;
    cr_expect(tg_value_const_int(tg_build_int(&k.b, TG_I8, 200), &i) && i == -56);
    cr_expect(tg_value_const_int(tg_build_int(&k.b, TG_U8, -1), &i) && i == 255);
    cr_expect(tg_value_const_int(tg_build_int(&k.b, TG_BOOL, 4), &i) && i == 1);
    cr_expect(tg_value_const_float(tg_build_float(&k.b, TG_F32, 0.1), &f) && f == (double)0.1f);
    cr_expect(!tg_value_const_int(tg_build_float(&k.b, TG_F32, 1.0), &i));
    cr_expect(!tg_value_const_float(k.n, &f));
    ir_text_fini(&t);
}

Test(ir_build, cloned_binders_bind_fresh_axes) {
    ir_text t;
    ir_text_init(&t);
    kernel k;
    make(&t, &k);
    tg_value *i = tg_build_iota(&k.b, k.axis), *x = tg_build_load(&k.b, k.x, &i, 1, NULL);
    tg_build_store(&k.b, k.y, x, &i, 1, NULL);
    tg_builder end = {.func = k.f, .block = &k.f->body.body};
    tg_map *map = tg_map_create(t.arena);
    tg_op *copy = tg_op_clone(&end, k.phase, map);
    cr_expect_eq(k.f->axes.len, 2u);
    tg_value *x2 = tg_map_get(map, x);
    cr_assert_not_null(x2);
    cr_expect_eq(x2->type->axes[0], k.f->axes.data[1]);
    cr_expect_eq(k.f->axes.data[1]->binder, copy->regions[0].body.first);
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    ir_text_fini(&t);
}

static void count(tg_op *op, void *user) {
    ++*(uint32_t *)user;
    (void)op;
}

static void erase_stores(tg_op *op, void *user) {
    if (op->opcode == TG_OP_STORE) {
        tg_op_erase(op);
    }
    (void)user;
}

Test(ir_build, walk_may_erase) {
    ir_text t;
    ir_text_init(&t);
    kernel k;
    make(&t, &k);
    tg_value *i = tg_build_iota(&k.b, k.axis), *x = tg_build_load(&k.b, k.x, &i, 1, NULL);
    tg_build_store(&k.b, k.y, x, &i, 1, NULL);
    tg_build_store(&k.b, k.y, x, &i, 1, NULL);
    uint32_t n = 0;
    tg_ir_walk(k.f, count, &n);
    cr_expect_eq(n, 8u);
    tg_ir_walk(k.f, erase_stores, NULL);
    n = 0;
    tg_ir_walk(k.f, count, &n);
    cr_expect_eq(n, 6u);
    cr_expect_null(tg_ir_verify(k.f, t.arena));
    ir_text_fini(&t);
}

Test(ir_build, facts_of_operations) {
    cr_expect_eq(tg_op_info_of(TG_OP_LOAD)->effect, TG_EFF_READ);
    cr_expect_eq(tg_op_info_of(TG_OP_FILL)->effect, TG_EFF_WRITE);
    cr_expect_eq(tg_op_info_of(TG_OP_CAS)->effect, TG_EFF_ATOMIC);
    cr_expect_eq(tg_op_info_of(TG_OP_AXIS)->effect, TG_EFF_CONTROL);
    cr_expect_eq(tg_op_info_of(TG_OP_PRINT)->effect, TG_EFF_IO);
    cr_expect_eq(tg_op_info_of(TG_OP_DOT)->effect, TG_EFF_NONE);
    cr_expect(tg_op_is_elementwise(TG_OP_BROADCAST) && !tg_op_is_elementwise(TG_OP_REINDEX));
    cr_expect(tg_op_is_math(TG_OP_EXP) && !tg_op_is_math(TG_OP_SQRT) &&
              !tg_op_is_math(TG_OP_CPLX));
    for (uint32_t i = 0; i < TG_OP_COUNT; i++) {
        const char *name = tg_op_info_of((tg_opcode)i)->mnemonic;
        cr_expect_eq(tg_opcode_from_mnemonic(name, strlen(name)), i);
    }
    for (uint32_t i = 1; i < TG_ENUM_COUNT; i++) {
        const char *name = tg_enum_name((tg_enum)i);
        cr_expect_eq(tg_enum_from_name(name, strlen(name)), i, "%s", name);
    }
    cr_expect_eq(tg_opcode_from_mnemonic("ad", 2), TG_OP_COUNT);
}
