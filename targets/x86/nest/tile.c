/* Several points of a reduction at a time.
 *
 * A nest that reduces in vertical lanes, one accumulator per point of `outer`, repeats work between neighbouring points: a
 * filter is the same for all positions of an image, and the windows of two positions overlap. So the nest takes one outer
 * axis as its *tile*: T points of it share the loops over the reduced axes, their accumulators are registers, and what they
 * load in common is loaded once (LLVM's elimination of common subexpressions sees it, as short reductions have no loops).
 *
 *   for p                      outer axes
 *     for q by T               the tile
 *       for c by 8 lanes       the vector axis; T accumulators │ r, s without loops │ roots that run after
 *
 * Windows that overlap along a second axis as well are tiled along both: 4 rows of 2 points read 6 · 4 positions for 8 · 9 products, where 6
 * points of one row read 3 · 8 for 6 · 9, and every row of an image comes from the second-level cache half as often.
 *
 * The filter's gradient of one channel per lane has two short axes whose points all read the same elements of dY: sums for as many of
 * both as there are registers.
 *
 *   for c by 16 lanes  for r by 3  for s by 3       for p  for q       dY[p, q, c] once; nine sums
 *
 * Lanes along a reduced axis have a register for each point as well, where the points are few: the columns of a filter's gradient, which all
 * read the same elements of dY.
 *
 *   for r  for s by 3          r, s: the filter
 *     for p  for q by 8 lanes  dY[p, q] once; three sums over lanes, which are folded at the end
 *
 * Lanes along which windows overlap are those of interior.c instead, one point at a time: the code for the vectors at the borders, once for
 * every point of a tile, would be most of a kernel.
 *
 * Windows may reach beyond the edge of a tensor, which every load has to test. The indices are affine, so that their extremes
 * over a tile are at its corners: if these are inside, no load of the tile is tested. Points that do not fill a tile are done one by
 * one, or in a tile that overlaps the one before, where computing a point twice does no harm. */
#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"

enum { MAX_UNROLLED = 9, POINTS = 6, MAX_STEPS = 960, BAND = 4, BAND_POINTS = 8, FEW = 16, SUMS = 12, SUMS_OF_MANY = 28 };

static bool is_inner(const tg_x86_nest *n, const tg_axis *a) {
    return tg_axes_contain(n->inner, n->n_inner, a);
}

static bool has_inner(const tg_x86_nest *n, const tg_type *t) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (is_inner(n, t->axes[i])) {
            return true;
        }
    }
    return false;
}

/* ---- what the reductions read ------------------------------------------------------------------------------- */

typedef struct survey {
    tg_x86 *x;
    tg_map *seen;
    tg_x86_loads loads;
    uint32_t n_ops;
    tg_x86_axes moved; /* along which some tile is read at other points than those of the nest */
    bool regions;      /* what code in regions reads is not known */
} survey;

static void see_op(survey *s, tg_op *op);

static void see_value(survey *s, const tg_value *v) {
    if (v->type->kind != TG_TYPE_TILE || v->type->n_axes == 0 || !v->def || tg_map_has(s->seen, v) || s->x->buffers[v->id]) {
        return;
    }
    tg_map_set(s->seen, v, s);
    see_op(s, v->def);
}

static void see_carry(survey *s, const tg_op *loop) {
    for (tg_op *op = loop->regions[0].body.first; op; op = op->next) {
        if (op->n_results == 0 || !tg_map_has(s->seen, tg_result(op, 0))) {
            see_op(s, op);
        }
    }
}

static void see_moves(survey *s, const tg_op *op) {
    const tg_attr *moved = op->opcode == TG_OP_REINDEX ? tg_op_attr(op, TG_ATTR_AXES) : NULL;
    for (uint32_t i = 0; moved && i < moved->n_axes; i++) {
        tg_vec_push(s->x->arena, &s->moved, moved->axes[i]);
    }
}

static void see_op(survey *s, tg_op *op) {
    s->n_ops++;
    s->regions |= op->n_regions > 0 && op->opcode != TG_OP_FOR;
    see_moves(s, op);
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_map_set(s->seen, tg_result(op, i), s);
    }
    if (op->opcode == TG_OP_FOR) {
        see_carry(s, op);
    }
    if (op->opcode == TG_OP_LOAD) {
        tg_vec_push(s->x->arena, &s->loads, op);
    }
    const tg_value *chosen = tg_x86_chosen(s->x, op);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!chosen || chosen == tg_operand(op, i)) {
            see_value(s, tg_operand(op, i));
        }
    }
}

static survey survey_of(tg_x86 *x, const tg_x86_nest *n) {
    survey s = {.x = x, .seen = tg_map_create(x->arena)};
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        if (r->op && !r->after) {
            see_op(&s, r->op);
        }
    }
    return s;
}

bool tg_x86_loads_of(tg_x86 *x, const tg_x86_nest *n, tg_x86_loads *loads, tg_x86_axes *moved) {
    survey s = survey_of(x, n);
    *loads = s.loads;
    *moved = s.moved;
    return !s.regions;
}

/* Registers that the accumulators of one point take. */
static uint32_t registers_of(const tg_x86 *x, const tg_x86_nest *n) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_op *op = n->roots.data[i].op;
        bool has = n->roots.data[i].kind == TG_X86_ROOT_REDUCE || n->roots.data[i].kind == TG_X86_ROOT_CARRY;
        for (uint32_t k = 0; has && k < op->n_results; k++) {
            tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE);
            uint32_t value = (uint32_t)tg_dtype_bits(tg_result(op, k)->type->dtype);
            bits += (value < 32 ? 32 : value) + (fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX ? 64 : 0);
        }
    }
    uint32_t width = (uint32_t)x->machine->vector_bits;
    return (bits * n->lanes + width - 1) / width;
}

/* Is the value computed in the loops that a point of `outer` runs? */
static bool varies_inside(const tg_x86 *x, const tg_x86_nest *n, const tg_value *v) {
    return has_inner(n, v->type) || (v->def && tg_x86_in_carry(x, v->def));
}

/* ---- the tile ------------------------------------------------------------------------------------------------- */

/* Do neighbouring points along `a` read the same elements: for all of them, or in windows that overlap? */
static bool is_shared(const tg_x86 *x, const tg_x86_nest *n, const tg_op *load, const tg_axis *a) {
    if (!varies_inside(x, n, tg_result(load, 0))) {
        return false;
    }
    for (uint32_t d = 0; d < tg_op_n_indices(load); d++) {
        const tg_value *index = tg_op_index(load, d);
        if (tg_type_has_axis(index->type, a)) {
            return varies_inside(x, n, index);
        }
    }
    return true;
}

static tg_axis *axis_to_tile(const tg_x86 *x, const tg_x86_nest *n, const survey *s) {
    for (uint32_t i = n->n_outer; i-- > 0;) {
        tg_axis *a = n->outer[i];
        if (a == n->vector || (x->ranges[a->rank].bound && x->ranges[a->rank].bound < 2)) {
            continue;
        }
        for (uint32_t k = 0; k < s->loads.len; k++) {
            if (is_shared(x, n, s->loads.data[k], a)) {
                return a;
            }
        }
    }
    return NULL;
}

static bool has_windows(const tg_x86 *x, const tg_x86_nest *n, const survey *s, const tg_axis *a) {
    for (uint32_t k = 0; k < s->loads.len; k++) {
        const tg_op *load = s->loads.data[k];
        if (tg_type_has_axis(tg_result(load, 0)->type, a) && is_shared(x, n, load, a)) {
            return true;
        }
    }
    return false;
}

static bool may_tile(const tg_x86 *x, const tg_x86_nest *n) {
    bool loops = n->n_inner > 0 || n->roots.data[0].kind == TG_X86_ROOT_CARRY;
    bool fits = x->unit && !x->options->baseline && n->vector && loops, across = fits && is_inner(n, n->vector);
    fits = fits && (!across || n->narrow == n->lanes);
    for (uint32_t i = 0; fits && i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        bool inside = r->kind == TG_X86_ROOT_REDUCE || (!across && (r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_CARRY));
        fits = r->op && (r->after || inside);
    }
    return fits;
}

/* Points of so few that one tile, or some of equal size, hold all of them. */
static uint32_t even_points(int64_t all, uint32_t most) {
    int64_t tiles = most ? (all + most - 1) / most : 0;
    return tiles ? (uint32_t)((all + tiles - 1) / tiles) : 0;
}

/* The innermost axes that are short enough to go without loops; gives the steps they make. */
static uint32_t unroll(const tg_x86 *x, tg_x86_nest *n) {
    int64_t steps = 1, size;
    for (uint32_t i = n->n_inner; i-- > 0; n->unrolled++) {
        bool known = tg_llvm_is_const(x->ranges[n->inner[i]->rank].size, &size);
        if (!known || size < 1 || steps * size > MAX_UNROLLED) {
            break;
        }
        steps *= size;
    }
    return (uint32_t)steps;
}

/* ---- tests at the corners ---------------------------------------------------------------------------------------- */

/* The loop, run point by point, whose index `v` is, or null. */
static const tg_op *carry_of(const tg_x86 *x, const tg_value *v) {
    const tg_op *loop = v->def || !v->block || v->index != 0 ? NULL : v->block->parent->parent;
    return loop && loop->regions[0].body.first && tg_x86_in_carry(x, loop->regions[0].body.first) ? loop : NULL;
}

/* Can the extremes of the index over a tile be computed before it? */
static bool is_boxable(const tg_x86 *x, const tg_x86_nest *n, const tg_affine *index) {
    uint32_t around = 0; /* outer axes that have an index when the tile starts, and the tile's */
    while (around < n->n_outer && n->outer[around++] != n->tile) {
    }
    for (uint32_t i = 0; i < index->terms.len; i++) {
        const tg_affine_term *t = &index->terms.data[i];
        bool known = t->axis ? !t->symbol && t->axis != n->vector && (is_inner(n, t->axis) || tg_axes_contain(n->outer, around, t->axis))
                             : t->symbol->type->n_axes == 0 && !(t->symbol->def && tg_x86_in_carry(x, t->symbol->def));
        if (!known) {
            return false;
        }
    }
    return true;
}

static void find_boxed(tg_x86 *x, tg_x86_nest *n, const survey *s) {
    for (uint32_t i = 0; i < s->loads.len && !s->regions && !s->moved.len; i++) {
        const tg_op *op = s->loads.data[i];
        int64_t proved = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0);
        bool varies = tg_type_has_axis(tg_result(op, 0)->type, n->tile) || varies_inside(x, n, tg_result(op, 0));
        for (uint32_t d = 0; d < tg_op_n_indices(op) && varies; d++) {
            tg_x86_boxed box = {.op = op, .d = d};
            if (!(proved >> d & 1) && tg_affine_of(x->arena, tg_op_index(op, d), &box.index) && is_boxable(x, n, &box.index)) {
                tg_vec_push(x->arena, &n->boxed, box);
            }
        }
    }
}

static bool is_read(const tg_value *tensor) {
    bool read = tensor->def != NULL; /* one made here may be another by address */
    for (const tg_use *u = tensor->uses; u; u = u->next) {
        read = read || u->user->opcode == TG_OP_LOAD;
    }
    return read;
}

/* Nothing that the nest writes is read here, and nothing counts how often it runs. */
static bool may_repeat(const tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        bool value = r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_CARRY || r->kind == TG_X86_ROOT_FILL;
        bool store = r->kind == TG_X86_ROOT_STORE && !is_read(tg_operand(r->op, 0));
        if (!value && !store) {
            return false;
        }
    }
    return true;
}

/* The axis around the tile's as a second one, if both have windows. */
static void choose_band(const tg_x86 *x, tg_x86_nest *n, const survey *s, uint32_t most) {
    uint32_t around = 0;
    while (n->outer[around] != n->tile) {
        around++;
    }
    tg_axis *a = around > 0 ? n->outer[around - 1] : NULL;
    bool windows = n->repeats && a && a != n->vector && has_windows(x, n, s, n->tile) && has_windows(x, n, s, a);
    int64_t bound = windows ? x->ranges[a->rank].bound : 1;
    uint32_t points = bound && bound < BAND ? (uint32_t)bound : BAND;
    points = points > most / 2 ? most / 2 : points;
    if (points > 1) {
        n->band = a;
        n->band_points = points;
        n->tile_points = most / points;
    }
}

/* Do the reductions read an element for all points along both axes, and no windows that move along them? */
static bool is_reread(const tg_x86 *x, const tg_x86_nest *n, const survey *s, const tg_axis *a, const tg_axis *b) {
    bool again = false;
    for (uint32_t k = 0; k < s->loads.len; k++) {
        const tg_value *v = tg_result(s->loads.data[k], 0);
        again = again || (varies_inside(x, n, v) && !tg_type_has_axis(v->type, a) && !tg_type_has_axis(v->type, b));
    }
    return again && !has_windows(x, n, s, a) && !has_windows(x, n, s, b);
}

/* The axis around the tile's as a second one, if both are short and their sums fit the registers. */
static bool choose_sums(const tg_x86 *x, tg_x86_nest *n, const survey *s) {
    uint32_t around = 0, most = (x->machine->has_masks ? SUMS_OF_MANY : SUMS) / registers_of(x, n);
    while (n->outer[around] != n->tile) {
        around++;
    }
    tg_axis *a = around > 0 ? n->outer[around - 1] : NULL;
    bool sums = n->repeats && a && a != n->vector && n->roots.data[0].kind == TG_X86_ROOT_REDUCE && is_reread(x, n, s, a, n->tile);
    int64_t across = sums ? x->ranges[n->tile->rank].bound : 0, along = sums ? x->ranges[a->rank].bound : 0;
    bool fits = across > 0 && across <= most && along > 1;
    uint32_t points = fits ? even_points(along, most / (uint32_t)across) : 0;
    if (points < 2) {
        return false;
    }
    n->band = a;
    n->band_points = points;
    n->tile_points = (uint32_t)across;
    return true;
}

void tg_x86_choose_tile(tg_x86 *x, tg_x86_nest *n) {
    n->tile = n->band = NULL;
    n->unrolled = 0;
    if (!may_tile(x, n)) {
        return;
    }
    survey s = survey_of(x, n);
    tg_axis *a = n->bordered.len ? NULL : axis_to_tile(x, n, &s);
    uint32_t steps = unroll(x, n);
    uint32_t points = POINTS / registers_of(x, n), most = MAX_STEPS / (steps * s.n_ops);
    points = points > most ? most : points;
    int64_t bound = a ? x->ranges[a->rank].bound : 0;
    points = bound && bound < points ? (uint32_t)bound : points;
    if (a && is_inner(n, n->vector)) {
        points = bound && bound <= FEW ? even_points(bound, points) : 0;
    }
    if (!a || points < 2) {
        n->unrolled = steps * n->unroll * s.n_ops > MAX_STEPS ? 0 : n->unrolled;
        return;
    }
    n->tile = a;
    n->tile_points = points;
    n->repeats = may_repeat(n);
    n->unroll = 1;
    if (is_inner(n, n->vector)) {
        choose_sums(x, n, &s); /* a few sums wait for one another */
        return;
    }
    most = BAND_POINTS / registers_of(x, n) < most ? BAND_POINTS / registers_of(x, n) : most;
    if (!choose_sums(x, n, &s)) {
        choose_band(x, n, &s, most);
    }
    find_boxed(x, n, &s);
}

static const tg_x86_boxed *find_box(const tg_x86_boxes *boxes, const tg_op *op, uint32_t d) {
    for (uint32_t i = 0; i < boxes->len; i++) {
        if (boxes->data[i].op == op && boxes->data[i].d == d) {
            return &boxes->data[i];
        }
    }
    return NULL;
}

const tg_x86_boxed *tg_x86_box_of(const tg_x86 *x, const tg_op *op, uint32_t d) {
    const tg_x86_boxed *box = x->boxed ? find_box(&x->boxed->boxed, op, d) : NULL;
    return box || !x->interior ? box : find_box(&x->interior->bordered, op, d);
}

bool tg_x86_is_boxed(const tg_x86 *x, const tg_op *op, uint32_t d) {
    return tg_x86_box_of(x, op, d) != NULL;
}

LLVMValueRef tg_x86_extreme(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, const tg_affine *index,
                            bool greatest, LLVMValueRef first, LLVMValueRef last) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef sum = tg_llvm_i64(x->l, index->constant);
    for (uint32_t i = 0; i < index->terms.len; i++) {
        const tg_affine_term *t = &index->terms.data[i];
        bool upper = greatest == (t->coeff > 0);
        int64_t from, until;
        const tg_op *loop = t->axis ? NULL : carry_of(x, t->symbol);
        LLVMValueRef v;
        if (loop && tg_x86_carry_range(loop, &from, &until)) {
            v = tg_llvm_i64(x->l, upper ? until - 1 : from);
        } else if (!t->axis) {
            v = tg_x86_scalar_of(x, t->symbol);
        } else if (t->axis == n->tile) {
            v = upper ? last : first;
        } else if (!tg_x86_frame_index(f, t->axis)) {
            const tg_x86_range *r = &x->ranges[t->axis->rank];
            LLVMValueRef rest = LLVMBuildSub(b, r->size, tg_llvm_i64(x->l, 1), "");
            v = upper ? LLVMBuildAdd(b, r->first, rest, "") : r->first;
        } else {
            v = tg_x86_frame_index(upper ? end : f, t->axis)->v;
        }
        sum = LLVMBuildAdd(b, sum, LLVMBuildMul(b, v, tg_llvm_i64(x->l, t->coeff), ""), "");
    }
    return sum;
}

LLVMValueRef tg_x86_within(tg_x86 *x, LLVMValueRef least, LLVMValueRef most, LLVMValueRef dim) {
    LLVMValueRef above = LLVMBuildICmp(x->builder, LLVMIntSGE, least, tg_llvm_i64(x->l, 0), "");
    return LLVMBuildAnd(x->builder, above, LLVMBuildICmp(x->builder, LLVMIntSLT, most, dim, ""), "");
}

LLVMValueRef tg_x86_box_holds(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, LLVMValueRef first,
                              LLVMValueRef last) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef all = NULL;
    for (uint32_t i = 0; i < n->boxed.len; i++) {
        const tg_x86_boxed *box = &n->boxed.data[i];
        LLVMValueRef least = tg_x86_extreme(x, n, f, end, &box->index, false, first, last);
        LLVMValueRef most = tg_x86_extreme(x, n, f, end, &box->index, true, first, last);
        LLVMValueRef dim = tg_x86_tensor_of(x, tg_operand(box->op, 0))->dim[box->d];
        LLVMValueRef inside = tg_x86_within(x, least, most, dim);
        all = all ? LLVMBuildAnd(b, all, inside, "") : inside;
    }
    return all;
}
