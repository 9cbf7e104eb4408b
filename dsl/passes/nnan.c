/* Maxima whose NaN does not show. Idea: a maximum of floats is NaN if one of them is, which targets have to look for, as their instructions lose
 * NaN. Where everything that depends on the maximum and is stored is NaN in that case anyway, the maximum may be any number, and gets `nnan`:
 *
 *   m = max(x, j)          any number if some x[j] is NaN
 *   e = exp(x - m)         NaN where x is
 *   s = sum(e, j)          NaN
 *   Y[j] = e / s           NaN, as it has to be
 *
 * Followed from the operand and the result on, in the order of the operations. What depends on the maximum and was not found to be NaN in any
 * case must not reach a store, a loop or a function. Terminates: one walk for each maximum. */
#include "dsl/passes/passes.h"

/* What is known of a value, if the operand has a NaN on the axes that are reduced. */
enum {
    DEPENDS = 1, /* on what the maximum is */
    SOME = 2,    /* NaN where the operand is */
    ALL = 4      /* NaN wherever the maximum should be */
};

typedef struct search {
    const tg_op *maximum;
    uint8_t *facts; /* by value */
    bool fails;
} search;

static uint8_t fact_of(const search *s, const tg_op *op, uint32_t i) {
    return s->facts[tg_operand(op, i)->id];
}

/* Is the result NaN wherever an operand is? */
static bool keeps_nan(const tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_ADD:
    case TG_OP_SUB:
    case TG_OP_MUL:
    case TG_OP_DIV:
    case TG_OP_FMA:
    case TG_OP_NEG:
    case TG_OP_ABS:
    case TG_OP_SQRT:
    case TG_OP_RSQRT:
    case TG_OP_EXP:
    case TG_OP_EXP2:
    case TG_OP_EXP_SUB:
    case TG_OP_EXP2_SUB:
    case TG_OP_EXPM1:
    case TG_OP_LOG:
    case TG_OP_LOG2:
    case TG_OP_LOG10:
    case TG_OP_LOG1P:
    case TG_OP_BROADCAST:
        return true;
    case TG_OP_CAST:
        return tg_dtype_is_float(tg_result(op, 0)->type->dtype);
    default:
        return false;
    }
}

/* Do the axes that `op` sums over hold all of the maximum's? */
static bool sums_over(const search *s, const tg_op *op) {
    const tg_attr *over = tg_op_attr(s->maximum, TG_ATTR_OVER);
    bool sum = op->opcode == TG_OP_DOT || (op->opcode == TG_OP_REDUCE && tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE) == TG_FN_ADD);
    for (uint32_t i = 0; i < over->n_axes && sum; i++) {
        sum = tg_op_reduces_over(op, over->axes[i]);
    }
    return sum;
}

static uint8_t follow(const search *s, const tg_op *op) {
    bool sums = sums_over(s, op);
    uint8_t fact = 0;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        uint8_t from = fact_of(s, op, i), nan = from & (SOME | ALL);
        fact |= from & DEPENDS;
        fact |= sums ? (nan ? ALL : 0) : keeps_nan(op) ? nan : 0;
    }
    return fact & ALL ? ALL : fact; /* whatever the maximum is */
}

static void visit(tg_op *op, void *user) {
    search *s = user;
    uint8_t fact = op == s->maximum ? DEPENDS : follow(s, op);
    bool pure = tg_op_info_of(op->opcode)->effect == TG_EFF_NONE && op->n_regions == 0;
    s->fails |= fact & DEPENDS && !pure;
    for (uint32_t i = 0; i < op->n_results; i++) {
        s->facts[tg_result(op, i)->id] |= fact;
    }
}

static bool shows_nan(tg_func *f, const tg_op *maximum) {
    search s = {.maximum = maximum, .facts = TG_NEW_ARRAY(f->arena, uint8_t, f->next_value_id)};
    s.facts[tg_operand(maximum, 0)->id] = SOME;
    tg_ir_walk(f, visit, &s);
    return s.fails;
}

typedef struct marking {
    tg_func *f;
    bool changed;
} marking;

static void mark(tg_op *op, void *user) {
    marking *m = user;
    tg_enum fn = op->opcode == TG_OP_REDUCE ? tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE) : TG_ENUM_NONE;
    bool extreme = fn == TG_FN_MAX || fn == TG_FN_MIN;
    if (extreme && tg_dtype_is_float(tg_operand(op, 0)->type->dtype) && !tg_op_flag(op, TG_ATTR_NNAN) && !shows_nan(m->f, op)) {
        tg_op_set_attr(m->f, op, tg_attr_flag(TG_ATTR_NNAN));
        m->changed = true;
    }
}

bool tg_pass_nnan(tg_func *f) {
    marking m = {f, false};
    tg_ir_walk(f, mark, &m);
    return m.changed;
}
