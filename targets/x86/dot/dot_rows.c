/* Rows of the broadcast side, packed tile by tile: at every reduction point the elements of all rows of a tile lie side by side.
 *
 *   rows r0 …  k0 k1 k2 …           tile: k0: r0 r1 … r5   k1: r0 r1 … r5   k2: …
 *        r1 …  k0 k1 k2 …   →
 *
 * The register tile then reads one stream instead of one per row. Rows that lie a power of two apart share sets of the caches
 * and pages of the TLB; a block of packed rows is contiguous. Vectors along the reduction are read from each row and
 * transposed in 128-bit lanes, as in transpose.c: pairs of rows first, then pairs of pairs. */
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

enum { MAX_LANES = 16, MAX_ROWS = TG_DOT_MAX_VECS * MAX_LANES, AHEAD = 128 };

/* Chunks of `width` elements from half of each 128-bit lane of a, then of b: a0 b0 a1 b1 …  */
static LLVMValueRef interleave(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b, unsigned width, bool upper) {
    unsigned per = 16 / e->size, pick[MAX_LANES];
    for (unsigned i = 0; i < e->lanes; i++) {
        unsigned within = i % per, from = within / (2 * width) * width + within % width + (upper ? per / 2 : 0);
        pick[i] = i / per * per + from + (within / width % 2 ? e->lanes : 0);
    }
    return tg_llvm_shuffle(e->l, a, b, pick, e->lanes);
}

/* Stores the elements of `height` rows at one point after the other, `line` bytes apart; lane h of 128 bits begins at point `first`
 * of its own. */
static void store_points(tg_dot_emission *e, LLVMValueRef v, unsigned height, unsigned first, unsigned line, LLVMValueRef to) {
    unsigned per = 16 / e->size, points = per / height;
    for (unsigned i = 0; i < e->lanes / height; i++) {
        unsigned point = i / points * per + first + i % points;
        LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, to, tg_llvm_i64(e->l, (int64_t)point * line));
        LLVMValueRef part = height == 1 ? LLVMBuildExtractElement(e->l->builder, v, tg_llvm_i32(e->l, i), "")
                                        : tg_llvm_slice(e->l, v, i * height, height);
        tg_llvm_store(e->l, part, at, e->size);
    }
}

/* `height` rows, a power of two up to the elements of a 128-bit lane. */
static void store_rows(tg_dot_emission *e, const LLVMValueRef *row, unsigned height, unsigned line, LLVMValueRef to) {
    unsigned per = 16 / e->size;
    if (height == 1) {
        store_points(e, row[0], 1, 0, line, to);
        return;
    }
    for (unsigned half = 0; half < 2; half++) {
        LLVMValueRef a = interleave(e, row[0], row[1], 1, half), b = height == 4 ? interleave(e, row[2], row[3], 1, half) : NULL;
        if (!b) {
            store_points(e, a, 2, half * per / 2, line, to);
            continue;
        }
        store_points(e, interleave(e, a, b, 2, false), 4, 2 * half, line, to);
        store_points(e, interleave(e, a, b, 2, true), 4, 2 * half + 1, line, to);
    }
}

/* Points k … k + lanes of all rows. Few rows at a time, so that they stay in registers. */
static void pack_points(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef k, LLVMValueRef to) {
    LLVMValueRef row[16];
    unsigned line = r->n * e->size;
    for (unsigned i = 0, height = 16 / e->size; i < r->n; i += height) {
        while (height > r->n - i) {
            height /= 2;
        }
        for (unsigned h = 0; h < height; h++) {
            row[h] = tg_x86_dot_row_vector(e, r, i + h, k);
        }
        LLVMValueRef first = tg_llvm_gep(e->l, e->l->i8, to, tg_llvm_i64(e->l, i * e->size));
        store_rows(e, row, height, line, first);
    }
}

/* Point k of all rows. */
static void pack_point(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef k, LLVMValueRef to) {
    for (unsigned i = 0; i < r->n; i++) {
        LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, to, tg_llvm_i64(e->l, i * e->size));
        tg_llvm_store(e->l, tg_x86_dot_row_element(e, r, i, k), at, e->size);
    }
}

static void points_loop(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef to, LLVMValueRef from, LLVMValueRef until, unsigned step) {
    LLVMValueRef point = tg_llvm_i64(e->l, r->n * e->size);
    tg_llvm_loop loop;
    LLVMValueRef k = tg_llvm_loop_open(e->l, &loop, from, until, tg_llvm_i64(e->l, step));
    LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, to, LLVMBuildMul(e->l->builder, k, point, ""));
    if (step == 1) {
        pack_point(e, r, k, at);
    } else {
        pack_points(e, r, k, at);
    }
    tg_llvm_loop_close(e->l, &loop);
}

void tg_x86_dot_pack_tile(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef to) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef lanes = tg_llvm_i64(e->l, e->lanes);
    LLVMValueRef whole = LLVMBuildMul(b, LLVMBuildUDiv(b, r->count, lanes, ""), lanes, "");
    points_loop(e, r, to, tg_llvm_i64(e->l, 0), whole, e->lanes);
    points_loop(e, r, to, whole, r->count, 1);
}

/* Point k of rows that lie side by side, in pieces of powers of two. */
static void pack_neighbours(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef from, LLVMValueRef to) {
    for (unsigned i = 0, n = MAX_LANES; i < r->n; i += n) {
        while (n > r->n - i) {
            n /= 2;
        }
        LLVMValueRef offset = tg_llvm_i64(e->l, i * e->size), v = tg_llvm_load(e->l, tg_llvm_wide(e->elem, n), tg_llvm_gep(e->l, e->l->i8, from, offset), e->size);
        tg_llvm_store(e->l, v, tg_llvm_gep(e->l, e->l->i8, to, offset), e->size);
    }
}

/* A run along the last reduction axis, `offset` bytes behind the first point of the part: whole vectors where the points of a row follow one another,
 * others one by one. */
static void pack_run_of_box(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_rows *r, LLVMValueRef neighbours, LLVMValueRef offset, LLVMValueRef to) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef at[TG_DOT_MAX_ROWS], zero = tg_llvm_i64(l, 0), lanes = tg_llvm_i64(l, e->lanes), line = tg_llvm_i64(l, r->n * e->size);
    tg_dot_rows run = *r;
    for (unsigned i = 0; i < r->n; i++) {
        at[i] = tg_llvm_gep(l, l->i8, r->at[i], offset);
    }
    run.at = at;
    LLVMValueRef whole = LLVMBuildMul(b, LLVMBuildUDiv(b, r->count, lanes, ""), lanes, "");
    whole = LLVMBuildSelect(b, tg_x86_dot_has_runs(e, s), whole, zero, "");
    points_loop(e, &run, to, zero, whole, e->lanes);
    tg_llvm_loop loop;
    LLVMValueRef k = tg_llvm_loop_open(l, &loop, whole, r->count, tg_llvm_i64(l, 1));
    LLVMValueRef step = LLVMBuildMul(b, k, tg_x86_dot_step(e, s, e->d->over[e->d->n_over - 1]), ""), place = tg_llvm_gep(l, l->i8, to, LLVMBuildMul(b, k, line, ""));
    tg_llvm_if c;
    tg_llvm_if_open(l, &c, neighbours);
    pack_neighbours(e, r, tg_llvm_gep(l, l->i8, at[0], step), place);
    tg_llvm_if_else(l, &c);
    for (unsigned i = 0; i < r->n; i++) {
        LLVMValueRef v = tg_llvm_load(l, e->elem, tg_llvm_gep(l, l->i8, at[i], step), e->size);
        tg_llvm_store(l, v, tg_llvm_gep(l, l->i8, place, tg_llvm_i64(l, i * e->size)), e->size);
    }
    tg_llvm_if_close(l, &c);
    tg_llvm_loop_close(l, &loop);
}

void tg_x86_dot_pack_box(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_rows *rows, LLVMValueRef neighbours, LLVMValueRef to) {
    LLVMBuilderRef b = e->l->builder;
    uint32_t last = e->d->n_over - 1;
    tg_llvm_loop loops[TG_DOT_AXES];
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1), line = tg_llvm_i64(e->l, rows->n * e->size), point = zero, offset = zero;
    tg_dot_rows r = *rows;
    r.count = e->count[last];
    for (uint32_t i = 0; i < last; i++) {
        LLVMValueRef k = tg_llvm_loop_open(e->l, &loops[i], zero, e->count[i], one);
        offset = LLVMBuildAdd(b, offset, LLVMBuildMul(b, k, tg_x86_dot_step(e, s, e->d->over[i]), ""), "");
        point = LLVMBuildAdd(b, LLVMBuildMul(b, point, e->count[i], ""), k, "");
    }
    point = LLVMBuildMul(b, point, r.count, "");
    pack_run_of_box(e, s, &r, neighbours, offset, tg_llvm_gep(e->l, e->l->i8, to, LLVMBuildMul(b, point, line, "")));
    for (uint32_t i = last; i-- > 0;) {
        tg_llvm_loop_close(e->l, &loops[i]);
    }
}

LLVMValueRef tg_x86_dot_has_runs(const tg_dot_emission *e, const tg_dot_side *s) {
    LLVMValueRef step = tg_x86_dot_step(e, s, e->d->over[e->d->n_over - 1]);
    return LLVMBuildICmp(e->l->builder, LLVMIntEQ, step, tg_llvm_i64(e->l, e->size), "");
}

/* Does each run begin where the one before ends? */
static LLVMValueRef is_flat(const tg_dot_emission *e, const tg_dot_side *s) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef flat = LLVMConstInt(e->l->i1, 1, 0), step = tg_llvm_i64(e->l, e->size);
    for (uint32_t i = e->d->n_over; i-- > 0;) {
        flat = LLVMBuildAnd(b, flat, LLVMBuildICmp(b, LLVMIntEQ, tg_x86_dot_step(e, s, e->d->over[i]), step, ""), "");
        step = LLVMBuildMul(b, step, e->count[i], "");
    }
    return flat;
}

/* The points of a run of all columns, from `from` on. */
static void pack_run(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef from, LLVMValueRef count, LLVMValueRef to) {
    LLVMValueRef at[MAX_ROWS], apart = tg_x86_dot_step(e, s, e->d->vector);
    tg_dot_rows r = {.value = s->value, .at = at, .n = e->vecs * e->lanes, .count = count};
    for (unsigned i = 0; i < r.n; i++) {
        at[i] = tg_llvm_gep(e->l, e->l->i8, i ? at[i - 1] : from, i ? apart : tg_llvm_i64(e->l, 0));
    }
    r.ahead = tg_llvm_i64(e->l, AHEAD);
    tg_x86_dot_pack_tile(e, &r, to);
}

void tg_x86_dot_pack_columns(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p) {
    LLVMBuilderRef b = e->l->builder;
    uint32_t last = e->d->n_over - 1;
    tg_llvm_loop loops[TG_DOT_AXES];
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1), flat = is_flat(e, s), point = zero;
    LLVMValueRef all = tg_x86_dot_counts(e, 0), run = last ? LLVMBuildSelect(b, flat, all, e->count[last], "") : all;
    LLVMValueRef from = tg_llvm_gep(e->l, e->l->i8, tg_x86_dot_part_base(e, s), LLVMBuildMul(b, p->at, tg_x86_dot_step(e, s, e->d->vector), ""));
    for (uint32_t i = 0; i < last; i++) {
        LLVMValueRef count = e->count[i], k = tg_llvm_loop_open(e->l, &loops[i], zero, LLVMBuildSelect(b, flat, one, count, ""), one);
        from = tg_llvm_gep(e->l, e->l->i8, from, LLVMBuildMul(b, k, tg_x86_dot_step(e, s, e->d->over[i]), ""));
        point = LLVMBuildAdd(b, LLVMBuildMul(b, point, count, ""), k, "");
    }
    LLVMValueRef line = tg_llvm_i64(e->l, (int64_t)e->vecs * e->lanes * e->size);
    pack_run(e, s, from, run, tg_llvm_gep(e->l, e->l->i8, p->to, LLVMBuildMul(b, LLVMBuildMul(b, point, run, ""), line, "")));
    for (uint32_t i = last; i-- > 0;) {
        tg_llvm_loop_close(e->l, &loops[i]);
    }
}

/* ---- columns whose elements lie along the reduction, but have to be computed or grouped ---------------------------- */

enum { DEEPEST = 16 /* operations of an operand that are looked at */ };

static bool moves_last(tg_x86 *x, const tg_op *load, const tg_axis *a) {
    tg_affine form;
    int64_t c = 0;
    tg_value *symbol = NULL;
    uint32_t rank = tg_op_n_indices(load);
    const tg_value *last = rank ? tg_op_index(load, rank - 1) : NULL;
    bool moves = last && tg_type_has_axis(last->type, a) && tg_affine_of(x->arena, last, &form) && tg_affine_axis_coeff(&form, a, &c, &symbol);
    return moves && c == 1 && !symbol;
}

/* Do loads that `v` is computed from follow one another along `a`? */
static bool has_loads_along(tg_x86 *x, const tg_value *v, const tg_axis *a, unsigned depth) {
    const tg_op *op = v->def;
    const tg_x86_buffer *b = x->buffers[v->id];
    if (b) {
        return b->n_axes && b->axes[b->n_axes - 1] == a;
    }
    if (!op || !depth || !tg_type_has_axis(v->type, a)) {
        return false;
    }
    if (op->opcode == TG_OP_LOAD) {
        return tg_x86_may_be_unit(tg_operand(op, 0)) && moves_last(x, op, a);
    }
    bool along = false;
    for (uint32_t i = 0; i < op->n_operands && !along; i++) {
        along = has_loads_along(x, tg_operand(op, i), a, depth - 1);
    }
    return along;
}

bool tg_x86_dot_lies_along(const tg_dot_emission *e, const tg_dot_side *s) {
    return e->d->n_over == 1 && has_loads_along(e->x, s->value, e->d->over[0], DEEPEST);
}

bool tg_x86_dot_packs_along(const tg_dot_emission *e, const tg_dot_side *s) {
    const tg_x86_dot *d = e->d;
    bool plain = !s->direct && e->x->unit && !d->amx && d->vector;
    return plain && tg_x86_dot_lies_along(e, s) && !has_loads_along(e->x, s->value, d->vector, DEEPEST);
}

/* Zeros at `lanes` points of columns [from, width). */
static void clear_columns(tg_dot_emission *e, LLVMValueRef from, LLVMValueRef to) {
    tg_llvm_loop loop;
    LLVMValueRef width = tg_llvm_i64(e->l, e->vecs * e->lanes), size = tg_llvm_i64(e->l, e->size);
    LLVMValueRef c = tg_llvm_loop_open(e->l, &loop, from, width, tg_llvm_i64(e->l, e->lanes));
    for (unsigned i = 0; i < e->lanes; i++) {
        LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, to, tg_llvm_i64(e->l, (int64_t)i * tg_x86_dot_panel_step(e)));
        tg_llvm_store(e->l, LLVMConstNull(e->vector), tg_llvm_gep(e->l, e->l->i8, at, LLVMBuildMul(e->l->builder, c, size, "")), e->size);
    }
    tg_llvm_loop_close(e->l, &loop);
}

/* Points k … k + lanes of the columns before `until`; those past the limit repeat the last. */
static void pack_points_along(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p, LLVMValueRef k, LLVMValueRef until, LLVMValueRef to) {
    LLVMBuilderRef b = e->l->builder;
    unsigned height = 16 / e->size;
    LLVMValueRef row[16], last = LLVMBuildSub(b, p->limit, tg_llvm_i64(e->l, 1), "");
    tg_llvm_loop loop;
    LLVMValueRef c = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), until, tg_llvm_i64(e->l, height));
    LLVMValueRef column = LLVMBuildAdd(b, p->at, c, "");
    for (unsigned h = 0; h < height; h++) {
        row[h] = tg_x86_dot_column_vector(e, s, tg_llvm_min64(e->l, LLVMBuildAdd(b, column, tg_llvm_i64(e->l, h), ""), last), k);
    }
    LLVMValueRef first = tg_llvm_gep(e->l, e->l->i8, to, LLVMBuildMul(b, c, tg_llvm_i64(e->l, e->size), ""));
    store_rows(e, row, height, tg_x86_dot_panel_step(e), first);
    tg_llvm_loop_close(e->l, &loop);
}

/* Points, or groups that are whole, of the part in whole vectors; none if the first point is not a multiple of the lanes. */
static LLVMValueRef vectors_along(tg_dot_emission *e) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    const tg_x86_range *over = &e->x->ranges[e->d->over[0]->rank];
    LLVMValueRef group = tg_llvm_i64(l, e->d->group), lanes = tg_llvm_i64(l, e->lanes), zero = tg_llvm_i64(l, 0);
    LLVMValueRef done = LLVMBuildMul(b, e->from[0], group, ""), first = LLVMBuildAdd(b, over->first, done, "");
    LLVMValueRef aligned = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, first, tg_llvm_i64(l, e->lanes - 1), ""), zero, "");
    LLVMValueRef groups = LLVMBuildUDiv(b, tg_llvm_max64(l, LLVMBuildSub(b, over->size, done, ""), zero), group, "");
    LLVMValueRef whole = LLVMBuildMul(b, LLVMBuildUDiv(b, tg_llvm_min64(l, e->count[0], groups), lanes, ""), lanes, "");
    return LLVMBuildSelect(b, aligned, whole, zero, "");
}

LLVMValueRef tg_x86_dot_pack_along(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef lanes = tg_llvm_i64(l, e->lanes), width = tg_llvm_i64(l, e->vecs * e->lanes), whole = vectors_along(e);
    LLVMValueRef there = tg_llvm_min64(l, LLVMBuildSub(b, p->limit, p->at, ""), width);
    LLVMValueRef until = LLVMBuildMul(b, tg_llvm_ceil_div(l, there, lanes), lanes, "");
    tg_llvm_loop loop;
    LLVMValueRef k = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), whole, lanes);
    LLVMValueRef to = tg_llvm_gep(l, l->i8, p->to, LLVMBuildMul(b, k, tg_llvm_i64(l, tg_x86_dot_panel_step(e)), ""));
    pack_points_along(e, s, p, k, until, to);
    clear_columns(e, until, to);
    tg_llvm_loop_close(l, &loop);
    return whole;
}

bool tg_x86_dot_packs_tiles(tg_x86 *x, const tg_x86_dot *d) {
    const tg_value *v = tg_operand(d->op, 1 - d->side);
    bool matrix = d->n_over == 1 && (d->row || d->n_rows) && d->group <= 1 && d->multiply == TG_DOT_PLAIN;
    return matrix && v->def && v->def->opcode == TG_OP_LOAD && !tg_x86_dot_has_window(x, d, v);
}
