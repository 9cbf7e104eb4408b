/* Where lanes along an axis need no tests.
 *
 *   U[y, x - 1] + U[y, x + 1]     lanes along x
 *
 * Loads at moved indices may leave their tensor, where they read zeros: each vector would compare its lanes with both edges. But the indices
 * are affine, so what stays inside is an interval of x, the *interior*, known before the loop over x. Its vectors need no tests; the
 * few before and after it run under masks (nest.c). So do indices that wrap round or stop at an edge, (x + 1) % W and clamp(x + 1, 0, W - 1),
 * which in the interior do neither. Tests that do not depend on x are part of the same question: where one
 * fails, as in the first row of an image, the interior is empty. Stores at computed indices, Y[c * S + i] as of the last part of a row, are
 * asked where there are no mask registers: a masked store takes dozens of cycles there on AMD's processors. For the same reason nests that read
 * or write tiles at other points, x[n = k + s], are asked there: the last pass of a transform of columns, eight of them in lanes. Indices that
 * such a move changes are left out. */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"

static const int64_t FAR = INT64_C(1) << 61; /* no index is so far from 0 */

static bool is_moved(const tg_x86_nest *n, const tg_axis *a) {
    return tg_axes_contain(n->moved.data, n->moved.len, a);
}

static bool is_known(const tg_x86 *x, const tg_x86_nest *n, const tg_affine_term *t) {
    if (t->axis) {
        bool loop = tg_axes_contain(n->outer, n->n_outer, t->axis) || tg_axes_contain(n->inner, n->n_inner, t->axis);
        return !t->symbol && loop && !is_moved(n, t->axis);
    }
    return t->symbol->type->n_axes == 0 && !(t->symbol->def && tg_x86_in_carry(x, t->symbol->def));
}

/* The index without its part along the lanes, which goes to per_lane. */
static bool describe(tg_x86 *x, const tg_x86_nest *n, const tg_value *index, tg_x86_boxed *box) {
    tg_value *symbol = NULL;
    bool affine = tg_affine_of(x->arena, index, &box->index) &&
                  tg_affine_axis_coeff(&box->index, n->vector, &box->per_lane, &symbol) && !symbol && box->per_lane > INT32_MIN &&
                  box->per_lane < INT32_MAX && (!box->per_lane || tg_affine_add_term(&box->index, -box->per_lane, NULL, n->vector));
    affine = affine && !(box->per_lane && is_moved(n, n->vector));
    for (uint32_t i = 0; affine && i < box->index.terms.len; i++) {
        affine = is_known(x, n, &box->index.terms.data[i]);
    }
    return affine;
}

/* Is `op` an index along the lanes that something known at launch limits? */
static bool is_limited(const tg_x86_nest *n, const tg_op *op, tg_opcode by) {
    bool limits = op && op->opcode == by && tg_type_has_axis(tg_result(op, 0)->type, n->vector) && tg_operand(op, 1)->type->n_axes == 0;
    return limits && tg_x86_is_launch_value(tg_operand(op, 1));
}

static bool is_small(const tg_value *v, int64_t *c) {
    return tg_value_const_int(v, c) && *c > INT32_MIN && *c < INT32_MAX;
}

/* What an index is while nothing limits it, and where that is: least <= x < extent + beyond + least.
 *
 *   x % n    max(x, a)    min(x, n)    min(max(x, a), n)    max(min(x, n), a) */
static bool find_limits(const tg_x86 *x, const tg_x86_nest *n, const tg_value *index, tg_x86_boxed *box, int64_t *least) {
    const tg_op *op = index->def;
    if (tg_x86_is_decided(x, op)) {
        return false;
    }
    if (is_limited(n, op, TG_OP_REM)) {
        *least = 0;
        *box = (tg_x86_boxed){.op = op, .extent = tg_operand(op, 1), .free = tg_operand(op, 0)};
        return true;
    }
    bool above = is_limited(n, op, TG_OP_MAX), below = is_limited(n, op, TG_OP_MIN);
    const tg_op *other = above || below ? tg_operand(op, 0)->def : NULL;
    other = is_limited(n, other, above ? TG_OP_MIN : TG_OP_MAX) ? other : NULL;
    const tg_op *low = above ? op : other, *high = above ? other : op;
    if (!(above || below) || (low && !is_small(tg_operand(low, 1), least))) {
        return false;
    }
    *least = low ? *least : -FAR;
    *box = (tg_x86_boxed){.op = op, .extent = tg_operand(high ? high : low, 1), .beyond = high ? 1 - *least : FAR};
    box->free = tg_operand(other ? other : op, 0);
    return true;
}

/* The index less `least` stays in the box. True if that depends on the lanes and was not known before. */
static bool add_border(tg_x86 *x, tg_x86_nest *n, const tg_value *index, tg_x86_boxed box, int64_t least) {
    for (uint32_t i = 0; i < n->bordered.len; i++) {
        if (n->bordered.data[i].op == box.op && n->bordered.data[i].d == box.d) {
            return false;
        }
    }
    if (!describe(x, n, index, &box)) {
        return false;
    }
    box.index.constant -= least;
    tg_vec_push(x->arena, &n->bordered, box);
    return box.per_lane != 0;
}

static bool is_tested(const tg_x86 *x, const tg_op *op, uint32_t d) {
    tg_value *extent;
    return !(tg_op_int(op, TG_ATTR_IN_BOUNDS, 0) >> d & 1) && !tg_x86_checkable_at_launch(op, d, &extent) && !tg_x86_is_inside_stretch(x, op, d);
}

static bool has_lanes(const tg_x86_nest *n, const tg_op *op) {
    bool has = false;
    for (uint32_t d = 0; d < tg_op_n_indices(op); d++) {
        has |= tg_type_has_axis(tg_op_index(op, d)->type, n->vector);
    }
    return has;
}

/* The tests of a load or store. True if one depends on the lanes. */
static bool add_tests(tg_x86 *x, tg_x86_nest *n, const tg_op *op) {
    bool along = false;
    for (uint32_t d = 0; d < tg_op_n_indices(op) && has_lanes(n, op); d++) {
        tg_x86_boxed box;
        int64_t least;
        const tg_value *index = tg_op_index(op, d);
        if (find_limits(x, n, index, &box, &least)) {
            index = box.free;
            along |= add_border(x, n, index, box, least);
        }
        if (is_tested(x, op, d)) {
            along |= add_border(x, n, index, (tg_x86_boxed){.op = op, .d = d}, 0);
        }
    }
    return along;
}

/* The points that assignments write are not those of the nest either: a store at the end of their chain follows them. */
static void add_moves(tg_x86 *x, tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_op *op = n->roots.data[i].op;
        const tg_attr *set = n->roots.data[i].kind == TG_X86_ROOT_SET ? tg_op_attr(op, TG_ATTR_AXES) : NULL;
        for (uint32_t k = 0; set && k < set->n_axes; k++) {
            tg_vec_push(x->arena, &n->moved, set->axes[k]);
        }
    }
}

void tg_x86_choose_interior(tg_x86 *x, tg_x86_nest *n) {
    tg_x86_loads loads;
    bool along = false;
    bool may = x->unit && !x->options->baseline && n->vector && !n->partner && tg_axes_contain(n->outer, n->n_outer, n->vector);
    n->bordered.len = 0;
    if (!may || !tg_x86_loads_of(x, n, &loads, &n->moved) || (n->moved.len && x->machine->has_masks)) {
        return;
    }
    for (uint32_t i = 0; i < loads.len; i++) {
        along |= add_tests(x, n, loads.data[i]);
    }
    add_moves(x, n);
    for (uint32_t i = 0; i < n->roots.len && !x->machine->has_masks; i++) {
        const tg_op *op = n->roots.data[i].op;
        along |= op && op->opcode == TG_OP_STORE && !n->roots.data[i].after && add_tests(x, n, op);
    }
    n->bordered.len = along ? n->bordered.len : 0;
    if (n->bordered.len) {
        n->unroll = 1; /* what the interior's steps do not fill has tests: rows are often short */
        n->lanes = n->narrow;
    }
}

static LLVMValueRef floor_div(tg_x86 *x, LLVMValueRef v, int64_t by) {
    if (by == 1) {
        return v;
    }
    LLVMValueRef d = tg_llvm_i64(x->l, by), rest = LLVMBuildSRem(x->builder, v, d, "");
    LLVMValueRef below = LLVMBuildICmp(x->builder, LLVMIntSLT, rest, tg_llvm_i64(x->l, 0), "");
    return LLVMBuildSub(x->builder, LLVMBuildSDiv(x->builder, v, d, ""), LLVMBuildZExt(x->builder, below, x->l->i64, ""), "");
}

/* 0 <= c k + least and c k + most < dim, as an interval of k. */
static void cut(tg_x86 *x, LLVMValueRef *lo, LLVMValueRef *hi, int64_t c, LLVMValueRef least, LLVMValueRef most, LLVMValueRef dim) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_i64(x->l, 1), room = LLVMBuildSub(b, LLVMBuildSub(b, dim, one, ""), most, "");
    LLVMValueRef down = LLVMBuildNeg(b, floor_div(x, c > 0 ? least : room, c > 0 ? c : -c), "");
    LLVMValueRef up = floor_div(x, c > 0 ? room : least, c > 0 ? c : -c);
    *lo = tg_llvm_max64(x->l, *lo, down);
    *hi = tg_llvm_min64(x->l, *hi, LLVMBuildAdd(b, up, one, ""));
}

/* Limits of indices may be any number; as extents they are cut to what axes can reach. */
static LLVMValueRef extent_of(tg_x86 *x, const tg_x86_boxed *box) {
    if (!box->extent) {
        return tg_x86_tensor_of(x, tg_operand(box->op, 0))->dim[box->d];
    }
    int64_t most = 2 * FAR;
    LLVMValueRef n = tg_x86_scalar_of(x, box->extent);
    n = box->beyond ? tg_llvm_min64(x->l, tg_llvm_max64(x->l, n, tg_llvm_i64(x->l, -most)), tg_llvm_i64(x->l, most)) : n;
    return LLVMBuildAdd(x->builder, n, tg_llvm_i64(x->l, box->beyond), "");
}

void tg_x86_interior_of(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, LLVMValueRef *lo, LLVMValueRef *hi) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef inside = NULL, first = *lo, until = *hi;
    for (uint32_t i = 0; i < n->bordered.len; i++) {
        const tg_x86_boxed *box = &n->bordered.data[i];
        LLVMValueRef least = tg_x86_extreme(x, n, f, f, &box->index, false, NULL, NULL);
        LLVMValueRef most = tg_x86_extreme(x, n, f, f, &box->index, true, NULL, NULL);
        LLVMValueRef dim = extent_of(x, box);
        if (box->per_lane) {
            cut(x, lo, hi, box->per_lane, least, most, dim);
            continue;
        }
        inside = tg_x86_and_masks(x, inside, tg_x86_within(x, least, most, dim));
    }
    /* An index may be moved by any number: what is computed from the ends must not overflow. */
    *lo = tg_llvm_min64(x->l, *lo, until);
    *hi = tg_llvm_max64(x->l, inside ? LLVMBuildSelect(b, inside, *hi, *lo, "") : *hi, first);
}
