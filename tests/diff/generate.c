/* Random programs of tile IR. A program is a few phases; a phase is a nest of grid binders around a body; a body grows a
 * list of visible values, one random operation at a time, opens loops and branches, and stores at injective indices.
 * Everything comes from the seed. generate_launch.c puts phases in order, generate_ops.c makes the operations,
 * generate_control.c loops and branches, generate_memory.c stores and atomics. */
#include "tests/diff/generate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t gen_below(generator *g, uint32_t n) {
    return (uint32_t)(diff_random(&g->rng) % n);
}

bool gen_chance(generator *g, uint32_t percent) {
    return gen_below(g, 100) < percent;
}

tg_dtype gen_dtype(generator *g) {
    static const tg_dtype list[] = {TG_F32, TG_F32, TG_F32, TG_F32, TG_F32,  TG_F32, TG_F32,
                                    TG_F32, TG_F64, TG_F64, TG_F16, TG_BF16, TG_F16, TG_BF16,
                                    TG_I32, TG_I32, TG_I32, TG_I64, TG_I64,  TG_U8,  TG_I8,
                                    TG_U32, TG_I16, TG_U16, TG_U64, TG_BOOL, TG_C32, TG_C64};
    return list[gen_below(g, sizeof list / sizeof *list)];
}

int64_t gen_extent(generator *g) {
    static const int64_t list[] = {0,  1,  2,  3,  5,  7,   8, 13, 16,
                                   17, 31, 33, 64, 70, 100, 4, 9,  20};
    return list[gen_below(g, sizeof list / sizeof *list)];
}

/* ---- scope ------------------------------------------------------------------------------------------- */

void gen_push(generator *g, tg_value *v) { /* null: nothing was made */
    if (v && g->n_scope < MAX_SCOPE) {
        g->scope[g->n_scope++] = v;
    }
}

static int64_t axis_size(const generator *g, const tg_axis *a) {
    for (uint32_t i = 0; i < g->n_binders; i++) {
        if (g->binders[i].axis == a) {
            return g->binders[i].size > 0 ? g->binders[i].size : 1;
        }
    }
    return 1;
}

int64_t gen_tile_size(const generator *g, const tg_type *t) {
    int64_t n = 1;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        n *= axis_size(g, t->axes[i]);
    }
    return n;
}

bool gen_fits(const generator *g, const tg_type *a, const tg_type *b) {
    int64_t n = gen_tile_size(g, a);
    uint32_t rank = a->n_axes;
    for (uint32_t i = 0; i < b->n_axes; i++) {
        if (!tg_type_has_axis(a, b->axes[i])) {
            n *= axis_size(g, b->axes[i]);
            rank++;
        }
    }
    return n <= MAX_TILE && rank <= 5;
}

tg_value *gen_pick(generator *g, tg_dtype t, bool tile) {
    tg_value *found = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_scope; i++) {
        tg_value *v = g->scope[i];
        if ((t == TG_DTYPE_NONE || v->type->dtype == t) && (!tile || v->type->n_axes)) {
            n += 1 + (i + 8 > g->n_scope);
            if (gen_below(g, n) <= (i + 8 > g->n_scope)) {
                found = v;
            }
        }
    }
    return found;
}

tg_value *gen_constant(generator *g, tg_dtype t) {
    static const double list[] = {0, 1, -1, 2, 0.5, 3, -0.0, 1.5, 10, 0.1};
    double v = list[gen_below(g, sizeof list / sizeof *list)];
    if (g->special && gen_chance(g, 10)) {
        static const double odd[] = {INFINITY, -INFINITY, NAN};
        v = odd[gen_below(g, 3)];
    }
    if (tg_dtype_is_float(t) || tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        return tg_build_float(&g->b, t, v);
    }
    return tg_build_int(
        &g->b, t, (int64_t)gen_below(g, 9) - (tg_dtype_kind_of(t) == TG_KIND_SINT ? 4 : 0));
}

tg_value *gen_value(generator *g, tg_dtype t) {
    tg_value *v = gen_chance(g, 90) ? gen_pick(g, t, false) : NULL;
    if (!v && gen_chance(g, 75)) {
        v = gen_load(g, t);
    }
    if (!v) {
        tg_value *x = gen_pick(g, TG_DTYPE_NONE, false);
        bool simple = x && tg_dtype_kind_of(x->type->dtype) != TG_KIND_COMPLEX &&
                      tg_dtype_kind_of(t) != TG_KIND_COMPLEX;
        v = simple && gen_chance(g, 60) ? tg_build_cast(&g->b, x, t) : gen_constant(g, t);
    }
    return v;
}

tg_value *gen_tile(generator *g, tg_dtype t) {
    return gen_pick(g, t, true);
}

tg_value *gen_any_tile(generator *g) {
    return gen_pick(g, TG_DTYPE_NONE, true);
}

/* ---- tensors and axes ------------------------------------------------------------------------------------ */

tg_name gen_fresh(generator *g, const char *prefix) {
    char text[32];
    snprintf(text, sizeof text, "%s%u", prefix, g->n_names++);
    return tg_intern_cstr(g->f->names, text);
}

/* Strides of any kind: rows with gaps, another order of the dimensions, inputs also 0 and negative. */
static void random_strides(generator *g, diff_tensor *t, uint32_t rank, bool input,
                           bool packed) {
    uint32_t order[8];
    int64_t n = 1, low = 0;
    for (uint32_t d = 0; d < rank; d++) {
        order[d] = rank - 1 - d;
    }
    if (gen_chance(g, 30)) {
        for (uint32_t d = 1; d < rank; d++) {
            uint32_t other = gen_below(g, d + 1), keep = order[d];
            order[d] = order[other];
            order[other] = keep;
        }
    }
    bool plain = packed || gen_chance(g, 50);
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t d = order[i];
        int64_t extent = t->shape[d] > 0 ? t->shape[d] : 1;
        if (!plain && gen_chance(g, 20)) {
            n *= 2;
        } else if (!plain && gen_chance(g, 30)) {
            n += 1 + gen_below(g, 7);
        }
        t->stride[d] = n;
        n *= extent;
        if (!plain && input && gen_chance(g, 12)) {
            n /= extent;
            t->stride[d] = 0;
        } else if (!plain && gen_chance(g, 12)) {
            low += t->stride[d] * (extent - 1);
            t->stride[d] = -t->stride[d];
        }
    }
    t->offset = packed ? 0 : low + gen_below(g, 4);
    t->length = t->offset + n + 8;
}

diff_tensor gen_layout(generator *g, uint32_t rank, const int64_t *shape, diff_fill fill, bool input, bool packed) {
    diff_tensor t = {.seed = diff_random(&g->rng) % 100000, .fill = fill};
    memcpy(t.shape, shape, rank * sizeof *shape);
    random_strides(g, &t, rank, input, packed);
    return t;
}

tg_value *gen_param_tensor(generator *g, tg_fparam_kind kind, tg_dtype dtype, uint32_t rank,
                           const int64_t *shape, diff_fill fill) {
    if (g->n_tensors >= 20 || g->f->n_params >= 31) {
        return NULL;
    }
    tg_fparam p = {.name = gen_fresh(g, kind == TG_FP_IN ? "X" : "Y"),
                   .kind = kind,
                   .dtype = dtype,
                   .rank = rank};
    diff_tensor t = gen_layout(g, rank, shape, fill, kind == TG_FP_IN, tg_dtype_bits(dtype) < 8);
    diff_print_tensor(&g->head, p.name, rank, &t);
    tg_value *v = tg_func_add_param(g->f, p);
    memcpy(g->dims[g->n_tensors], shape, rank * sizeof *shape);
    g->tensors[g->n_tensors++] = v;
    return v;
}

/* A dimension of some argument that has this extent, as those of most kernels are, or null. */
static tg_value *dim_of_extent(generator *g, int64_t extent) {
    tg_value *found = NULL;
    for (uint32_t i = 0, seen = 0; i < g->n_tensors; i++) {
        bool gone = g->tensors[i]->def && g->dims[i][7] == 2; /* a workspace that may have ended */
        for (uint32_t d = 0; !gone && d < g->tensors[i]->type->rank; d++) {
            if (g->dims[i][d] == extent && gen_below(g, ++seen) == 0) {
                found = tg_build_dim(&g->b, g->tensors[i], d);
            }
        }
    }
    return found;
}

/* A constant, a dimension, or a scalar parameter. */
tg_value *gen_extent_value(generator *g, int64_t extent) {
    tg_value *dim = gen_chance(g, 25) ? dim_of_extent(g, extent) : NULL;
    if (dim) {
        return dim;
    }
    if (gen_chance(g, 50) || g->f->n_params >= 28) {
        return tg_build_int(&g->b, TG_I64, extent);
    }
    tg_fparam p = {.name = gen_fresh(g, "n"), .kind = TG_FP_SCALAR, .dtype = TG_I64};
    tg_strbuf_printf(&g->head, "// arg %s scalar %lld\n", p.name, (long long)extent);
    return tg_func_add_param(g->f, p);
}

tg_axis *gen_axis(generator *g, tg_axis_kind kind, int64_t extent, int64_t block,
                  bool constant) {
    tg_axis *a = tg_func_add_axis(g->f, kind,
                                  gen_fresh(g, kind == TG_AXIS_GRID   ? "i"
                                               : kind == TG_AXIS_LOOP ? "k"
                                                                      : "j"),
                                  (tg_span){0});
    a->extent = constant ? extent : -1;
    a->block = block;
    return a;
}

binder *gen_push_binder(generator *g, tg_axis *a, tg_value *index, int64_t size, int64_t extent,
                        bool local) {
    g->binders[g->n_binders] = (binder){a, index, size, extent, local};
    return &g->binders[g->n_binders++];
}

static bool is_const(const tg_value *v) {
    int64_t i;
    return tg_value_const_int(v, &i);
}

/* An index around this place, moved a little: triangles, bands and ragged rows. Null: there is none. */
static tg_value *bound_from_index(generator *g) {
    tg_value *index = NULL;
    for (uint32_t i = 0, seen = 0; i < g->n_binders; i++) {
        tg_value *x = g->binders[i].index;
        index = x && !x->type->n_axes && gen_below(g, ++seen) == 0 ? x : index;
    }
    return index ? tg_build_binary(&g->b, TG_OP_ADD, index,
                                   tg_build_int(&g->b, TG_I64, (int64_t)gen_below(g, 7) - 3))
                 : NULL;
}

/* Three operands of a domain. Mostly the whole of [0, extent). */
bool gen_domain(generator *g, int64_t extent, tg_value **v) {
    v[0] = gen_extent_value(g, extent);
    v[1] = tg_build_int(&g->b, TG_I64, 0);
    v[2] = v[0];
    if (gen_chance(g, 80)) {
        return is_const(v[0]);
    }
    for (uint32_t i = 1; i < 3; i++) {
        tg_value *moved = gen_chance(g, 40) ? bound_from_index(g) : NULL;
        if (moved) {
            v[i] = moved;
        } else if (gen_chance(g, 50)) {
            v[i] = gen_extent_value(g, i == 1 ? (int64_t)gen_below(g, 12) - 2
                                              : (int64_t)gen_below(g, 40));
        }
    }
    return false;
}

tg_axis *gen_local(generator *g) {
    if (g->n_binders >= MAX_BINDERS - 2) {
        return NULL;
    }
    int64_t extent = gen_extent(g);
    extent = g->work * extent > 40000 ? 5 : extent;
    tg_value *v[3];
    bool whole = gen_domain(g, extent, v);
    tg_axis *a = gen_axis(g, TG_AXIS_LOCAL, extent, 0, whole);
    tg_attr attr = tg_attr_axis(g->arena, TG_ATTR_AXIS, a);
    a->binder = tg_build_op(&g->b, TG_OP_AXIS, v, 3, NULL, 0, &attr, 1);
    gen_push_binder(g, a, NULL, extent, extent, true);
    tg_value *i = tg_build_iota(&g->b, a);
    g->binders[g->n_binders - 1].index = i;
    gen_push(g, i);
    return a;
}

/* ---- loads and stores ------------------------------------------------------------------------------------------ */

static tg_value *int_const(generator *g, int64_t v) {
    return tg_build_int(&g->b, TG_I64, v);
}

/* An index for one dimension: a binder's, an affine form of two, or something read from memory. */
static tg_value *random_index(generator *g, int64_t extent) {
    if (g->n_binders == 0 || gen_chance(g, 5)) {
        return int_const(g, gen_below(g, (uint32_t)(extent > 0 ? extent : 1)));
    }
    tg_value *i = g->binders[gen_below(g, g->n_binders)].index;
    uint32_t kind = gen_below(g, 100);
    if (kind < 55) {
        return i;
    }
    if (kind < 65) {
        return tg_build_binary(&g->b, TG_OP_ADD, i, int_const(g, (int64_t)gen_below(g, 7) - 3));
    }
    if (kind < 72) {
        return tg_build_binary(&g->b, TG_OP_SUB, int_const(g, extent - 1), i);
    }
    if (kind < 88) {
        tg_value *j = g->binders[gen_below(g, g->n_binders)].index;
        if (!gen_fits(g, i->type, j->type)) {
            return i;
        }
        tg_value *scaled =
            tg_build_binary(&g->b, TG_OP_MUL, i, int_const(g, 1 + gen_below(g, 3)));
        tg_value *sum = tg_build_binary(&g->b, TG_OP_ADD, scaled, j);
        return tg_build_binary(&g->b, TG_OP_SUB, sum, int_const(g, gen_below(g, 3)));
    }
    if (kind < 93) {
        tg_opcode op = gen_chance(g, 50) ? TG_OP_DIV : TG_OP_REM;
        return tg_build_binary(&g->b, op, i, int_const(g, 1 + gen_below(g, 4)));
    }
    tg_value *v = gen_tile(g, TG_I64);
    if (!v) {
        return i;
    }
    if (gen_chance(g, 60)) {
        v = tg_build_binary(&g->b, TG_OP_MAX, v, int_const(g, 0));
        v = tg_build_binary(&g->b, TG_OP_MIN, v, int_const(g, extent - 1));
    }
    return v;
}

static tg_dtype storage_dtype(generator *g, tg_dtype t) {
    static const tg_dtype floats[] = {TG_F8E4M3, TG_F8E5M2, TG_F4E2M1, TG_BF16, TG_F16};
    if (t == TG_F32 && gen_chance(g, 6)) {
        return floats[gen_below(g, 5)];
    }
    if (t == TG_I32 && gen_chance(g, 6)) {
        return gen_chance(g, 50) ? TG_I4 : TG_U4;
    }
    return t;
}

uint32_t gen_shape(generator *g, int64_t *shape) {
    uint32_t rank = 1 + gen_below(g, gen_chance(g, 80) ? 2 : 4);
    for (uint32_t d = 0; d < rank; d++) {
        bool from_binder = g->n_binders && gen_chance(g, 70);
        shape[d] = from_binder ? g->binders[gen_below(g, g->n_binders)].extent : gen_extent(g);
        shape[d] = rank > 2 && shape[d] > 20 ? 20 : shape[d];
        shape[d] = shape[d] == 0 && gen_chance(g, 70) ? 6 : shape[d];
    }
    if (rank > 1 && gen_chance(g, 20)) { /* points of a few elements */
        shape[rank - 1] = 1 + gen_below(g, 4);
    }
    return rank;
}

diff_fill gen_fill(generator *g, tg_dtype stored) {
    return tg_dtype_is_int(stored) && gen_chance(g, 50) ? DIFF_FILL_INDEX
           : g->special                                 ? DIFF_FILL_SPECIAL
           : gen_chance(g, 50)                          ? DIFF_FILL_SMALL
                                                        : DIFF_FILL_FLOAT;
}

static tg_value *source_tensor(generator *g, tg_dtype stored, uint32_t *which) {
    for (uint32_t tries = 0; tries < 4; tries++) {
        uint32_t i = g->n_readable ? gen_below(g, g->n_tensors) : 0;
        if (i < g->n_tensors && g->tensors[i] && g->tensors[i]->type->dtype == stored &&
            g->dims[i][7] == 0) {
            *which = i;
            return g->tensors[i];
        }
    }
    int64_t shape[8] = {0};
    uint32_t rank = gen_shape(g, shape);
    tg_value *v = gen_param_tensor(g, TG_FP_IN, stored, rank, shape, gen_fill(g, stored));
    *which = g->n_tensors - 1;
    g->n_readable = g->n_tensors;
    return v;
}

/* X[i / N, i % N]: two dimensions read as one. */
static void merge_two(generator *g, tg_value *tensor, uint32_t d, tg_value **index) {
    tg_value *n = tg_build_dim(&g->b, tensor, d + 1);
    index[d + 1] = tg_build_binary(&g->b, TG_OP_REM, index[d], n);
    index[d] = tg_build_binary(&g->b, TG_OP_DIV, index[d], n);
}

void gen_indices(generator *g, tg_value *tensor, const int64_t *shape, tg_value **index) {
    const tg_type *sum = tg_type_scalar(g->f, TG_I64);
    uint32_t rank = tensor->type->rank, merged = rank > 1 && gen_chance(g, 12) ? gen_below(g, rank - 1) : rank;
    for (uint32_t d = 0; d < rank; d++) {
        if (d == merged + 1) {
            merge_two(g, tensor, merged, index);
            continue;
        }
        index[d] = random_index(g, shape[d]);
        if (!gen_fits(g, sum, index[d]->type)) {
            index[d] = int_const(g, 0);
        }
        const tg_type *both[] = {sum, index[d]->type};
        sum = tg_type_union(g->f, TG_I64, both, 2);
    }
}

tg_value *gen_load(generator *g, tg_dtype t) {
    tg_value *viewed = gen_chance(g, 4) ? gen_view_load(g, t) : NULL;
    if (viewed) {
        return viewed;
    }
    tg_dtype stored = storage_dtype(g, t);
    uint32_t which = 0;
    tg_value *x = source_tensor(g, stored, &which);
    if (!x) {
        return NULL;
    }
    tg_value *index[8];
    gen_indices(g, x, g->dims[which], index);
    const tg_type *sum = tg_type_scalar(g->f, TG_I64);
    for (uint32_t d = 0; d < x->type->rank; d++) {
        sum = tg_type_union(g->f, TG_I64, (const tg_type *const[]){sum, index[d]->type}, 2);
    }
    tg_value *other = stored == t && gen_chance(g, 25) ? gen_constant(g, t) : NULL;
    if (other && gen_chance(g, 20)) {
        tg_value *v = gen_pick(g, t, false);
        other = v && gen_fits(g, sum, v->type) ? v : other;
    }
    tg_value *v = tg_build_load(&g->b, x, index, x->type->rank, other);
    return tg_build_cast(&g->b, v, t);
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------ */

static void gen_step(generator *g) {
    uint32_t k = gen_below(g, 100);
    if (g->budget == 0) {
        return;
    }
    g->budget--;
    if (k < 48) {
        gen_elementwise(g);
    } else if (k < 64) {
        gen_push(g, gen_value(g, gen_dtype(g)));
    } else if (k < 80) {
        gen_structure(g);
    } else if (k < 84) {
        gen_local(g);
    } else if (k < 86) {
        gen_for(g);
    } else if (k < 88) {
        gen_accumulation(g);
    } else if (k < 89) {
        gen_while(g);
    } else if (k < 91) {
        gen_if(g);
    } else if (k < 94) {
        gen_region(g);
    } else if (k < 95) {
        gen_atomic(g);
    } else {
        tg_value *v = gen_any_tile(g);
        if (v) {
            gen_store(g, v);
        }
    }
}

void gen_body(generator *g, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        gen_step(g);
    }
}

/* ---- phases ------------------------------------------------------------------------------------------------------------- */

static void gen_instance(generator *g) {
    if (gen_chance(g, 70)) {
        gen_local(g);
    }
    gen_push(g, gen_load(g, gen_chance(g, 60) ? TG_F32 : gen_dtype(g)));
    g->grid_depth = g->depth;
    if (gen_chance(g, 25)) {
        gen_accumulation(g);
    }
    gen_body(g, 5 + gen_below(g, 14));
    for (uint32_t i = 0, n = 1 + gen_below(g, 3); i < n && g->n_scope; i++) {
        gen_store(g, g->scope[g->n_scope - 1 - gen_below(g, g->n_scope < 6 ? g->n_scope : 6)]);
    }
}

static void gen_par(generator *g, uint32_t left) {
    static const int64_t blocks[] = {1, 8, 16, 48, 96, 0};
    if (left == 0) {
        gen_instance(g);
        return;
    }
    int64_t extent = gen_extent(g);
    bool each = gen_chance(g, 25);
    extent = (each && extent > 9) || g->work * extent > 8000 ? 3 : extent;
    tg_value *v[3];
    bool whole = gen_domain(g, extent, v);
    int64_t block = blocks[gen_below(g, 6)];
    tg_attr attr;
    tg_axis *a = NULL;
    if (!each) {
        a = gen_axis(g, TG_AXIS_GRID, extent, block, whole);
        attr = tg_attr_axis(g->arena, TG_ATTR_AXIS, a);
    }
    tg_op *op = tg_build_op(&g->b, TG_OP_PAR, v, 3, NULL, 0, each ? NULL : &attr, each ? 0 : 1);
    if (a) {
        a->binder = op;
    }
    gen_mark m = gen_enter(g, op, 0);
    g->work *= extent > 0 ? extent : 1;
    tg_value *index = each ? tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I64),
                                              gen_fresh(g, "g"))
                           : NULL;
    gen_push_binder(g, a, index,
                    each                      ? 1
                    : block && block < extent ? block
                                              : extent,
                    extent, false);
    if (each) {
        gen_push(g, index);
    }
    if (left == 1) {
        for (uint32_t i = 0; i < g->n_binders; i++) {
            if (g->binders[i].axis && !g->binders[i].index) {
                g->binders[i].index = tg_build_iota(&g->b, g->binders[i].axis);
                gen_push(g, g->binders[i].index);
            }
        }
    }
    gen_par(g, left - 1);
    tg_build_yield(&g->b, NULL, 0);
    gen_leave(g, m);
}

void gen_phase(generator *g) {
    tg_op *op = tg_build_op(&g->b, TG_OP_PHASE, NULL, 0, NULL, 0, NULL, 0);
    g->phase = op;
    gen_mark m = gen_enter(g, op, 0);
    g->budget = 40;
    gen_par(g, 1 + gen_below(g, 3));
    tg_build_yield(&g->b, NULL, 0);
    gen_leave(g, m);
}

static char *finish(generator *g) {
    g->f->block_dependent = g->dependent;
    for (uint32_t i = 0; i < g->f->axes.len && g->dependent; i++) { /* else a pass may choose */
        tg_axis *a = g->f->axes.data[i];
        a->block = a->block || a->kind == TG_AXIS_LOCAL ? a->block : 128;
    }
    tg_strbuf out;
    tg_strbuf_init(&out, g->arena);
    tg_strbuf_put(&out, g->head.data, g->head.len);
    tg_ir_print(g->f, &out);
    char *copy = malloc(out.len + 1);
    memcpy(copy, out.data, out.len + 1);
    return copy;
}

char *diff_generate(uint64_t seed) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (TG_PROTECT(&unwind)) {
        abort();
    }
    generator *g = TG_NEW(arena, generator);
    g->rng = seed * 0x2545f4914f6cdd1d + 1;
    g->arena = arena;
    tg_interner *names = tg_interner_create(arena);
    g->f = tg_func_create(arena, names, tg_intern_cstr(names, "random"));
    g->b = (tg_builder){.func = g->f, .block = &g->f->body.body};
    tg_strbuf_init(&g->head, arena);
    tg_strbuf_printf(&g->head, "// seed %llu\n", (unsigned long long)seed);
    g->special = gen_chance(g, 40);
    g->zeros = gen_chance(g, 30);
    g->work = 1;
    gen_launch(g);
    gen_facts(g);
    char *text = finish(g);
    tg_arena_destroy(arena);
    return text;
}
