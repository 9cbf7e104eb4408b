/* The launch level of random programs: phases one after another, in steps and under conditions, what launches make sure of about shapes, and
 * tensors that are views of pointers. */
#include "tests/diff/generate.h"

/* ---- phases ---------------------------------------------------------------------------------------------- */

/* What earlier phases wrote may be read now. */
static void open_outputs(generator *g) {
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        g->dims[i][7] = g->dims[i][7] == 1 && gen_chance(g, 60) ? 0 : g->dims[i][7] ? 2 : 0;
    }
}

static void gen_phases(generator *g, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        gen_phase(g);
        open_outputs(g);
    }
}

/* Workspaces made in a region end with it. */
static void close_workspaces(generator *g, uint32_t from) {
    for (uint32_t i = from; i < g->n_tensors; i++) {
        g->dims[i][7] = g->tensors[i]->def ? 2 : g->dims[i][7];
    }
}

static void leave_region(generator *g, gen_mark m, uint32_t n_tensors) {
    tg_build_yield(&g->b, NULL, 0);
    gen_leave(g, m);
    close_workspaces(g, n_tensors);
}

/* for (each s in n): whose phases may depend on the step, and store at places of their own in each. */
static void gen_steps(generator *g) {
    int64_t n = gen_below(g, 4);
    uint32_t n_tensors = g->n_tensors;
    tg_value *v[3];
    gen_domain(g, n, v);
    tg_op *op = tg_build_op(&g->b, TG_OP_FOR, v, 3, NULL, 0, NULL, 0);
    gen_mark m = gen_enter(g, op, 0);
    tg_value *step = tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I64), gen_fresh(g, "s"));
    gen_push_binder(g, NULL, step, 1, n, false);
    gen_push(g, step);
    g->work *= n > 0 ? n : 1;
    gen_phases(g, 1 + gen_below(g, 2));
    leave_region(g, m, n_tensors);
}

/* if (x < y) with phases on both sides or one. */
static void gen_choice(generator *g) {
    tg_value *x = gen_extent_value(g, gen_below(g, 9)), *y = gen_extent_value(g, gen_below(g, 9));
    tg_value *c = tg_build_cmp(&g->b, gen_chance(g, 50) ? TG_LT : TG_NE, x, y);
    tg_op *op = tg_build_op(&g->b, TG_OP_IF, &c, 1, NULL, 0, NULL, 0);
    for (uint32_t r = 0; r < 2; r++) {
        uint32_t n_tensors = g->n_tensors;
        gen_mark m = gen_enter(g, op, r);
        gen_phases(g, r == 0 || gen_chance(g, 50) ? 1 : 0);
        leave_region(g, m, n_tensors);
    }
}

void gen_launch(generator *g) {
    uint32_t n = gen_chance(g, 70) ? 1 : 2;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t kind = gen_below(g, 100);
        if (kind < 10) {
            gen_steps(g);
        } else if (kind < 18) {
            gen_choice(g);
        } else {
            gen_phases(g, 1);
        }
    }
}

/* ---- facts ----------------------------------------------------------------------------------------------- */

static void assume_equal(tg_builder *b, tg_value *x, tg_value *y) {
    tg_value *same = tg_build_cmp(b, TG_EQ, x, y);
    tg_build_op(b, TG_OP_ASSUME, &same, 1, NULL, 0, NULL, 0);
}

/* Some dimension of an earlier argument of that extent, or null: as a name that two shapes share. */
static tg_value *earlier_dim(generator *g, tg_builder *b, uint32_t tensor, int64_t extent) {
    for (uint32_t i = 0; i < tensor; i++) {
        for (uint32_t d = 0; !g->tensors[i]->def && d < g->tensors[i]->type->rank; d++) {
            if (g->dims[i][d] == extent && gen_chance(g, 50)) {
                return tg_build_dim(b, g->tensors[i], d);
            }
        }
    }
    return NULL;
}

/* What signatures say: X[N, 3], Y[N]. */
void gen_facts(generator *g) {
    tg_builder b = {.func = g->f, .block = &g->f->body.body, .before = g->f->body.body.first};
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        tg_value *x = g->tensors[i];
        for (uint32_t d = 0; !x->def && d < x->type->rank; d++) {
            int64_t extent = g->dims[i][d];
            bool literal = gen_chance(g, d + 1 == x->type->rank && extent <= 4 ? 60 : 15);
            tg_value *same = literal             ? tg_build_int(&b, TG_I64, extent)
                             : gen_chance(g, 60) ? earlier_dim(g, &b, i, extent)
                                                 : NULL;
            if (same) {
                assume_equal(&b, tg_build_dim(&b, x, d), same);
            }
        }
    }
}

/* ---- views ----------------------------------------------------------------------------------------------- */

/* view T X[…] = p strides (…), at the launch level or where it is read. */
tg_value *gen_view_load(generator *g, tg_dtype t) {
    if (g->f->n_params >= 28 || t == TG_BOOL) {
        return NULL;
    }
    int64_t shape[8];
    uint32_t rank = gen_shape(g, shape);
    diff_tensor layout = gen_layout(g, rank, shape, gen_fill(g, t), true, false);
    tg_fparam p = {.name = gen_fresh(g, "P"), .kind = TG_FP_PTR, .dtype = TG_U64};
    diff_print_pointer(&g->head, p.name, t, rank, &layout);
    tg_builder top = {.func = g->f, .block = &g->f->body.body, .before = g->f->body.body.first};
    tg_builder *b = gen_chance(g, 60) && top.before ? &top : &g->b;
    tg_value *operands[17] = {tg_func_add_param(g->f, p)}, *index[8];
    for (uint32_t d = 0; d < rank; d++) {
        operands[1 + d] = tg_build_int(b, TG_I64, shape[d]);
        operands[1 + rank + d] = tg_build_int(b, TG_I64, layout.stride[d]);
    }
    const tg_type *type = tg_type_tensor(g->f, t, rank);
    tg_value *x = tg_result(tg_build_op(b, TG_OP_TENSOR, operands, 1 + 2 * rank, &type, 1, NULL, 0), 0);
    gen_indices(g, x, shape, index);
    return tg_build_load(&g->b, x, index, rank, NULL);
}
