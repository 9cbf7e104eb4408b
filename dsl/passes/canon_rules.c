/* Exact identities on values, one function per idea, one row per opcode it serves. Floats: only
 * what holds for every input bit for bit (NaN payloads aside): x + -0, x - 0, x * 1, x /
 * 2^k, never x + 0 or x * 0. */
#include "dsl/ir/scalar_eval.h"
#include "dsl/passes/canon.h"

#include <math.h>
#include <string.h>

/* ---- helpers ---------------------------------------------------------------------------- */

static const tg_type *result_type(const tg_op *op) {
    return op->results[0].type;
}

/* The value if its type is the result's, so that it may replace the result. */
static tg_value *fits(const tg_op *op, tg_value *v) {
    return v->type == result_type(op) ? v : NULL;
}

static tg_op *defined_by(const tg_value *v, tg_opcode opcode) {
    return v->def && v->def->opcode == opcode ? v->def : NULL;
}

static bool is_int(const tg_value *v, int64_t wanted) {
    int64_t i;
    return tg_value_const_int(v, &i) && i == wanted;
}

/* equal including the sign of zero */
static bool is_float(const tg_value *v, double wanted) {
    double f;
    return tg_value_const_float(v, &f) && memcmp(&f, &wanted, sizeof f) == 0;
}

static bool is_integral(const tg_value *v) {
    return tg_dtype_is_int(v->type->dtype) || v->type->dtype == TG_BOOL;
}

static tg_value *constant_int(canon_context *c, const tg_op *op, int64_t v) {
    return tg_build_broadcast(&c->b, tg_build_int(&c->b, result_type(op)->dtype, v),
                              result_type(op));
}

/* ---- folding and broadcasts ------------------------------------------------------------- */

enum { MAX_FOLDED = 3 };

static bool aligns_by_name(const tg_op *op) {
    return (tg_op_is_elementwise(op->opcode) && op->opcode != TG_OP_BROADCAST) ||
           op->opcode == TG_OP_DOT || op->opcode == TG_OP_MAP;
}

/* What is spread over a tile, if it is a scalar; else `v`. */
static const tg_value *unspread(const tg_value *v) {
    const tg_op *broadcast = defined_by(v, TG_OP_BROADCAST);
    return broadcast && tg_type_is_scalar(tg_operand(broadcast, 0)->type) ? tg_operand(broadcast, 0) : v;
}

tg_value *canon_fold(canon_context *c, tg_op *op) {
    tg_scalar in[MAX_FOLDED], out;
    bool pointwise = aligns_by_name(op) && op->opcode != TG_OP_DOT && op->opcode != TG_OP_MAP;
    if (op->n_results != 1 || op->n_operands == 0 || op->n_operands > MAX_FOLDED ||
        !(pointwise || tg_type_is_scalar(result_type(op)))) {
        return NULL;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        const tg_value *v = tg_operand(op, i);
        if (!tg_value_const_scalar(pointwise ? unspread(v) : v, &in[i])) {
            return NULL;
        }
    }
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_ENUM_NONE);
    if (!tg_scalar_eval(op->opcode, pred, result_type(op)->dtype, in, op->n_operands, &out)) {
        return NULL;
    }
    return tg_build_broadcast(&c->b, tg_build_scalar(&c->b, out), result_type(op));
}

/* Do the other operands and `v` together still have the axes that the operand in place i
 * had? */
static bool covered_without(const tg_op *op, uint32_t i, const tg_value *v) {
    const tg_type *wide = tg_operand(op, i)->type;
    for (uint32_t a = 0; a < wide->n_axes; a++) {
        bool found = tg_type_has_axis(v->type, wide->axes[a]);
        for (uint32_t j = 0; j < op->n_operands && !found; j++) {
            found = j != i && tg_type_has_axis(tg_operand(op, j)->type, wide->axes[a]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* A dot sums over axes that both factors have: those must stay where they are. */
static bool keeps_dot_axes(const tg_op *op, uint32_t i, const tg_value *v) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    for (uint32_t a = 0; op->opcode == TG_OP_DOT && i < 2 && a < over->n_axes; a++) {
        if (!tg_type_has_axis(v->type, over->axes[a])) {
            return false;
        }
    }
    return true;
}

void canon_strip_broadcasts(canon_context *c, tg_op *op) {
    bool by_index = op->opcode ==
                    TG_OP_STORE; /* axes come from the indices; value and guard may lack them */
    if (!by_index && !aligns_by_name(op)) {
        return;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        tg_op *broadcast = defined_by(tg_operand(op, i), TG_OP_BROADCAST);
        bool index = by_index && i >= 2 && i < 2 + tg_op_n_indices(op);
        if (!broadcast || index) {
            continue;
        }
        tg_value *source = tg_operand(broadcast, 0);
        if (by_index || (covered_without(op, i, source) && keeps_dot_axes(op, i, source))) {
            tg_set_operand(op, i, source);
            c->changed = true;
        }
    }
}

/* ---- sums ------------------------------------------------------------------------------- */

/* constants stand on the right of commutative operations */
static tg_value *constant_right(canon_context *c, tg_op *op) {
    tg_value *x = tg_operand(op, 0), *y = tg_operand(op, 1);
    if (defined_by(x, TG_OP_CONST) && !defined_by(y, TG_OP_CONST)) {
        tg_set_operand(op, 0, y);
        tg_set_operand(op, 1, x);
        c->changed = true;
    }
    return NULL;
}

static tg_value *add_zero(canon_context *c, tg_op *op) {
    (void)c;
    bool zero = is_int(tg_operand(op, 1), 0) || is_float(tg_operand(op, 1), -0.0);
    return zero ? fits(op, tg_operand(op, 0)) : NULL;
}

static tg_value *sub_zero(canon_context *c, tg_op *op) {
    (void)c;
    bool zero = is_int(tg_operand(op, 1), 0) || is_float(tg_operand(op, 1), 0.0);
    return zero ? fits(op, tg_operand(op, 0)) : NULL;
}

/* integers: x - c → x + -c, so that sums of constants meet */
static tg_value *sub_constant(canon_context *c, tg_op *op) {
    int64_t k;
    if (!is_integral(tg_operand(op, 0)) || !tg_value_const_int(tg_operand(op, 1), &k)) {
        return NULL;
    }
    tg_value *minus =
        tg_build_int(&c->b, tg_operand(op, 1)->type->dtype, (int64_t)(0 - (uint64_t)k));
    return tg_build_binary(&c->b, TG_OP_ADD, tg_operand(op, 0), minus);
}

static tg_value *sub_self(canon_context *c, tg_op *op) {
    bool same = tg_operand(op, 0) == tg_operand(op, 1) && is_integral(tg_operand(op, 0));
    return same ? constant_int(c, op, 0) : NULL;
}

/* integers, and bits: (x op c1) op c2 → x op (c1 op c2) */
static tg_value *reassociate(canon_context *c, tg_op *op) {
    int64_t k, inner_k;
    tg_op *inner = defined_by(tg_operand(op, 0), op->opcode);
    if (!inner || !is_integral(tg_operand(op, 0)) ||
        !tg_value_const_int(tg_operand(op, 1), &k) ||
        !tg_value_const_int(tg_operand(inner, 1), &inner_k)) {
        return NULL;
    }
    tg_value *both =
        tg_build_binary(&c->b, op->opcode, tg_operand(inner, 1), tg_operand(op, 1));
    return tg_build_binary(&c->b, op->opcode, tg_operand(inner, 0), both);
}

/* A reduction starts from its identity, so combining it with that once more changes nothing. */
static tg_value *reduce_identity(canon_context *c, tg_op *op) {
    (void)c;
    static const tg_enum fns[TG_OP_COUNT] = {
        [TG_OP_ADD] = TG_FN_ADD, [TG_OP_MIN] = TG_FN_MIN, [TG_OP_MAX] = TG_FN_MAX};
    const tg_op *reduce = defined_by(tg_operand(op, 0), TG_OP_REDUCE);
    tg_scalar k;
    tg_enum fn = fns[op->opcode];
    if (!reduce || tg_op_enum(reduce, TG_ATTR_FN, TG_ENUM_NONE) != fn ||
        !tg_value_const_scalar(tg_operand(op, 1), &k)) {
        return NULL;
    }
    tg_scalar identity = tg_scalar_identity(fn, k.dtype);
    bool same = k.i == identity.i && k.f == identity.f && k.g == identity.g;
    return same ? fits(op, tg_operand(op, 0)) : NULL;
}

/* ---- products --------------------------------------------------------------------------- */

static tg_value *times_one(canon_context *c, tg_op *op) {
    (void)c;
    bool one = is_int(tg_operand(op, 1), 1) || is_float(tg_operand(op, 1), 1.0);
    return one ? fits(op, tg_operand(op, 0)) : NULL;
}

static tg_value *times_zero(canon_context *c, tg_op *op) {
    return is_int(tg_operand(op, 1), 0) ? constant_int(c, op, 0) : NULL;
}

/* x / 2^k → x * 2^-k: the same real number, rounded the same way */
static tg_value *divide_by_power(canon_context *c, tg_op *op) {
    double d;
    int exponent;
    tg_dtype t = result_type(op)->dtype;
    if (!tg_value_const_float(tg_operand(op, 1), &d) || (t != TG_F32 && t != TG_F64) ||
        fabs(frexp(d, &exponent)) != 0.5 || exponent < -100 || exponent > 100 || d == 1.0) {
        return NULL;
    }
    return tg_build_binary(&c->b, TG_OP_MUL, tg_operand(op, 0),
                           tg_build_float(&c->b, t, 1.0 / d));
}

static tg_value *rem_one(canon_context *c, tg_op *op) {
    return is_int(tg_operand(op, 1), 1) ? constant_int(c, op, 0) : NULL;
}

/* ---- signs and bits --------------------------------------------------------------------- */

/* neg neg, not not, conj conj */
static tg_value *involution(canon_context *c, tg_op *op) {
    (void)c;
    tg_op *inner = defined_by(tg_operand(op, 0), op->opcode);
    return inner ? fits(op, tg_operand(inner, 0)) : NULL;
}

static tg_value *abs_of_sign(canon_context *c, tg_op *op) {
    tg_op *abs = defined_by(tg_operand(op, 0), TG_OP_ABS),
          *neg = defined_by(tg_operand(op, 0), TG_OP_NEG);
    if (neg) {
        tg_set_operand(op, 0, tg_operand(neg, 0));
        c->changed = true;
    }
    return abs ? tg_operand(op, 0) : NULL;
}

/* and, or, min, max of a value with itself */
static tg_value *idempotent(canon_context *c, tg_op *op) {
    (void)c;
    return tg_operand(op, 0) == tg_operand(op, 1) ? fits(op, tg_operand(op, 0)) : NULL;
}

static int64_t all_ones(tg_dtype t) {
    return tg_int_wrap(t, -1);
}

static tg_value *and_constant(canon_context *c, tg_op *op) {
    if (is_int(tg_operand(op, 1), 0)) {
        return constant_int(c, op, 0);
    }
    return is_int(tg_operand(op, 1), all_ones(result_type(op)->dtype))
               ? fits(op, tg_operand(op, 0))
               : NULL;
}

static tg_value *or_constant(canon_context *c, tg_op *op) {
    int64_t ones = all_ones(result_type(op)->dtype);
    if (is_int(tg_operand(op, 1), ones)) {
        return constant_int(c, op, ones);
    }
    return is_int(tg_operand(op, 1), 0) ? fits(op, tg_operand(op, 0)) : NULL;
}

static tg_value *xor_trivial(canon_context *c, tg_op *op) {
    if (tg_operand(op, 0) == tg_operand(op, 1)) {
        return constant_int(c, op, 0);
    }
    return is_int(tg_operand(op, 1), 0) ? fits(op, tg_operand(op, 0)) : NULL;
}

static tg_value *shift_zero(canon_context *c, tg_op *op) {
    (void)c;
    return is_int(tg_operand(op, 1), 0) ? fits(op, tg_operand(op, 0)) : NULL;
}

/* ---- comparison and choice -------------------------------------------------------------- */

static tg_value *compare_self(canon_context *c, tg_op *op) {
    if (tg_operand(op, 0) != tg_operand(op, 1) || !is_integral(tg_operand(op, 0))) {
        return NULL;
    }
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_EQ);
    return constant_int(c, op, pred == TG_EQ || pred == TG_LE || pred == TG_GE);
}

static tg_value *select_trivial(canon_context *c, tg_op *op) {
    int64_t k;
    tg_value *x = tg_operand(op, 1), *y = tg_operand(op, 2);
    if (tg_value_const_int(tg_operand(op, 0), &k)) {
        return tg_build_broadcast(&c->b, k ? x : y, result_type(op));
    }
    if (x == y) {
        return tg_build_broadcast(&c->b, x, result_type(op));
    }
    bool same = result_type(op)->dtype == TG_BOOL && is_int(x, 1) && is_int(y, 0);
    return same ? fits(op, tg_operand(op, 0)) : NULL;
}

static tg_value *select_not(canon_context *c, tg_op *op) {
    tg_op *inverted = defined_by(tg_operand(op, 0), TG_OP_NOT);
    if (inverted) {
        tg_value *x = tg_operand(op, 1), *y = tg_operand(op, 2);
        tg_set_operand(op, 0, tg_operand(inverted, 0));
        tg_set_operand(op, 1, y);
        tg_set_operand(op, 2, x);
        c->changed = true;
    }
    return NULL;
}

/* ---- conversion and structure ----------------------------------------------------------- */

/* A conversion depends on the value only, so one that keeps every value may be skipped. */
static tg_value *cast_chain(canon_context *c, tg_op *op) {
    tg_value *x = tg_operand(op, 0);
    if (x->type == result_type(op)) {
        return x;
    }
    tg_op *inner = defined_by(x, TG_OP_CAST);
    if (!inner) {
        return NULL;
    }
    tg_value *source = tg_operand(inner, 0);
    bool kept = source->type->dtype != TG_BOOL &&
                tg_dtype_converts_implicitly(source->type->dtype, x->type->dtype);
    return kept ? tg_build_cast(&c->b, source, result_type(op)->dtype) : NULL;
}

static tg_value *bitcast_chain(canon_context *c, tg_op *op) {
    tg_value *x = tg_operand(op, 0);
    if (x->type == result_type(op)) {
        return x;
    }
    tg_op *inner = defined_by(x, TG_OP_BITCAST);
    return inner ? tg_build_bitcast(&c->b, tg_operand(inner, 0), result_type(op)->dtype) : NULL;
}

static tg_value *broadcast_chain(canon_context *c, tg_op *op) {
    tg_op *inner = defined_by(tg_operand(op, 0), TG_OP_BROADCAST);
    if (inner) {
        tg_set_operand(op, 0, tg_operand(inner, 0));
        c->changed = true;
    }
    return fits(op, tg_operand(op, 0));
}

/* x[r = r] is x */
static tg_value *reindex_identity(canon_context *c, tg_op *op) {
    (void)c;
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    for (uint32_t i = 0; i < axes->n_axes; i++) {
        tg_op *index = defined_by(tg_operand(op, 1 + i), TG_OP_IOTA);
        if (!index || tg_op_axis(index, TG_ATTR_AXIS) != axes->axes[i]) {
            return NULL;
        }
    }
    return fits(op, tg_operand(op, 0));
}

/* the accumulator of a dot may go if it is zero: sums start from zero anyway */
static tg_value *dot_zero_accumulator(canon_context *c, tg_op *op) {
    if (op->n_operands != 3 ||
        !(is_int(tg_operand(op, 2), 0) || is_float(tg_operand(op, 2), 0.0))) {
        return NULL;
    }
    tg_value *in[] = {tg_operand(op, 0), tg_operand(op, 1)};
    const tg_type *type = result_type(op);
    return tg_result(tg_build_op(&c->b, TG_OP_DOT, in, 2, &type, 1, op->attrs, op->n_attrs), 0);
}

/* extents of tensors made in the function are operands of what made them */
static tg_value *dim_of_made(canon_context *c, tg_op *op) {
    (void)c;
    const tg_op *def = tg_operand(op, 0)->def;
    uint32_t d = (uint32_t)tg_op_int(op, TG_ATTR_D, 0);
    if (def && def->opcode == TG_OP_TEMP) {
        return tg_operand(def, d);
    }
    return def && def->opcode == TG_OP_TENSOR ? tg_operand(def, 1 + d) : NULL;
}

static tg_value *size_of_constant_axis(canon_context *c, tg_op *op) {
    const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    if (a->kind != TG_AXIS_LOCAL || a->extent < 0) {
        return NULL;
    }
    return tg_build_int(&c->b, TG_I64, op->opcode == TG_OP_AXIS_SIZE ? a->extent : 0);
}

/* The function of a reduction or scan that does one operation on its two arguments; TG_ENUM_NONE if it does anything else, or what depends on the
 * order of sums. */
static tg_enum only_operation(const tg_op *fold) {
    const tg_block *body = &fold->regions[0].body;
    const tg_op *op = body->first, *yield = op ? op->next : NULL;
    bool plain = yield && !yield->next && op->n_operands == 2 && op->n_results == 1 && tg_operand(yield, 0) == tg_result(op, 0);
    bool both = plain && ((tg_operand(op, 0) == body->args[0] && tg_operand(op, 1) == body->args[1]) ||
                          (tg_operand(op, 0) == body->args[1] && tg_operand(op, 1) == body->args[0]));
    if (!both) {
        return TG_ENUM_NONE;
    }
    bool exact = is_integral(tg_result(op, 0)), scan = fold->opcode == TG_OP_SCAN_FN;
    switch ((int)op->opcode) {
    case TG_OP_MIN:
        return TG_FN_MIN;
    case TG_OP_MAX:
        return TG_FN_MAX;
    case TG_OP_ADD:
        return exact ? TG_FN_ADD : TG_ENUM_NONE;
    case TG_OP_MUL:
        return exact ? TG_FN_MUL : TG_ENUM_NONE;
    case TG_OP_AND:
        return scan ? TG_ENUM_NONE : TG_FN_AND;
    case TG_OP_OR:
        return scan ? TG_ENUM_NONE : TG_FN_OR;
    case TG_OP_XOR:
        return scan ? TG_ENUM_NONE : TG_FN_XOR;
    default:
        return TG_ENUM_NONE;
    }
}

/* scan(x, j, f, id), f(a, b) = min(a, b): min(id, scan by min), as the identity given is what comes out where there is nothing, and changes nothing
 * elsewhere. The same of reductions. */
static tg_value *fold_by_operation(canon_context *c, tg_op *op) {
    bool used = op->n_results == 1 && tg_value_has_uses(tg_result(op, 0)); /* one that is not is left to dce */
    tg_enum fn = used ? only_operation(op) : TG_ENUM_NONE;
    tg_value *id = tg_operand(op, 0), *x = op->n_operands == 2 ? tg_operand(op, 1) : NULL, *folded;
    if (fn == TG_ENUM_NONE || !x || x->type->dtype != result_type(op)->dtype || x->type->dtype == TG_BOOL) {
        return NULL;
    }
    tg_opcode combine = op->regions[0].body.first->opcode;
    if (op->opcode == TG_OP_REDUCE_FN) {
        const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
        for (uint32_t i = 0; i < over->n_axes; i++) {
            if (!tg_type_has_axis(x->type, over->axes[i])) {
                return NULL;
            }
        }
        folded = tg_build_reduce(&c->b, fn, x, over->axes, over->n_axes);
    } else {
        tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
        if (!tg_type_has_axis(x->type, a)) {
            return NULL;
        }
        tg_attr attrs[4] = {tg_attr_axis(c->f->arena, TG_ATTR_AXIS, a), tg_attr_enum(TG_ATTR_FN, fn)};
        uint32_t n = 2;
        for (const tg_attr_key *key = (const tg_attr_key[]){TG_ATTR_EXCLUSIVE, TG_ATTR_REVERSE, TG_ATTR_AXIS}; *key != TG_ATTR_AXIS; key++) {
            if (tg_op_attr(op, *key)) {
                attrs[n++] = tg_attr_flag(*key);
            }
        }
        folded = tg_result(tg_build_op(&c->b, TG_OP_SCAN, &x, 1, &x->type, 1, attrs, n), 0);
    }
    return tg_build_binary(&c->b, combine, folded, id);
}

const canon_rule canon_rules[] = {
    {"add-constant-right", TG_OP_ADD, constant_right},
    {"add-zero", TG_OP_ADD, add_zero},
    {"add-reduce-identity", TG_OP_ADD, reduce_identity},
    {"add-reassociate", TG_OP_ADD, reassociate},
    {"sub-zero", TG_OP_SUB, sub_zero},
    {"sub-self", TG_OP_SUB, sub_self},
    {"sub-constant", TG_OP_SUB, sub_constant},
    {"mul-constant-right", TG_OP_MUL, constant_right},
    {"mul-one", TG_OP_MUL, times_one},
    {"mul-zero", TG_OP_MUL, times_zero},
    {"mul-reassociate", TG_OP_MUL, reassociate},
    {"div-one", TG_OP_DIV, times_one},
    {"div-power", TG_OP_DIV, divide_by_power},
    {"rem-one", TG_OP_REM, rem_one},
    {"tdiv-one", TG_OP_TDIV, times_one},
    {"trem-one", TG_OP_TREM, rem_one},
    {"neg-neg", TG_OP_NEG, involution},
    {"not-not", TG_OP_NOT, involution},
    {"conj-conj", TG_OP_CONJ, involution},
    {"abs-sign", TG_OP_ABS, abs_of_sign},
    {"min-constant-right", TG_OP_MIN, constant_right},
    {"min-self", TG_OP_MIN, idempotent},
    {"min-reduce-identity", TG_OP_MIN, reduce_identity},
    {"min-reassociate", TG_OP_MIN, reassociate},
    {"max-constant-right", TG_OP_MAX, constant_right},
    {"max-self", TG_OP_MAX, idempotent},
    {"max-reduce-identity", TG_OP_MAX, reduce_identity},
    {"max-reassociate", TG_OP_MAX, reassociate},
    {"and-constant-right", TG_OP_AND, constant_right},
    {"and-self", TG_OP_AND, idempotent},
    {"and-constant", TG_OP_AND, and_constant},
    {"and-reassociate", TG_OP_AND, reassociate},
    {"or-constant-right", TG_OP_OR, constant_right},
    {"or-self", TG_OP_OR, idempotent},
    {"or-constant", TG_OP_OR, or_constant},
    {"or-reassociate", TG_OP_OR, reassociate},
    {"xor-constant-right", TG_OP_XOR, constant_right},
    {"xor-trivial", TG_OP_XOR, xor_trivial},
    {"xor-reassociate", TG_OP_XOR, reassociate},
    {"shl-zero", TG_OP_SHL, shift_zero},
    {"shr-zero", TG_OP_SHR, shift_zero},
    {"cmp-self", TG_OP_CMP, compare_self},
    {"select-trivial", TG_OP_SELECT, select_trivial},
    {"select-not", TG_OP_SELECT, select_not},
    {"cast-chain", TG_OP_CAST, cast_chain},
    {"bitcast-chain", TG_OP_BITCAST, bitcast_chain},
    {"broadcast-chain", TG_OP_BROADCAST, broadcast_chain},
    {"reindex-identity", TG_OP_REINDEX, reindex_identity},
    {"dot-zero-accumulator", TG_OP_DOT, dot_zero_accumulator},
    {"reduce-by-operation", TG_OP_REDUCE_FN, fold_by_operation},
    {"scan-by-operation", TG_OP_SCAN_FN, fold_by_operation},
    {"dim-of-made", TG_OP_DIM, dim_of_made},
    {"axis-size-constant", TG_OP_AXIS_SIZE, size_of_constant_axis},
    {"axis-first-constant", TG_OP_AXIS_FIRST, size_of_constant_axis},
};
const uint32_t canon_rule_count = sizeof canon_rules / sizeof *canon_rules;
