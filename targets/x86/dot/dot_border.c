/* Points of a window that lie outside of the tensor are zeros, and products with them are for nothing: at 7 x 7 pixels, padded by one, every fifth
 * of a filter of 3 x 3. Here the reduction axes that move a window are loops around the rows, and each of their points is summed for the rows
 * that it reaches; as their ranges are independent, those are a box of the row axes.
 *
 *   for panels                        as everywhere
 *     zero the strip                  a line of sums per row
 *     for parts of the reduction      whose panel stays in the second-level cache, if it is packed here
 *       for r, for s                  points of the window: "taps"
 *         for rows in the box, by 6   p + r and q + s inside
 *           register tile over c, added to the rows' lines
 *     roots on the strip
 *
 * A product with zero is none only if the other factor is finite. Every tap reaches some row here, whose sum is not finite if a factor
 * was not; so sums that are all finite are right, and others are computed once more by the nest that leaves nothing out. */
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"


/* LOST: multiply-adds of vectors in the time that a tile and tap take beside them: numbering rows, adding to the strip. Measured: none gained at
 * 128 channels and 28 x 28 pixels, where a twentieth of 3072 is left out. */
enum { MAX_TAPS = 16, LOST = 150 };

/* Index in a dimension: start + row_step · row + tap_step · tap. */
typedef struct border {
    uint32_t row, tap; /* of the row axes, of the reduction axes */
    int64_t row_step, tap_step;
    LLVMValueRef start, end; /* at the first points; the dimension's */
} border;

struct tg_dot_borders {
    border at[TG_DOT_AXES];
    uint32_t n;
    uint32_t inner; /* of the reduction axes the one that is summed in registers; the others are taps */
    LLVMValueRef part;     /* points of the first reduction axis in a part */
    tg_dot_scratch memory; /* the strip */
};

/* The place of an axis among others; n: it is not there. */
static uint32_t place_of(tg_axis *const *axes, uint32_t n, const tg_axis *a) {
    uint32_t i = 0;
    while (i < n && axes[i] != a) {
        i++;
    }
    return i;
}

static bool is_bound(const tg_dot_emission *e, const tg_axis *a) {
    return place_of(e->bound, e->n_bound, a) < e->n_bound;
}

static LLVMValueRef index_at_first_points(tg_dot_emission *e, tg_value *index) {
    tg_x86_frame *f = tg_x86_frame_create(e->x, tg_x86_dot_frame(e), e->x->place);
    for (uint32_t i = 0; i < index->type->n_axes; i++) {
        tg_axis *a = index->type->axes[i];
        if (!is_bound(e, a)) {
            tg_x86_frame_bind(f, a, (tg_x86_val){e->x->ranges[a->rank].first, NULL, NULL});
        }
    }
    return tg_x86_eval(e->x, f, index).v;
}

static bool constant_step(const tg_affine *form, const tg_axis *a, int64_t *step) {
    tg_value *symbol;
    return tg_affine_axis_coeff(form, a, step, &symbol) && !symbol && *step != 0;
}

/* Along which reduction axis are sums in registers: the innermost one that moves no window? n_over: there is none. */
static uint32_t inner_axis(const tg_dot_nest *n, const tg_op *load) {
    const tg_x86_dot *d = n->e.d;
    uint32_t inner = d->n_over;
    bool moves = true;
    while (moves && inner-- > 0) {
        moves = false;
        for (uint32_t i = 0; i < tg_op_n_indices(load); i++) {
            const tg_type *t = tg_op_index(load, i)->type;
            for (uint32_t k = 0; k < n->n_row_axes; k++) {
                moves = moves || (tg_type_has_axis(t, d->over[inner]) && tg_type_has_axis(t, n->row_axes[k]));
            }
        }
    }
    return moves ? d->n_over : inner;
}

/* Is dimension d one along which a single row axis and a single tap axis move, and that they may leave? */
static bool find_border(tg_dot_nest *n, const tg_op *load, uint32_t d, uint32_t inner, border *out) {
    tg_dot_emission *e = &n->e;
    tg_value *index = tg_op_index(load, d);
    tg_affine form;
    uint32_t n_rows = 0, n_taps = 0;
    if (tg_op_int(load, TG_ATTR_IN_BOUNDS, 0) >> d & 1 || !tg_affine_of(e->x->arena, index, &form)) {
        return false;
    }
    for (uint32_t i = 0; i < index->type->n_axes; i++) {
        const tg_axis *a = index->type->axes[i];
        uint32_t row = place_of(n->row_axes, n->n_row_axes, a), tap = place_of(e->d->over, e->d->n_over, a);
        if (row < n->n_row_axes && constant_step(&form, a, &out->row_step)) {
            out->row = row;
            n_rows++;
        } else if (tap < e->d->n_over && tap != inner && constant_step(&form, a, &out->tap_step)) {
            out->tap = tap;
            n_taps++;
        } else if (!is_bound(e, a)) {
            return false;
        }
    }
    return n_rows == 1 && n_taps == 1 && out->row_step > 0;
}

static bool is_candidate(const tg_dot_nest *n) {
    const tg_x86_dot *d = n->e.d;
    const tg_op *load = n->rows.value->def;
    bool plain = !n->slides && d->group <= 1 && d->multiply == TG_DOT_PLAIN && !n->compact && !n->packs_rows && !n->streams && n->group;
    int64_t packs;
    bool panels = n->columns.packed || !n->pays || !tg_llvm_is_const(n->pays, &packs) || packs;
    return plain && panels && n->n_row_axes && d->n_over > 1 && load && load->opcode == TG_OP_LOAD && !tg_op_else(load);
}

static bool n_taps(const tg_dot_nest *n, uint32_t over, int64_t *count) {
    return tg_llvm_is_const(tg_x86_dot_extent(&n->e, over), count) && *count > 0 && *count <= MAX_TAPS;
}

static void find_borders(tg_dot_nest *n, tg_dot_borders *all) {
    const tg_op *load = n->rows.value->def;
    all->inner = inner_axis(n, load);
    for (uint32_t d = 0; d < tg_op_n_indices(load) && all->inner < n->e.d->n_over && all->n < TG_DOT_AXES; d++) {
        border *b = &all->at[all->n];
        int64_t count;
        if (find_border(n, load, d, all->inner, b) && n_taps(n, b->tap, &count)) {
            b->start = index_at_first_points(&n->e, tg_op_index(load, d));
            b->end = tg_x86_tensor_of(n->e.x, tg_operand(load, 0))->dim[d];
            all->n++;
        }
    }
}

/* Points of a row axis. */
typedef struct span {
    LLVMValueRef from, count;
} span;

/* Those at which the tap lies inside. */
static span reach(tg_dot_nest *n, const border *b, LLVMValueRef tap) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef build = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0), step = tg_llvm_i64(l, b->row_step), size = tg_dot_size_of(n, n->row_axes[b->row]);
    LLVMValueRef at = LLVMBuildAdd(build, b->start, LLVMBuildMul(build, tap, tg_llvm_i64(l, b->tap_step), ""), "");
    LLVMValueRef from = tg_llvm_ceil_div(l, tg_llvm_max64(l, LLVMBuildNeg(build, at, ""), zero), step);
    LLVMValueRef until = tg_llvm_ceil_div(l, tg_llvm_max64(l, LLVMBuildSub(build, b->end, at, ""), zero), step);
    until = tg_llvm_min64(l, until, size);
    from = tg_llvm_min64(l, from, until);
    return (span){from, LLVMBuildSub(build, until, from, "")};
}

/* Pairs of a row and a tap: all, and those inside; as far as the borders tell. */
typedef struct pairs {
    LLVMValueRef all, inside, every; /* i1: every tap reaches a row */
} pairs;

static pairs count_pairs(tg_dot_nest *n, const tg_dot_borders *borders) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0);
    pairs p = {tg_llvm_i64(l, 1), tg_llvm_i64(l, 1), LLVMConstInt(l->i1, 1, 0)};
    for (uint32_t i = 0; i < borders->n; i++) {
        int64_t taps = 0;
        (void)n_taps(n, borders->at[i].tap, &taps);
        LLVMValueRef inside = zero;
        for (int64_t t = 0; t < taps; t++) {
            span s = reach(n, &borders->at[i], tg_llvm_i64(l, t));
            inside = LLVMBuildAdd(b, inside, s.count, "");
            p.every = LLVMBuildAnd(b, p.every, LLVMBuildICmp(b, LLVMIntSGT, s.count, zero, ""), "");
        }
        LLVMValueRef all = LLVMBuildMul(b, tg_dot_size_of(n, n->row_axes[borders->at[i].row]), tg_llvm_i64(l, taps), "");
        p.all = LLVMBuildMul(b, p.all, all, "");
        p.inside = LLVMBuildMul(b, p.inside, inside, "");
    }
    return p;
}

/* About equal parts. A panel that was packed before the launch comes by once, in whatever order. */
static LLVMValueRef part_size(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef size = tg_x86_dot_extent(&n->e, 0), one = tg_llvm_i64(l, 1);
    if (n->columns.packed) {
        return tg_llvm_max64(l, size, one);
    }
    LLVMValueRef bytes = LLVMBuildMul(b, LLVMBuildMul(b, size, tg_x86_dot_extents(&n->e, 1), ""), tg_dot_line_bytes(n), "");
    LLVMValueRef parts = tg_llvm_ceil_div(l, bytes, tg_llvm_i64(l, n->e.x->machine->l2_bytes * 5 / 8));
    return tg_llvm_max64(l, tg_llvm_ceil_div(l, size, tg_llvm_max64(l, parts, one)), one);
}

/* What is left out against what that costs for each tile and tap; the sums of all rows have to stay in the second-level cache. */
static LLVMValueRef gains(tg_dot_nest *n, const tg_dot_borders *borders, const pairs *p) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef steps = borders->inner ? tg_x86_dot_extent(e, borders->inner) : borders->part;
    LLVMValueRef products = LLVMBuildMul(b, steps, tg_llvm_i64(e->l, e->rows * e->vecs), "");
    LLVMValueRef gain = LLVMBuildMul(b, LLVMBuildSub(b, p->all, p->inside, ""), products, "");
    LLVMValueRef loss = LLVMBuildMul(b, p->all, tg_llvm_i64(e->l, LOST), "");
    LLVMValueRef strip = LLVMBuildMul(b, tg_dot_total_rows(n), tg_dot_line_bytes(n), "");
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, strip, tg_llvm_i64(e->l, e->x->machine->l2_bytes / 4), "");
    return LLVMBuildAnd(b, LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntSGT, gain, loss, ""), fits, ""), p->every, "");
}

void tg_dot_plan_borders(tg_dot_nest *n) {
    n->skips = NULL;
    if (!is_candidate(n)) {
        return;
    }
    tg_dot_borders *all = TG_NEW(n->e.x->arena, tg_dot_borders);
    find_borders(n, all);
    if (all->n) {
        pairs p = count_pairs(n, all);
        n->borders = all;
        all->part = part_size(n);
        n->skips = gains(n, all, &p);
        n->skips = n->columns.packed || !n->pays ? n->skips : LLVMBuildAnd(n->e.l->builder, n->skips, n->pays, "");
        all->memory = tg_x86_dot_scratch(n->e.x);
    }
    int64_t ever;
    if (n->skips && tg_llvm_is_const(n->skips, &ever) && !ever) {
        n->skips = NULL;
    }
}

/* ---- the loops ------------------------------------------------------------------------------------------------------------ */

typedef struct walk {
    tg_dot_nest *n;
    LLVMValueRef strip, line, n_lines; /* address; bytes of a line; how many there are: a line for rows of each tile that do not exist follows */
    LLVMValueRef rows;                 /* address of the first row at the present tap */
    span box[TG_DOT_AXES];             /* of each row axis, at the present tap */
    LLVMValueRef line_at[TG_DOT_MAX_ROWS];
} walk;

static LLVMValueRef points_of(tg_dot_nest *n, const span *box) {
    LLVMValueRef v = tg_llvm_i64(n->e.l, 1);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        v = LLVMBuildMul(n->e.l->builder, v, box[i].count, "");
    }
    return v;
}

static void decode(const walk *w, LLVMValueRef row, LLVMValueRef *index) {
    LLVMBuilderRef b = w->n->e.l->builder;
    for (uint32_t i = w->n->n_row_axes; i-- > 1;) {
        LLVMValueRef rest = LLVMBuildUDiv(b, row, w->box[i].count, "");
        index[i] = LLVMBuildSub(b, row, LLVMBuildMul(b, rest, w->box[i].count, ""), "");
        row = rest;
    }
    index[0] = row;
}

/* The next point of the box, if there is one: `more` is 1, else 0. */
static void move_on(const walk *w, LLVMValueRef more, LLVMValueRef *index) {
    tg_dot_nest *n = w->n;
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef zero = tg_llvm_i64(n->e.l, 0), one = tg_llvm_i64(n->e.l, 1);
    for (uint32_t i = n->n_row_axes; i-- > 0;) {
        LLVMValueRef next = LLVMBuildAdd(b, index[i], more, ""), wraps = LLVMBuildICmp(b, LLVMIntEQ, next, w->box[i].count, "");
        index[i] = i ? tg_dot_choose(n, wraps, zero, next) : next;
        more = tg_dot_choose(n, wraps, one, zero);
    }
}

/* Where the rows of a tile and their sums are, from point `row` of the box on. */
static void place_rows(walk *w, LLVMValueRef row, LLVMValueRef left) {
    tg_dot_nest *n = w->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef index[TG_DOT_AXES], exists = NULL;
    decode(w, row, index);
    for (unsigned r = 0; r < n->e.rows; r++) {
        LLVMValueRef number = tg_llvm_i64(l, 0);
        n->row_at[r] = w->rows;
        for (uint32_t i = 0; i < n->n_row_axes; i++) {
            LLVMValueRef at = LLVMBuildAdd(b, w->box[i].from, index[i], "");
            n->row_at[r] = tg_dot_bytes_at(n, n->row_at[r], at, tg_x86_dot_step(&n->e, &n->rows, n->row_axes[i]));
            number = LLVMBuildAdd(b, LLVMBuildMul(b, number, tg_dot_size_of(n, n->row_axes[i]), ""), at, "");
        }
        number = exists ? tg_dot_choose(n, exists, number, w->n_lines) : number;
        w->line_at[r] = tg_dot_bytes_at(n, w->strip, number, w->line);
        exists = LLVMBuildICmp(b, LLVMIntSGT, left, tg_llvm_i64(l, r + 1), "");
        move_on(w, LLVMBuildZExt(b, exists, l->i64, ""), index);
    }
}

static void add_tile(walk *w) {
    tg_dot_nest *n = w->n;
    tg_dot_emission *e = &n->e;
    tg_dot_tile t = tg_dot_run_tile(n, tg_llvm_i64(e->l, 0), e->rows, e->vecs, false);
    for (unsigned r = 0; r < t.rows; r++) {
        for (unsigned v = 0; v < t.vecs; v++) {
            LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, w->line_at[r], tg_llvm_i64(e->l, (int64_t)v * t.lanes * e->size));
            LLVMValueRef sum = tg_llvm_load(e->l, e->vector, at, e->size);
            tg_llvm_store(e->l, tg_x86_binary(e->x, TG_OP_ADD, e->d->dtype, t.acc[r * t.vecs + v], sum), at, e->size);
        }
    }
}

static void rows_of_tap(walk *w) {
    tg_dot_nest *n = w->n;
    tg_llvm *l = n->e.l;
    tg_llvm_loop tiles;
    LLVMValueRef points = points_of(n, w->box), row = tg_llvm_loop_open(l, &tiles, tg_llvm_i64(l, 0), points, tg_llvm_i64(l, n->e.rows));
    place_rows(w, row, LLVMBuildSub(l->builder, points, row, ""));
    add_tile(w);
    tg_llvm_loop_close(l, &tiles);
}

/* All reduction axes but one are loops here. */
static void tap_loops(walk *w) {
    tg_dot_nest *n = w->n;
    tg_llvm *l = n->e.l;
    uint32_t n_over = n->e.d->n_over, inner = n->borders->inner;
    tg_llvm_loop loops[TG_DOT_AXES];
    w->rows = tg_x86_dot_part_base(&n->e, &n->rows);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        w->box[i] = (span){tg_llvm_i64(l, 0), tg_dot_size_of(n, n->row_axes[i])};
    }
    for (uint32_t i = 0; i < n_over; i++) {
        if (i == inner) {
            continue;
        }
        LLVMValueRef tap = tg_llvm_loop_open(l, &loops[i], tg_llvm_i64(l, 0), n->e.count[i], tg_llvm_i64(l, 1));
        n->p.at = tg_dot_bytes_at(n, n->p.at, tap, n->p.loops[i].vector_step);
        w->rows = tg_dot_bytes_at(n, w->rows, tap, n->p.loops[i].row_step);
        for (uint32_t k = 0; k < n->borders->n; k++) {
            const border *b = &n->borders->at[k];
            if (b->tap == i) {
                w->box[b->row] = reach(n, b, i ? tap : LLVMBuildAdd(l->builder, n->e.from[0], tap, ""));
            }
        }
    }
    n->p.loops[0] = n->p.loops[inner];
    n->p.loops[0].count = n->e.count[inner];
    n->p.n_loops = 1;
    n->p.ahead = LLVMBuildMul(l->builder, n->p.loops[0].vector_step, tg_llvm_i64(l, TG_DOT_PREFETCH_STEPS), "");
    rows_of_tap(w);
    for (uint32_t i = n_over; i-- > 0;) {
        if (i != inner) {
            tg_llvm_loop_close(l, &loops[i]);
        }
    }
}

static void part_loop(walk *w) {
    tg_dot_nest *n = w->n;
    tg_dot_emission *e = &n->e;
    tg_llvm_loop parts;
    LLVMValueRef size = tg_x86_dot_extent(e, 0);
    e->from[0] = tg_llvm_loop_open(e->l, &parts, tg_llvm_i64(e->l, 0), size, n->borders->part);
    e->count[0] = tg_llvm_min64(e->l, n->borders->part, LLVMBuildSub(e->l->builder, size, e->from[0], ""));
    tg_dot_open_part(n);
    tg_dot_locate_panel(n);
    tap_loops(w);
    tg_llvm_loop_close(e->l, &parts);
}

/* ---- the strip ------------------------------------------------------------------------------------------------------------ */

static void open_strip(walk *w) {
    tg_dot_nest *n = w->n;
    tg_llvm *l = n->e.l;
    tg_llvm_loop loop;
    w->line = tg_dot_line_bytes(n);
    w->n_lines = tg_dot_total_rows(n);
    LLVMValueRef all = LLVMBuildMul(l->builder, LLVMBuildAdd(l->builder, w->n_lines, tg_llvm_i64(l, 1), ""), w->line, "");
    w->strip = tg_x86_dot_reserve(n->e.x, &n->borders->memory, all);
    LLVMValueRef at = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), all, tg_llvm_i64(l, n->e.lanes * n->e.size));
    tg_llvm_store(l, LLVMConstNull(n->e.vector), tg_llvm_gep(l, l->i8, w->strip, at), n->e.size);
    tg_llvm_loop_close(l, &loop);
}

/* v - v is 0 for finite numbers and else NaN, which stays. */
static LLVMValueRef is_finite(walk *w) {
    tg_dot_nest *n = w->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    if (!tg_dtype_is_float(n->e.d->dtype)) {
        return LLVMConstInt(l->i1, 1, 0);
    }
    LLVMValueRef slot = tg_x86_alloca(n->e.x, n->e.vector), all = LLVMBuildMul(b, w->n_lines, w->line, "");
    LLVMBuildStore(b, LLVMConstNull(n->e.vector), slot);
    tg_llvm_loop loop;
    LLVMValueRef at = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), all, tg_llvm_i64(l, n->e.lanes * n->e.size));
    LLVMValueRef v = tg_llvm_load(l, n->e.vector, tg_llvm_gep(l, l->i8, w->strip, at), n->e.size);
    LLVMValueRef sum = LLVMBuildFAdd(b, LLVMBuildLoad2(b, n->e.vector, slot, ""), LLVMBuildFSub(b, v, v, ""), "");
    LLVMBuildStore(b, sum, slot);
    tg_llvm_loop_close(l, &loop);
    sum = LLVMBuildLoad2(b, n->e.vector, slot, "");
    LLVMValueRef ordered = LLVMBuildFCmp(b, LLVMRealORD, sum, sum, "");
    LLVMTypeRef bits = LLVMIntTypeInContext(l->context, n->e.lanes);
    return LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildBitCast(b, ordered, bits, ""), LLVMConstAllOnes(bits), "");
}

static void roots_on_strip(walk *w) {
    tg_dot_nest *n = w->n;
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        n->row_index[0][i] = tg_llvm_i64(n->e.l, 0);
    }
    n->edge = w->strip;
    tg_dot_roots_of_lines(n, w->n_lines);
}

void tg_dot_skip_borders(tg_dot_nest *n, LLVMValueRef done) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    tg_dot_nest before = *n;
    walk *w = TG_NEW(e->x->arena, walk);
    w->n = n;
    n->in_parts = n->next_rows = NULL;
    n->p.column = n->group_from;
    n->p.n_columns = LLVMBuildSub(b, tg_dot_size_of(n, e->d->vector), n->p.column, "");
    open_strip(w);
    part_loop(w);
    LLVMValueRef right = is_finite(w);
    LLVMBuildStore(b, right, done);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, right);
    roots_on_strip(w);
    tg_llvm_if_close(e->l, &c);
    *n = before;
}
