/* Rules that the strings of ops.def cannot say, one function per operation or family, found
 * through a table by opcode. Operand counts, operand kinds and attribute kinds hold already
 * when a rule runs. */
#include "dsl/ir/ir_internal.h"
#include "dsl/ir/verify_internal.h"

typedef bool (*rule_fn)(verifier *v, const tg_op *op);

/* ---- helpers ---------------------------------------------------------------------------- */

static const tg_type *type_at(const tg_op *op, uint32_t i) {
    return tg_operand(op, i)->type;
}

static const tg_type *result_type(const tg_op *op, uint32_t i) {
    return op->results[i].type;
}

static bool expect_results(verifier *v, const tg_op *op, uint32_t n) {
    return op->n_results == n ||
           verify_fail(v, op, "has %u results instead of %u", op->n_results, n);
}

static bool expect_type(verifier *v, const tg_op *op, uint32_t i, const tg_type *t,
                        tg_dtype dtype) {
    if (t->kind != TG_TYPE_TILE || t->dtype != dtype) {
        return verify_fail(v, op, "value %u must have dtype %s", i, tg_dtype_name(dtype));
    }
    return true;
}

static bool expect_i64_scalar_result(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 1)) {
        return false;
    }
    const tg_type *t = result_type(op, 0);
    return (tg_type_is_scalar(t) && t->dtype == TG_I64) ||
           verify_fail(v, op, "result must be an i64 scalar");
}

/* One set of axes, gathered from types: what the result of an operation must span. */
typedef struct axis_set {
    verifier *v;
    uint8_t *has; /* by rank */
} axis_set;

static axis_set new_axis_set(verifier *v) {
    return (axis_set){v, TG_NEW_ARRAY(v->arena, uint8_t, v->f->axes.len + 1u)};
}

static void add_axes(axis_set *s, const tg_type *t) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        s->has[t->axes[i]->rank] = 1;
    }
}

static void drop_axes(axis_set *s, const tg_attr *a) {
    for (uint32_t i = 0; i < a->n_axes; i++) {
        s->has[a->axes[i]->rank] = 0;
    }
}

static bool set_equals(const axis_set *s, const tg_type *t) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->v->f->axes.len; i++) {
        n += s->has[i];
    }
    bool all = n == t->n_axes;
    for (uint32_t i = 0; i < t->n_axes && all; i++) {
        all = s->has[t->axes[i]->rank];
    }
    return all;
}

static bool set_contains(const axis_set *s, const tg_type *t) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (!s->has[t->axes[i]->rank]) {
            return false;
        }
    }
    return true;
}

static bool expect_axes(const axis_set *s, const tg_op *op, const tg_type *t) {
    return set_equals(s, t) ||
           verify_fail(s->v, op, "result spans other axes than its operands give");
}

static bool expect_axes_of(verifier *v, const tg_op *op, const tg_attr *a, const tg_type *t) {
    for (uint32_t i = 0; i < a->n_axes; i++) {
        if (!tg_type_has_axis(t, a->axes[i])) {
            return verify_fail(v, op, "%s names an axis that the operand does not have",
                               tg_attr_key_name(a->key));
        }
    }
    return true;
}

static bool expect_axis_in_scope(verifier *v, const tg_op *op, const tg_axis *a) {
    return v->in_scope[a->rank] ||
           verify_fail(v, op, "axis #%s is not in scope", a->name ? a->name : "?");
}

static const tg_op *terminator(const tg_block *b, tg_opcode opcode) {
    return b->last && b->last->opcode == opcode ? b->last : NULL;
}

/* The operands of the yield that ends a block must have the given types; none needed for
 * none. */
static bool expect_yield(verifier *v, const tg_op *op, const tg_block *b,
                         const tg_type *const *types, uint32_t n) {
    const tg_op *yield = terminator(b, TG_OP_YIELD);
    if (!yield) {
        return n == 0 || verify_fail(v, op, "a region does not end with yield");
    }
    if (yield->n_operands != n) {
        return verify_fail(v, op, "a region yields %u values instead of %u", yield->n_operands,
                           n);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!tg_operand(yield, i) || tg_operand(yield, i)->type != types[i]) {
            return verify_fail(v, op, "yielded value %u has another type than expected", i);
        }
    }
    return true;
}

static bool expect_no_args(verifier *v, const tg_op *op, uint32_t r) {
    return op->regions[r].body.n_args == 0 ||
           verify_fail(v, op, "region %u takes no arguments", r);
}

/* ---- leaves and elementwise ------------------------------------------------------------- */

static bool rule_const(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 1)) {
        return false;
    }
    const tg_type *t = result_type(op, 0);
    if (!tg_type_is_scalar(t)) {
        return verify_fail(v, op, "a constant is a scalar");
    }
    bool integer = tg_dtype_is_int(t->dtype) || t->dtype == TG_BOOL;
    tg_attr_kind wanted = integer ? TG_AK_INT : TG_AK_NUM;
    const tg_attr *value = tg_op_attr(op, TG_ATTR_VALUE), *imag = tg_op_attr(op, TG_ATTR_IMAG);
    if (value->kind != wanted || (t->dtype == TG_BOOL && value->i != 0 && value->i != 1)) {
        return verify_fail(v, op, "value does not fit dtype %s", tg_dtype_name(t->dtype));
    }
    if (imag && (imag->kind != TG_AK_NUM || tg_dtype_kind_of(t->dtype) != TG_KIND_COMPLEX)) {
        return verify_fail(v, op, "imag belongs to complex constants, as a float");
    }
    return true;
}

static bool rule_iota(verifier *v, const tg_op *op) {
    const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    if (!expect_axis_in_scope(v, op, a) || !expect_results(v, op, 1)) {
        return false;
    }
    const tg_type *t = result_type(op, 0);
    bool right =
        t->kind == TG_TYPE_TILE && t->dtype == TG_I64 && t->n_axes == 1 && t->axes[0] == a;
    return right || verify_fail(v, op, "result must be an i64 tile over the axis");
}

static bool rule_axis_value(verifier *v, const tg_op *op) {
    return expect_axis_in_scope(v, op, tg_op_axis(op, TG_ATTR_AXIS)) &&
           expect_i64_scalar_result(v, op);
}

static bool is_complex(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}

/* add sub mul div neg: numbers; complex too */
static bool rule_arith(verifier *v, const tg_op *op) {
    tg_dtype t = type_at(op, 0)->dtype;
    bool ok = t != TG_BOOL && !tg_dtype_is_storage(t);
    return ok || verify_fail(v, op, "no arithmetic on dtype %s", tg_dtype_name(t));
}

/* abs sign min max: ordered numbers */
static bool rule_ordered(verifier *v, const tg_op *op) {
    if (is_complex(type_at(op, 0)->dtype)) {
        return verify_fail(v, op, "complex numbers have no order");
    }
    return rule_arith(v, op);
}

static bool rule_bits(verifier *v, const tg_op *op) {
    tg_dtype t = type_at(op, 0)->dtype;
    bool ok = t == TG_BOOL || (tg_dtype_is_int(t) && !tg_dtype_is_storage(t));
    return ok || verify_fail(v, op, "needs integers or bool, not %s", tg_dtype_name(t));
}

static bool rule_cmp(verifier *v, const tg_op *op) {
    tg_dtype t = type_at(op, 0)->dtype;
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_EQ);
    if (is_complex(t) && pred != TG_EQ && pred != TG_NE) {
        return verify_fail(v, op, "complex numbers compare with eq and ne only");
    }
    return !tg_dtype_is_storage(t) ||
           verify_fail(v, op, "no comparison of dtype %s", tg_dtype_name(t));
}

static bool rule_byte_perm(verifier *v, const tg_op *op) {
    return expect_type(v, op, 0, type_at(op, 0), TG_U32);
}

static bool rule_select(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 1) ||
        !expect_type(v, op, 2, type_at(op, 2), type_at(op, 1)->dtype) ||
        !expect_type(v, op, 3, result_type(op, 0), type_at(op, 1)->dtype)) {
        return false;
    }
    axis_set s = new_axis_set(v);
    for (uint32_t i = 0; i < 3; i++) {
        add_axes(&s, type_at(op, i));
    }
    return expect_axes(&s, op, result_type(op, 0));
}

static bool rule_bitcast(verifier *v, const tg_op *op) {
    bool equal =
        tg_dtype_bits(type_at(op, 0)->dtype) == tg_dtype_bits(result_type(op, 0)->dtype);
    return equal || verify_fail(v, op, "operand and result differ in width");
}

static bool rule_complex_parts(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 1)) {
        return false;
    }
    tg_dtype from = type_at(op, 0)->dtype, to = result_type(op, 0)->dtype;
    tg_dtype whole = op->opcode == TG_OP_CPLX ? to : from,
             part = op->opcode == TG_OP_CPLX ? from : to;
    if (result_type(op, 0)->kind != TG_TYPE_TILE || tg_dtype_real(whole) != part ||
        (op->opcode == TG_OP_CPLX && !is_complex(whole))) {
        return verify_fail(v, op, "%s and %s are not a complex dtype and its real part",
                           tg_dtype_name(from), tg_dtype_name(to));
    }
    axis_set s = new_axis_set(v);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        add_axes(&s, type_at(op, i));
    }
    return expect_axes(&s, op, result_type(op, 0));
}

static bool rule_broadcast(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 1) ||
        !expect_type(v, op, 0, result_type(op, 0), type_at(op, 0)->dtype)) {
        return false;
    }
    bool wider = tg_type_axes_within(type_at(op, 0), result_type(op, 0));
    return wider || verify_fail(v, op, "result lacks an axis of the operand");
}

/* ---- named indexing --------------------------------------------------------------------- */

static bool rule_reindex(verifier *v, const tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    const tg_value *otherwise = tg_op_else(op);
    uint32_t n = op->n_operands - 1u - (otherwise != NULL);
    if (!expect_results(v, op, 1) || !expect_axes_of(v, op, axes, type_at(op, 0))) {
        return false;
    }
    if (n != axes->n_axes) {
        return verify_fail(v, op, "has %u indices for %u axes", n, (unsigned)axes->n_axes);
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    drop_axes(&s, axes);
    for (uint32_t i = 1; i < op->n_operands; i++) {
        bool is_else = otherwise && i + 1u == op->n_operands;
        if (!expect_type(v, op, i, type_at(op, i), is_else ? type_at(op, 0)->dtype : TG_I64)) {
            return false;
        }
        add_axes(&s, type_at(op, i));
    }
    return expect_type(v, op, 0, result_type(op, 0), type_at(op, 0)->dtype) &&
           expect_axes(&s, op, result_type(op, 0));
}

static bool rule_reindex_set(verifier *v, const tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    if (!expect_results(v, op, 1) || !expect_axes_of(v, op, axes, type_at(op, 0))) {
        return false;
    }
    if (op->n_operands - 2u != axes->n_axes) {
        return verify_fail(v, op, "has %u indices for %u axes", op->n_operands - 2u,
                           (unsigned)axes->n_axes);
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    drop_axes(&s, axes);
    for (uint32_t i = 2; i < op->n_operands; i++) {
        if (!expect_type(v, op, i, type_at(op, i), TG_I64)) {
            return false;
        }
        add_axes(&s, type_at(op, i));
    }
    if (!set_contains(&s, type_at(op, 1))) {
        return verify_fail(v, op, "the value has an axis that the target lacks");
    }
    return result_type(op, 0) == type_at(op, 0) ||
           verify_fail(v, op, "result must have the type of the operand");
}

/* ---- reductions ------------------------------------------------------------------------- */

static bool fn_fits_dtype(tg_enum fn, tg_dtype t) {
    if (fn == TG_FN_AND || fn == TG_FN_OR || fn == TG_FN_XOR) {
        return t == TG_BOOL || tg_dtype_is_int(t);
    }
    return t != TG_BOOL && (!is_complex(t) || fn == TG_FN_ADD || fn == TG_FN_MUL) &&
           fn != TG_FN_XCHG;
}

static bool rule_reduce(verifier *v, const tg_op *op) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    tg_dtype dtype = type_at(op, 0)->dtype;
    bool index = fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX;
    if (!fn_fits_dtype(fn, dtype) || tg_dtype_is_storage(dtype)) {
        return verify_fail(v, op, "%s is not defined for dtype %s", tg_enum_name(fn),
                           tg_dtype_name(dtype));
    }
    if (over->n_axes == 0 || (index && over->n_axes != 1)) {
        return verify_fail(v, op, "reduces over the wrong number of axes");
    }
    if (!expect_results(v, op, 1) || !expect_axes_of(v, op, over, type_at(op, 0))) {
        return false;
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    drop_axes(&s, over);
    return expect_type(v, op, 0, result_type(op, 0), index ? TG_I64 : dtype) &&
           expect_axes(&s, op, result_type(op, 0));
}

static bool rule_scan(verifier *v, const tg_op *op) {
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    bool known = fn == TG_FN_ADD || fn == TG_FN_MUL || fn == TG_FN_MIN || fn == TG_FN_MAX;
    if (!known || !fn_fits_dtype(fn, type_at(op, 0)->dtype)) {
        return verify_fail(v, op, "%s is not defined for this dtype", tg_enum_name(fn));
    }
    if (!expect_results(v, op, 1) ||
        !expect_axes_of(v, op, tg_op_attr(op, TG_ATTR_AXIS), type_at(op, 0))) {
        return false;
    }
    return result_type(op, 0) == type_at(op, 0) ||
           verify_fail(v, op, "result must have the type of the operand");
}

static bool rule_sort(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 2) ||
        !expect_axes_of(v, op, tg_op_attr(op, TG_ATTR_AXIS), type_at(op, 0)) ||
        !expect_type(v, op, 1, result_type(op, 1), TG_I64)) {
        return false;
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    bool same = result_type(op, 0) == type_at(op, 0) && set_equals(&s, result_type(op, 1));
    return (same && !is_complex(type_at(op, 0)->dtype)) ||
           verify_fail(v, op, "results must span the operand's axes");
}

/* topk and histogram replace `axis` by another one */
static bool rule_replace_axis(verifier *v, const tg_op *op) {
    bool topk = op->opcode == TG_OP_TOPK;
    const tg_attr *to = tg_op_attr(op, topk ? TG_ATTR_TO : TG_ATTR_BINS),
                  *axis = tg_op_attr(op, TG_ATTR_AXIS);
    tg_dtype dtype = topk ? type_at(op, 0)->dtype : TG_I32;
    if (!expect_results(v, op, topk ? 2 : 1) || !expect_axes_of(v, op, axis, type_at(op, 0)) ||
        !expect_axis_in_scope(v, op, to->axes[0]) ||
        !expect_type(v, op, 0, result_type(op, 0), dtype) ||
        (topk && !expect_type(v, op, 1, result_type(op, 1), TG_I64))) {
        return false;
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    drop_axes(&s, axis);
    if (s.has[to->axes[0]->rank]) {
        return verify_fail(v, op, "the operand spans the new axis already");
    }
    s.has[to->axes[0]->rank] = 1;
    return expect_axes(&s, op, result_type(op, 0)) &&
           (!topk || expect_axes(&s, op, result_type(op, 1)));
}

static bool is_f8(tg_dtype t) {
    return t == TG_F8E4M3 || t == TG_F8E5M2;
}

static bool dot_dtypes_fit(tg_dtype x, tg_dtype y) {
    bool halves = (x == TG_F16 || x == TG_BF16) && (y == TG_F16 || y == TG_BF16);
    bool bytes = (x == TG_I8 || x == TG_U8) && (y == TG_I8 || y == TG_U8);
    return x != TG_BOOL && (x == y || halves || bytes || (is_f8(x) && is_f8(y)));
}

static bool rule_dot(verifier *v, const tg_op *op) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    tg_dtype x = type_at(op, 0)->dtype, y = type_at(op, 1)->dtype;
    if (!dot_dtypes_fit(x, y)) {
        return verify_fail(v, op, "%s and %s do not multiply", tg_dtype_name(x),
                           tg_dtype_name(y));
    }
    if (over->n_axes == 0 || !expect_axes_of(v, op, over, type_at(op, 0)) ||
        !expect_axes_of(v, op, over, type_at(op, 1))) {
        return verify_fail(v, op, "sums over no axis");
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 0));
    add_axes(&s, type_at(op, 1));
    drop_axes(&s, over);
    for (uint32_t i = 2; i < op->n_operands; i++) {
        add_axes(&s, type_at(op, i));
        if (!expect_type(v, op, i, type_at(op, i), tg_dot_dtype(x, y))) {
            return false;
        }
    }
    return expect_results(v, op, 1) &&
           expect_type(v, op, 0, result_type(op, 0), tg_dot_dtype(x, y)) &&
           expect_axes(&s, op, result_type(op, 0));
}

static bool rule_philox(verifier *v, const tg_op *op) {
    if (!expect_results(v, op, 4) || !expect_type(v, op, 0, type_at(op, 0), TG_U64) ||
        !expect_type(v, op, 1, type_at(op, 1), TG_I64)) {
        return false;
    }
    axis_set s = new_axis_set(v);
    add_axes(&s, type_at(op, 1));
    for (uint32_t i = 0; i < 4; i++) {
        if (!expect_type(v, op, i, result_type(op, i), TG_U32) ||
            !expect_axes(&s, op, result_type(op, i))) {
            return false;
        }
    }
    return true;
}

/* ---- regions applied point by point ----------------------------------------------------- */

/* Arguments of region 0: scalars with the dtypes of operands first … first+n-1, repeated
 * `times`. */
static bool expect_scalar_args(verifier *v, const tg_op *op, uint32_t first, uint32_t n,
                               uint32_t times) {
    const tg_block *b = &op->regions[0].body;
    if (b->n_args != n * times) {
        return verify_fail(v, op, "the region takes %u arguments instead of %u", b->n_args,
                           n * times);
    }
    for (uint32_t i = 0; i < b->n_args; i++) {
        const tg_type *t = b->args[i]->type;
        if (!t || !tg_type_is_scalar(t) || t->dtype != type_at(op, first + i % n)->dtype) {
            return verify_fail(
                v, op, "argument %u of the region is not a scalar of the operand's dtype", i);
        }
    }
    return true;
}

static bool expect_scalar_yield(verifier *v, const tg_op *op) {
    const tg_op *yield = terminator(&op->regions[0].body, TG_OP_YIELD);
    if (!yield || yield->n_operands != op->n_results) {
        return verify_fail(v, op, "the region must yield one scalar per result");
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        const tg_value *value = tg_operand(yield, i);
        if (!value || !tg_type_is_scalar(value->type) ||
            value->type->dtype != result_type(op, i)->dtype) {
            return verify_fail(v, op, "yielded scalar %u is not of the result's dtype", i);
        }
    }
    return true;
}

static bool rule_map(verifier *v, const tg_op *op) {
    axis_set s = new_axis_set(v);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        add_axes(&s, type_at(op, i));
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (result_type(op, i)->kind != TG_TYPE_TILE ||
            !expect_axes(&s, op, result_type(op, i))) {
            return verify_fail(v, op, "result %u is not a tile", i);
        }
    }
    return expect_scalar_args(v, op, 0, op->n_operands, 1) && expect_scalar_yield(v, op);
}

/* reduce_fn and scan_fn: n identities, n tiles */
static bool rule_fold(verifier *v, const tg_op *op) {
    uint32_t n = op->n_operands / 2u;
    const tg_attr *over =
        tg_op_attr(op, op->opcode == TG_OP_REDUCE_FN ? TG_ATTR_OVER : TG_ATTR_AXIS);
    if (n == 0 || over->n_axes == 0) {
        return verify_fail(v, op, "folds nothing");
    }
    if (!expect_results(v, op, n)) {
        return false;
    }
    axis_set s = new_axis_set(v);
    for (uint32_t i = 0; i < n; i++) {
        add_axes(&s, type_at(op, n + i));
    }
    for (uint32_t i = 0; i < over->n_axes; i++) {
        if (!s.has[over->axes[i]->rank]) {
            return verify_fail(v, op, "folds over an axis that no operand has");
        }
    }
    if (op->opcode == TG_OP_REDUCE_FN) {
        drop_axes(&s, over);
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_dtype dtype = type_at(op, n + i)->dtype;
        if (!expect_type(v, op, i, type_at(op, i), dtype) ||
            !expect_type(v, op, i, result_type(op, i), dtype) ||
            !expect_axes(&s, op, result_type(op, i))) {
            return false;
        }
    }
    return expect_scalar_args(v, op, n, n, 2) && expect_scalar_yield(v, op);
}

/* ---- tensors ---------------------------------------------------------------------------- */

static bool rule_dim(verifier *v, const tg_op *op) {
    int64_t d = tg_op_int(op, TG_ATTR_D, 0);
    if (d < 0 || d >= type_at(op, 0)->rank) {
        return verify_fail(v, op, "dimension %lld of a tensor of rank %u", (long long)d,
                           (unsigned)type_at(op, 0)->rank);
    }
    return expect_i64_scalar_result(v, op);
}

static bool rule_temp(verifier *v, const tg_op *op) {
    if (v->level != LEVEL_LAUNCH) {
        return verify_fail(v, op, "belongs to the launch level");
    }
    return op->n_operands == result_type(op, 0)->rank ||
           verify_fail(v, op, "needs one extent per dimension");
}

static bool rule_tensor(verifier *v, const tg_op *op) {
    if (!tg_type_is_scalar(type_at(op, 0)) || type_at(op, 0)->dtype != TG_U64) {
        return verify_fail(v, op, "the address must be a u64 scalar");
    }
    bool count = op->n_operands == 1u + 2u * result_type(op, 0)->rank;
    return count || verify_fail(v, op, "needs an extent and a stride per dimension");
}

static bool rule_fill(verifier *v, const tg_op *op) {
    if (v->level != LEVEL_LAUNCH) {
        return verify_fail(v, op, "belongs to the launch level");
    }
    return expect_type(v, op, 1, type_at(op, 1), type_at(op, 0)->dtype);
}

/* dtype of an element access: half a complex number after lower-complex */
static tg_dtype element_dtype(const tg_op *op) {
    tg_dtype t = type_at(op, 0)->dtype;
    return tg_op_attr(op, TG_ATTR_PART) ? tg_dtype_real(t) : t;
}

static bool check_indices(verifier *v, const tg_op *op, uint32_t first, axis_set *s) {
    uint32_t rank = type_at(op, 0)->rank;
    if (op->n_operands < first + rank) {
        return verify_fail(v, op, "has fewer indices than the tensor has dimensions");
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (!expect_type(v, op, first + d, type_at(op, first + d), TG_I64)) {
            return false;
        }
        add_axes(s, type_at(op, first + d));
    }
    int64_t bits = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0);
    return (bits >= 0 && bits >> rank == 0) ||
           verify_fail(v, op, "in_bounds has a bit beyond the rank");
}

static bool rule_load(verifier *v, const tg_op *op) {
    axis_set s = new_axis_set(v);
    if (!expect_results(v, op, 1) || !check_indices(v, op, 1, &s)) {
        return false;
    }
    const tg_value *otherwise = tg_op_else(op);
    if (otherwise) {
        add_axes(&s, otherwise->type);
        if (!expect_type(v, op, op->n_operands - 1u, otherwise->type, element_dtype(op))) {
            return false;
        }
    }
    return expect_type(v, op, 0, result_type(op, 0), element_dtype(op)) &&
           expect_axes(&s, op, result_type(op, 0));
}

/* store and atomic: indices from operand 2; cas: from operand 3 */
static bool rule_write(verifier *v, const tg_op *op) {
    uint32_t first = op->opcode == TG_OP_CAS ? 3 : 2;
    axis_set s = new_axis_set(v);
    if (v->level != LEVEL_TILE) {
        return verify_fail(v, op, "belongs into an instance of a phase");
    }
    if (!check_indices(v, op, first, &s)) {
        return false;
    }
    for (uint32_t i = 1; i < first; i++) {
        if (!expect_type(v, op, i, type_at(op, i), element_dtype(op))) {
            return false;
        }
        if (!set_contains(&s, type_at(op, i))) {
            return verify_fail(v, op, "the value has an axis that no index has");
        }
    }
    const tg_value *guard = tg_op_guard(op);
    if (guard && !set_contains(&s, guard->type)) {
        return verify_fail(v, op, "the guard has an axis that no index has");
    }
    if (op->opcode == TG_OP_CAS && op->n_operands != first + type_at(op, 0)->rank) {
        return verify_fail(v, op, "has more indices than the tensor has dimensions");
    }
    if (op->opcode == TG_OP_STORE) {
        return true;
    }
    return expect_results(v, op, 1) &&
           expect_type(v, op, 0, result_type(op, 0), type_at(op, 0)->dtype) &&
           expect_axes(&s, op, result_type(op, 0));
}

static bool rule_atomic(verifier *v, const tg_op *op) {
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    tg_dtype t = type_at(op, 0)->dtype;
    if (!tg_atomic_fits(fn, t)) {
        return verify_fail(v, op, "%s is not defined for dtype %s", tg_enum_name(fn),
                           tg_dtype_name(t));
    }
    return rule_write(v, op);
}

/* ---- binders and control ---------------------------------------------------------------- */

static const tg_op *parent_op(const tg_op *op) {
    return op->parent->parent->parent;
}

static bool rule_phase(verifier *v, const tg_op *op) {
    if (v->level != LEVEL_LAUNCH) {
        return verify_fail(v, op, "belongs to the launch level");
    }
    return expect_no_args(v, op, 0) && expect_yield(v, op, &op->regions[0].body, NULL, 0);
}

static bool check_each(verifier *v, const tg_op *op, bool each) {
    if (!each && tg_op_attr(op, TG_ATTR_STEP)) {
        return verify_fail(v, op, "only single indices take a step");
    }
    if (tg_op_int(op, TG_ATTR_STEP, 1) < 1) {
        return verify_fail(v, op, "step must be at least 1");
    }
    const tg_block *b = &op->regions[0].body;
    if (each && (b->n_args == 0 || !tg_type_is_scalar(b->args[0]->type) ||
                 b->args[0]->type->dtype != TG_I64)) {
        return verify_fail(v, op, "region argument 0 must be the index, an i64 scalar");
    }
    return true;
}

static bool rule_par(verifier *v, const tg_op *op) {
    const tg_op *parent = parent_op(op);
    if (!parent || (parent->opcode != TG_OP_PHASE && parent->opcode != TG_OP_PAR)) {
        return verify_fail(v, op, "must be directly inside phase or par");
    }
    if (op->next && op->next->opcode != TG_OP_YIELD) {
        return verify_fail(v, op, "nothing may follow a par in its region");
    }
    bool each = tg_op_is_each(op);
    if (op->regions[0].body.n_args != (each ? 1u : 0u)) {
        return verify_fail(v, op,
                           "the region takes the index if there is no axis, else nothing");
    }
    return check_each(v, op, each) && expect_yield(v, op, &op->regions[0].body, NULL, 0);
}

/* That carried values do not span the loop's own axis follows: their types are those of
 * results, outside its scope. */
static bool rule_for(verifier *v, const tg_op *op) {
    bool each = tg_op_is_each(op);
    const tg_block *b = &op->regions[0].body;
    uint32_t n = op->n_operands - TG_FOR_CARRIED, first = each ? 1 : 0;
    if (!each && v->level != LEVEL_TILE) {
        return verify_fail(v, op,
                           "a loop over blocks of an axis belongs into an instance of a phase");
    }
    if (!check_each(v, op, each) || !expect_results(v, op, n)) {
        return false;
    }
    if (b->n_args != first + n) {
        return verify_fail(v, op, "the region takes %u arguments instead of %u", b->n_args,
                           first + n);
    }
    const tg_type **types = TG_NEW_ARRAY(v->arena, const tg_type *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        types[i] = result_type(op, i);
        if (type_at(op, TG_FOR_CARRIED + i) != types[i] || b->args[first + i]->type != types[i]) {
            return verify_fail(v, op, "carried value %u changes its type", i);
        }
    }
    return expect_yield(v, op, b, types, n);
}

static bool rule_axis(verifier *v, const tg_op *op) {
    return v->level == LEVEL_TILE || verify_fail(v, op, "belongs into an instance of a phase");
}

static bool rule_if(verifier *v, const tg_op *op) {
    if (!tg_type_is_scalar(type_at(op, 0))) {
        return verify_fail(v, op, "the condition must be a scalar");
    }
    const tg_type **types = TG_NEW_ARRAY(v->arena, const tg_type *, op->n_results + 1u);
    for (uint32_t i = 0; i < op->n_results; i++) {
        types[i] = result_type(op, i);
    }
    for (uint32_t r = 0; r < 2; r++) {
        if (!expect_no_args(v, op, r) ||
            !expect_yield(v, op, &op->regions[r].body, types, op->n_results)) {
            return false;
        }
    }
    return true;
}

static bool check_while_entry(verifier *v, const tg_op *op, const tg_type **carried) {
    const tg_block *test = &op->regions[0].body;
    if (test->n_args != op->n_operands) {
        return verify_fail(v, op, "region 0 takes %u arguments instead of %u", test->n_args,
                           op->n_operands);
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        carried[i] = type_at(op, i);
        if (test->args[i]->type != carried[i]) {
            return verify_fail(v, op, "carried value %u changes its type", i);
        }
    }
    return true;
}

static bool rule_while(verifier *v, const tg_op *op) {
    const tg_type **carried = TG_NEW_ARRAY(v->arena, const tg_type *, op->n_operands + 1u);
    const tg_block *test = &op->regions[0].body, *body = &op->regions[1].body;
    if (!check_while_entry(v, op, carried)) {
        return false;
    }
    const tg_op *condition = terminator(test, TG_OP_CONDITION);
    if (!condition || condition->n_operands != 1u + op->n_results ||
        body->n_args != op->n_results) {
        return verify_fail(
            v, op, "region 0 must end with a condition that passes on one value per result");
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        const tg_value *passed = tg_operand(condition, 1 + i);
        if (!passed || passed->type != result_type(op, i) ||
            body->args[i]->type != result_type(op, i)) {
            return verify_fail(v, op, "passed value %u changes its type", i);
        }
    }
    return expect_yield(v, op, body, carried, op->n_operands);
}

static bool rule_yield(verifier *v, const tg_op *op) {
    if (!parent_op(op)) {
        return verify_fail(v, op, "the function body yields nothing");
    }
    return !op->next || verify_fail(v, op, "must be the last operation of its region");
}

static bool rule_condition(verifier *v, const tg_op *op) {
    const tg_op *parent = parent_op(op);
    if (!parent || parent->opcode != TG_OP_WHILE || op->parent != &parent->regions[0].body ||
        op->next) {
        return verify_fail(v, op, "must end region 0 of while");
    }
    return tg_type_is_scalar(type_at(op, 0)) ||
           verify_fail(v, op, "the condition must be a scalar");
}

static bool rule_assume(verifier *v, const tg_op *op) {
    return tg_type_is_scalar(type_at(op, 0)) ||
           verify_fail(v, op, "the condition must be a scalar");
}

static const rule_fn rules[TG_OP_COUNT] = {
    [TG_OP_CONST] = rule_const,
    [TG_OP_IOTA] = rule_iota,
    [TG_OP_ADD] = rule_arith,
    [TG_OP_SUB] = rule_arith,
    [TG_OP_MUL] = rule_arith,
    [TG_OP_DIV] = rule_arith,
    [TG_OP_NEG] = rule_arith,
    [TG_OP_ABS] = rule_ordered,
    [TG_OP_SIGN] = rule_ordered,
    [TG_OP_MIN] = rule_ordered,
    [TG_OP_MAX] = rule_ordered,
    [TG_OP_AND] = rule_bits,
    [TG_OP_OR] = rule_bits,
    [TG_OP_XOR] = rule_bits,
    [TG_OP_NOT] = rule_bits,
    [TG_OP_BYTE_PERM] = rule_byte_perm,
    [TG_OP_CMP] = rule_cmp,
    [TG_OP_SELECT] = rule_select,
    [TG_OP_BITCAST] = rule_bitcast,
    [TG_OP_CPLX] = rule_complex_parts,
    [TG_OP_RE] = rule_complex_parts,
    [TG_OP_IM] = rule_complex_parts,
    [TG_OP_BROADCAST] = rule_broadcast,
    [TG_OP_REINDEX] = rule_reindex,
    [TG_OP_REINDEX_SET] = rule_reindex_set,
    [TG_OP_REDUCE] = rule_reduce,
    [TG_OP_REDUCE_FN] = rule_fold,
    [TG_OP_SCAN] = rule_scan,
    [TG_OP_SCAN_FN] = rule_fold,
    [TG_OP_SORT] = rule_sort,
    [TG_OP_TOPK] = rule_replace_axis,
    [TG_OP_HISTOGRAM] = rule_replace_axis,
    [TG_OP_DOT] = rule_dot,
    [TG_OP_PHILOX] = rule_philox,
    [TG_OP_MAP] = rule_map,
    [TG_OP_ASM] = rule_map,
    [TG_OP_DIM] = rule_dim,
    [TG_OP_STRIDE] = rule_dim,
    [TG_OP_TEMP] = rule_temp,
    [TG_OP_TENSOR] = rule_tensor,
    [TG_OP_FILL] = rule_fill,
    [TG_OP_LOAD] = rule_load,
    [TG_OP_STORE] = rule_write,
    [TG_OP_ATOMIC] = rule_atomic,
    [TG_OP_CAS] = rule_write,
    [TG_OP_PHASE] = rule_phase,
    [TG_OP_PAR] = rule_par,
    [TG_OP_FOR] = rule_for,
    [TG_OP_AXIS] = rule_axis,
    [TG_OP_AXIS_FIRST] = rule_axis_value,
    [TG_OP_AXIS_SIZE] = rule_axis_value,
    [TG_OP_AXIS_BLOCK] = rule_axis_value,
    [TG_OP_AXIS_COUNT] = rule_axis_value,
    [TG_OP_IF] = rule_if,
    [TG_OP_WHILE] = rule_while,
    [TG_OP_YIELD] = rule_yield,
    [TG_OP_CONDITION] = rule_condition,
    [TG_OP_ASSUME] = rule_assume,
};

/* Between the binders of a nest only pure scalar code and loads: it decides the bounds of
 * the next binder. */
static bool check_nest_op(verifier *v, const tg_op *op) {
    if (op->opcode == TG_OP_PAR || op->opcode == TG_OP_YIELD) {
        return true;
    }
    bool pure = tg_op_info_of(op->opcode)->effect == TG_EFF_NONE || op->opcode == TG_OP_LOAD;
    for (uint32_t i = 0; i < op->n_results && pure; i++) {
        pure = tg_type_is_scalar(result_type(op, i));
    }
    return pure ||
           verify_fail(v, op,
                       "only pure scalar operations and loads may stand between nested par");
}

bool verify_op_rule(verifier *v, const tg_op *op) {
    if (v->level == LEVEL_NEST && !check_nest_op(v, op)) {
        return false;
    }
    rule_fn rule = rules[op->opcode];
    return !rule || rule(v, op);
}
