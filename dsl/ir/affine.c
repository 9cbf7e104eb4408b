/* Affine forms by structural recursion over definitions. The walk has a budget, because a chain
 * x + x + … shares subterms and would be visited exponentially often; a scalar over budget
 * is a symbol, which is always right. */
#include "dsl/ir/affine.h"

#include <string.h>

enum { BUDGET = 256 };

typedef struct walker {
    tg_arena *arena;
    uint32_t budget;
    bool opaque; /* tiles that are not affine become symbols */
} walker;

void tg_affine_init(tg_affine *a, tg_arena *arena, int64_t constant) {
    *a = (tg_affine){.arena = arena, .constant = constant};
}

static bool is_arithmetic(const tg_op *op) {
    static const tg_opcode pure[] = {TG_OP_ADD, TG_OP_SUB, TG_OP_MUL, TG_OP_DIV, TG_OP_REM, TG_OP_MIN, TG_OP_MAX};
    const tg_type *t = tg_result(op, 0)->type;
    for (uint32_t i = 0; i < sizeof pure / sizeof *pure; i++) {
        if (op->opcode == pure[i]) {
            return t->n_axes == 0 && tg_dtype_is_int(t->dtype);
        }
    }
    return false;
}

static bool is_same(const tg_value *a, const tg_value *b, uint32_t depth) {
    if (a == b) {
        return true;
    }
    if (!a || !b || !a->def || !b->def || a->def->opcode != b->def->opcode || a->type != b->type) {
        return false;
    }
    const tg_op *x = a->def, *y = b->def;
    int64_t c, d;
    if (tg_value_const_int(a, &c) && tg_value_const_int(b, &d)) {
        return c == d;
    }
    if (is_arithmetic(x)) {
        return depth > 0 && is_same(tg_operand(x, 0), tg_operand(y, 0), depth - 1) && is_same(tg_operand(x, 1), tg_operand(y, 1), depth - 1);
    }
    bool of_tensor = x->opcode == TG_OP_DIM || x->opcode == TG_OP_STRIDE;
    if (of_tensor) {
        return tg_operand(x, 0) == tg_operand(y, 0) &&
               tg_op_int(x, TG_ATTR_D, 0) == tg_op_int(y, TG_ATTR_D, 0);
    }
    bool of_axis = x->opcode >= TG_OP_AXIS_FIRST && x->opcode <= TG_OP_AXIS_COUNT;
    return of_axis && tg_op_axis(x, TG_ATTR_AXIS) == tg_op_axis(y, TG_ATTR_AXIS);
}

bool tg_symbol_equal(const tg_value *a, const tg_value *b) {
    enum { DEPTH = 6 };
    return is_same(a, b, DEPTH);
}

/* ---- sums ------------------------------------------------------------------------------- */

bool tg_affine_add_term(tg_affine *a, int64_t coeff, tg_value *symbol, tg_axis *axis) {
    if (coeff == 0) {
        return true;
    }
    for (uint32_t i = 0; i < a->terms.len; i++) {
        tg_affine_term *t = &a->terms.data[i];
        if (t->axis != axis || !tg_symbol_equal(t->symbol, symbol)) {
            continue;
        }
        if (__builtin_add_overflow(t->coeff, coeff, &t->coeff)) {
            return false;
        }
        if (t->coeff == 0) {
            *t = a->terms.data[--a->terms.len];
        }
        return true;
    }
    tg_vec_push(a->arena, &a->terms, (tg_affine_term){coeff, symbol, axis});
    return true;
}

bool tg_affine_add(tg_affine *a, const tg_affine *b, int64_t scale) {
    int64_t c;
    if (__builtin_mul_overflow(b->constant, scale, &c) ||
        __builtin_add_overflow(a->constant, c, &a->constant)) {
        return false;
    }
    for (uint32_t i = 0; i < b->terms.len; i++) {
        const tg_affine_term *t = &b->terms.data[i];
        if (__builtin_mul_overflow(t->coeff, scale, &c) ||
            !tg_affine_add_term(a, c, t->symbol, t->axis)) {
            return false;
        }
    }
    return true;
}

void tg_affine_copy(tg_arena *arena, const tg_affine *a, tg_affine *out) {
    tg_affine_init(out, arena, a->constant);
    if (a->terms.len) {
        out->terms.data = TG_COPY_ARRAY(arena, tg_affine_term, a->terms.data, a->terms.len);
        out->terms.len = out->terms.cap = a->terms.len;
    }
}

bool tg_affine_sub(tg_arena *arena, const tg_affine *a, const tg_affine *b, tg_affine *out) {
    tg_affine difference; /* out may be a or b */
    tg_affine_copy(arena, a, &difference);
    bool ok = tg_affine_add(&difference, b, -1);
    *out = difference;
    return ok;
}

/* ---- the walk --------------------------------------------------------------------------- */

static bool walk_value(walker *w, const tg_value *v, tg_affine *out);

/* The value itself, if it may be a symbol. */
static bool as_symbol(const walker *w, const tg_value *v, tg_affine *out) {
    tg_affine_init(out, w->arena, 0);
    if (v->type->n_axes && !w->opaque) {
        return false;
    }
    return tg_affine_add_term(out, 1, (tg_value *)(uintptr_t)v, NULL);
}

static bool walk_sum(walker *w, const tg_op *op, int64_t sign, tg_affine *out) {
    tg_affine y;
    return walk_value(w, tg_operand(op, 0), out) && walk_value(w, tg_operand(op, 1), &y) &&
           tg_affine_add(out, &y, sign);
}

/* x times one symbol: the form of x must not hold symbols already. */
static bool times_symbol(walker *w, const tg_affine *x, const tg_affine_term *by,
                         tg_affine *out) {
    int64_t c;
    tg_affine_init(out, w->arena, 0);
    if (__builtin_mul_overflow(x->constant, by->coeff, &c) ||
        !tg_affine_add_term(out, c, by->symbol, NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < x->terms.len; i++) {
        const tg_affine_term *t = &x->terms.data[i];
        if (t->symbol || __builtin_mul_overflow(t->coeff, by->coeff, &c) ||
            !tg_affine_add_term(out, c, by->symbol, t->axis)) {
            return false;
        }
    }
    return true;
}

static bool multiply(walker *w, const tg_affine *x, const tg_affine *y, tg_affine *out) {
    if (x->terms.len == 0) {
        const tg_affine *swap = x;
        x = y;
        y = swap;
    }
    tg_affine_init(out, w->arena, 0);
    if (y->terms.len == 0) {
        return tg_affine_add(out, x, y->constant);
    }
    bool x_symbol = x->terms.len == 1 && x->constant == 0 && !x->terms.data[0].axis;
    bool y_symbol = y->terms.len == 1 && y->constant == 0 && !y->terms.data[0].axis;
    if (y_symbol && times_symbol(w, x, &y->terms.data[0], out)) {
        return true;
    }
    return x_symbol && times_symbol(w, y, &x->terms.data[0], out);
}

static bool walk_product(walker *w, const tg_op *op, tg_affine *out) {
    tg_affine x, y;
    return walk_value(w, tg_operand(op, 0), &x) && walk_value(w, tg_operand(op, 1), &y) &&
           multiply(w, &x, &y, out);
}

static bool walk_shift(walker *w, const tg_op *op, tg_affine *out) {
    int64_t count;
    tg_affine x;
    if (!tg_value_const_int(tg_operand(op, 1), &count) || count < 0 || count > 62 ||
        !walk_value(w, tg_operand(op, 0), &x)) {
        return false;
    }
    tg_affine_init(out, w->arena, 0);
    return tg_affine_add(out, &x, INT64_C(1) << count);
}

static bool walk_neg(walker *w, const tg_op *op, tg_affine *out) {
    tg_affine x;
    tg_affine_init(out, w->arena, 0);
    return walk_value(w, tg_operand(op, 0), &x) && tg_affine_add(out, &x, -1);
}

static bool walk_op(walker *w, const tg_op *op, tg_affine *out) {
    int64_t constant;
    if (op->opcode == TG_OP_ADD || op->opcode == TG_OP_SUB) {
        return walk_sum(w, op, op->opcode == TG_OP_ADD ? 1 : -1, out);
    }
    if (op->opcode == TG_OP_MUL) {
        return walk_product(w, op, out);
    }
    if (op->opcode == TG_OP_SHL) {
        return walk_shift(w, op, out);
    }
    if (op->opcode == TG_OP_NEG) {
        return walk_neg(w, op, out);
    }
    if (op->opcode == TG_OP_BROADCAST) {
        return walk_value(w, tg_operand(op, 0), out);
    }
    if (op->opcode == TG_OP_IOTA) {
        tg_affine_init(out, w->arena, 0);
        return tg_affine_add_term(out, 1, NULL, tg_op_axis(op, TG_ATTR_AXIS));
    }
    if (op->opcode == TG_OP_CONST && tg_value_const_int(tg_result(op, 0), &constant)) {
        tg_affine_init(out, w->arena, constant);
        return true;
    }
    return false;
}

static bool walk_value(walker *w, const tg_value *v, tg_affine *out) {
    if (v->type->dtype != TG_I64 || v->type->kind != TG_TYPE_TILE) {
        return false;
    }
    if (w->budget > 0 && v->def) {
        w->budget--;
        if (walk_op(w, v->def, out)) {
            return true;
        }
    }
    return as_symbol(w, v, out);
}

bool tg_affine_of(tg_arena *arena, const tg_value *v, tg_affine *out) {
    walker w = {.arena = arena, .budget = BUDGET};
    return walk_value(&w, v, out);
}

bool tg_affine_with_opaque(tg_arena *arena, const tg_value *v, tg_affine *out) {
    walker w = {.arena = arena, .budget = BUDGET, .opaque = true};
    return walk_value(&w, v, out);
}

/* ---- questions -------------------------------------------------------------------------- */

bool tg_affine_axis_coeff(const tg_affine *a, const tg_axis *axis, int64_t *constant,
                          tg_value **symbol) {
    uint32_t found = 0;
    *constant = 0;
    *symbol = NULL;
    for (uint32_t i = 0; i < a->terms.len; i++) {
        if (a->terms.data[i].axis == axis) {
            *constant = a->terms.data[i].coeff;
            *symbol = a->terms.data[i].symbol;
            found++;
        }
    }
    return found <= 1;
}

bool tg_affine_has_axis(const tg_affine *a, const tg_axis *axis) {
    for (uint32_t i = 0; i < a->terms.len; i++) {
        if (a->terms.data[i].axis == axis) {
            return true;
        }
    }
    return false;
}

bool tg_affine_is_scalar(const tg_affine *a) {
    for (uint32_t i = 0; i < a->terms.len; i++) {
        if (a->terms.data[i].axis) {
            return false;
        }
    }
    return true;
}

bool tg_affine_is_constant(const tg_affine *a) {
    return a->terms.len == 0;
}

bool tg_affine_equal(const tg_affine *a, const tg_affine *b) {
    if (a->constant != b->constant || a->terms.len != b->terms.len) {
        return false;
    }
    for (uint32_t i = 0; i < a->terms.len; i++) {
        const tg_affine_term *t = &a->terms.data[i];
        bool found = false;
        for (uint32_t j = 0; j < b->terms.len && !found; j++) {
            const tg_affine_term *u = &b->terms.data[j];
            found = t->coeff == u->coeff && t->axis == u->axis &&
                    tg_symbol_equal(t->symbol, u->symbol);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static void print_symbol(const tg_value *v, tg_strbuf *out) {
    if (v->name) {
        tg_strbuf_printf(out, "%%%s", v->name);
    } else {
        tg_strbuf_printf(out, "%%%u", v->id);
    }
}

void tg_affine_print(const tg_affine *a, tg_strbuf *out) {
    tg_strbuf_printf(out, "%lld", (long long)a->constant);
    for (uint32_t i = 0; i < a->terms.len; i++) {
        const tg_affine_term *t = &a->terms.data[i];
        tg_strbuf_printf(out, " + %lld", (long long)t->coeff);
        if (t->symbol) {
            tg_strbuf_putc(out, '*');
            print_symbol(t->symbol, out);
        }
        if (t->axis) {
            tg_strbuf_printf(out, "*#%s", t->axis->name ? t->axis->name : "?");
        }
    }
}
