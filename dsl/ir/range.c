/* Proving `form >= 0`: eliminate one atom (axis or symbol) after the other, replacing it by a
 * bound on the side its sign asks for, until a constant is left. Bounds of inner atoms are
 * forms in outer ones, so axes go first (inner to outer), then other symbols, then dimensions
 * (>= 0). An atom may have several bounds (extent, until); the search tries them in order with
 * a step budget. Arithmetic is on mathematical integers: an index expression that wraps is
 * outside every tensor in practice, and language.md section 4 leaves a compiler to assume
 * 64-bit index arithmetic exact. */
#include "dsl/ir/range.h"

enum { STEPS = 400, MAX_BOUNDS = 6, MAX_FACTS = 64 };

typedef struct prover {
    tg_arena *arena;
    const tg_facts *facts;
    uint32_t steps;
    uint32_t facts_used;
} prover;

typedef struct bound_list {
    tg_affine forms[MAX_BOUNDS];
    uint32_t n;
} bound_list;

static void add_bound(prover *p, bound_list *b, const tg_value *v, int64_t plus) {
    tg_affine a;
    if (b->n < MAX_BOUNDS && v && tg_affine_with_opaque(p->arena, v, &a) &&
        !__builtin_add_overflow(a.constant, plus, &a.constant)) {
        b->forms[b->n++] = a;
    }
}

static void add_constant(prover *p, bound_list *b, int64_t constant) {
    if (b->n < MAX_BOUNDS) {
        tg_affine_init(&b->forms[b->n++], p->arena, constant);
    }
}

static bool prove(prover *p, const tg_affine *form);
static bool range_within(prover *p, const tg_value *v, tg_range *out);

static bool value_nonneg(prover *p, const tg_value *v) {
    tg_affine a;
    return tg_affine_with_opaque(p->arena, v, &a) && prove(p, &a);
}

/* ---- bounds of atoms -------------------------------------------------------------------- */

/* domain operands of par, for and axis: extent, from, until */
static void domain_bounds(prover *p, const tg_op *binder, bool upper, bound_list *out) {
    if (upper) {
        add_bound(p, out, tg_operand(binder, 0), -1);
        if (tg_operand(binder, 2) != tg_operand(binder, 0)) {
            add_bound(p, out, tg_operand(binder, 2), -1);
        }
    } else {
        add_constant(p, out, 0);
        int64_t from;
        if (!tg_value_const_int(tg_operand(binder, 1), &from) || from > 0) {
            add_bound(p, out, tg_operand(binder, 1), 0);
        }
    }
}

static void axis_bounds(prover *p, const tg_axis *axis, bool upper, bound_list *out) {
    if (upper && axis->extent >= 0) {
        add_constant(p, out, axis->extent - 1);
    }
    if (axis->binder && axis->binder->n_operands >= 3) {
        domain_bounds(p, axis->binder, upper, out);
    }
    if (axis->like && out->n < MAX_BOUNDS) {
        axis_bounds(p, axis->like, upper, out);
    }
}

static void axis_value_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    if (!upper) { /* first, size, block and count are never negative */
        add_constant(p, out, 0);
    } else if (op->opcode == TG_OP_AXIS_SIZE) {
        if (axis->block) {
            add_constant(p, out, axis->block);
        }
        if (axis->binder && axis->binder->n_operands >= 3 &&
            value_nonneg(p, tg_operand(axis->binder, 0))) {
            add_bound(p, out, tg_operand(axis->binder, 0), 0);
        }
    } else if (op->opcode == TG_OP_AXIS_FIRST && axis->kind != TG_AXIS_LOCAL) {
        axis_bounds(p, axis, true, out); /* blocks are not empty */
    }
}

static void cast_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    tg_dtype from = tg_operand(op, 0)->type->dtype;
    int bits = tg_dtype_bits(from);
    tg_dtype_kind kind = tg_dtype_kind_of(from);
    if (from == TG_BOOL) {
        add_constant(p, out, upper);
    } else if (kind == TG_KIND_UINT && bits < 64) {
        add_constant(p, out, upper ? (INT64_C(1) << bits) - 1 : 0);
    } else if (kind == TG_KIND_SINT && bits < 64) {
        add_constant(p, out,
                     upper ? (INT64_C(1) << (bits - 1)) - 1 : -(INT64_C(1) << (bits - 1)));
    }
}

/* small < large */
static bool value_below(prover *p, const tg_value *small, const tg_value *large) {
    tg_affine x, y, room;
    if (!tg_affine_with_opaque(p->arena, small, &x) ||
        !tg_affine_with_opaque(p->arena, large, &y) ||
        !tg_affine_sub(p->arena, &y, &x, &room)) {
        return false;
    }
    room.constant -= 1;
    return prove(p, &room);
}

/* Is it assumed that `part` divides `whole`? */
static bool divides(const prover *p, const tg_value *part, const tg_value *whole) {
    for (uint32_t i = 0; p->facts && i < p->facts->multiples.len; i++) {
        const tg_multiple *m = &p->facts->multiples.data[i];
        if (tg_symbol_equal(m->whole, whole) && tg_symbol_equal(m->part, part)) {
            return true;
        }
    }
    return false;
}

/* i * parts / whole, where 0 <= i < whole: which of the parts i belongs to. The last is parts - 1, if there are any:
 * parts that divide a whole >= 1 are not 0. */
static void share_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    const tg_op *product = tg_operand(op, 0)->def;
    const tg_value *whole = tg_operand(op, 1);
    for (uint32_t k = 0; k < 2 && product && product->opcode == TG_OP_MUL; k++) {
        const tg_value *i = tg_operand(product, k), *parts = tg_operand(product, 1 - k);
        if (divides(p, parts, whole) && value_nonneg(p, parts) && value_nonneg(p, i) &&
            value_below(p, i, whole)) {
            if (upper) {
                add_bound(p, out, parts, -1);
            } else {
                add_constant(p, out, 0);
            }
            return;
        }
    }
}

/* i * (whole / parts), where 0 <= i < parts: where share i begins, one share before the end at the latest. */
static void product_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    for (uint32_t k = 0; k < 2; k++) {
        const tg_value *i = tg_operand(op, k), *share = tg_operand(op, 1 - k);
        const tg_op *def = share->def;
        bool quotient = def && (def->opcode == TG_OP_DIV || def->opcode == TG_OP_TDIV);
        if (!quotient || !value_nonneg(p, tg_operand(def, 0)) || !value_nonneg(p, i) ||
            !value_below(p, i, tg_operand(def, 1))) {
            continue;
        }
        tg_affine end, length;
        if (!upper) {
            add_constant(p, out, 0);
        } else if (out->n < MAX_BOUNDS &&
                   tg_affine_with_opaque(p->arena, tg_operand(def, 0), &end) &&
                   tg_affine_with_opaque(p->arena, share, &length) &&
                   tg_affine_sub(p->arena, &end, &length, &out->forms[out->n])) {
            out->n++;
        }
        return;
    }
}

static void division_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    int64_t divisor;
    const tg_value *x = tg_operand(op, 0);
    bool constant = tg_value_const_int(tg_operand(op, 1), &divisor);
    bool rem = op->opcode == TG_OP_REM, trem = op->opcode == TG_OP_TREM;
    if (constant && divisor > 0 && (rem || (trem && value_nonneg(p, x)))) {
        add_constant(p, out, upper ? divisor - 1 : 0);
        return;
    }
    if (rem && !constant) { /* 0 <= x % y <= y - 1 if y > 0 */
        tg_affine y;
        if (tg_affine_with_opaque(p->arena, tg_operand(op, 1), &y)) {
            y.constant -= 1;
            bool positive = prove(p, &y);
            if (positive && upper) {
                add_bound(p, out, tg_operand(op, 1), -1);
            } else if (positive) {
                add_constant(p, out, 0);
            }
        }
        return;
    }
    bool quotient = op->opcode == TG_OP_DIV || op->opcode == TG_OP_TDIV;
    if (quotient && !constant) {
        share_bounds(p, op, upper, out);
        return;
    }
    if (!quotient || divisor <= 0 || !value_nonneg(p, x)) {
        return;
    }
    if (!upper) {
        add_constant(p, out, 0);
        return;
    }
    tg_range r;
    if (range_within(p, x, &r) && r.hi.known && !r.hi.symbol) {
        add_constant(p, out, r.hi.constant / divisor);
    }
    add_bound(p, out, x, 0);
}

static void select_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    tg_range x, y;
    if (!range_within(p, tg_operand(op, 1), &x) || !range_within(p, tg_operand(op, 2), &y)) {
        return;
    }
    tg_bound a = upper ? x.hi : x.lo, b = upper ? y.hi : y.lo;
    if (a.known && b.known && !a.symbol && !b.symbol) {
        add_constant(p, out, (a.constant < b.constant) == upper ? b.constant : a.constant);
    }
}

/* The place of an extreme is a point of the axis, or -1 where there are none: what may end below that is no upper bound. */
static void place_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE);
    if (fn != TG_FN_ARGMIN && fn != TG_FN_ARGMAX) {
        return;
    }
    if (!upper) {
        add_constant(p, out, -1);
        return;
    }
    bound_list ends = {.n = 0};
    axis_bounds(p, tg_op_attr(op, TG_ATTR_OVER)->axes[0], true, &ends);
    for (uint32_t i = 0; i < ends.n && out->n < MAX_BOUNDS; i++) {
        tg_affine points;
        tg_affine_copy(p->arena, &ends.forms[i], &points);
        if (!__builtin_add_overflow(points.constant, 1, &points.constant) && prove(p, &points)) {
            out->forms[out->n++] = ends.forms[i];
        }
    }
}

static void op_bounds(prover *p, const tg_op *op, bool upper, bound_list *out) {
    int64_t mask;
    tg_opcode code = op->opcode;
    if (p->steps == 0) {
        return;
    }
    p->steps--;
    if (code == TG_OP_DIM && !upper) {
        add_constant(p, out, 0);
    } else if (code >= TG_OP_AXIS_FIRST && code <= TG_OP_AXIS_COUNT) {
        axis_value_bounds(p, op, upper, out);
    } else if (code == TG_OP_CAST) {
        cast_bounds(p, op, upper, out);
    } else if (code == TG_OP_DIV || code == TG_OP_TDIV || code == TG_OP_REM ||
               code == TG_OP_TREM) {
        division_bounds(p, op, upper, out);
    } else if (code == TG_OP_MUL) {
        product_bounds(p, op, upper, out);
    } else if (code == TG_OP_AND && tg_value_const_int(tg_operand(op, 1), &mask) && mask >= 0) {
        add_constant(p, out, upper ? mask : 0);
    } else if ((code == TG_OP_MIN && upper) || (code == TG_OP_MAX && !upper)) {
        add_bound(p, out, tg_operand(op, 0), 0);
        add_bound(p, out, tg_operand(op, 1), 0);
    } else if (code == TG_OP_SELECT) {
        select_bounds(p, op, upper, out);
    } else if (code == TG_OP_REDUCE) {
        place_bounds(p, op, upper, out);
    }
}

static void symbol_bounds(prover *p, const tg_value *v, bool upper, bound_list *out) {
    if (v->def) {
        op_bounds(p, v->def, upper, out);
        return;
    }
    const tg_op *owner = v->block->parent->parent; /* null: parameter */
    if (owner && tg_op_is_each(owner) && v->index == 0) {
        domain_bounds(p, owner, upper, out);
    }
}

/* ---- elimination ------------------------------------------------------------------------ */

/* Lower is eliminated earlier: axes from the innermost, then symbols from the latest,
 * dimensions last. */
static int64_t elimination_order(const tg_affine_term *t) {
    if (t->axis) {
        return -(INT64_C(1) << 40) - t->axis->rank;
    }
    bool outer = !t->symbol->def || t->symbol->def->opcode == TG_OP_DIM;
    bool parameter = !t->symbol->def && !t->symbol->block->parent->parent;
    return (outer && (parameter || t->symbol->def) ? INT64_C(1) << 40 : 0) - t->symbol->id;
}

static bool try_bound(prover *p, const tg_affine *form, uint32_t at, const tg_affine *bound) {
    tg_affine next;
    tg_affine_copy(p->arena, form, &next);
    int64_t coeff = next.terms.data[at].coeff;
    next.terms.data[at] = next.terms.data[--next.terms.len];
    return tg_affine_add(&next, bound, coeff) && prove(p, &next);
}

/* min <= x and x <= max hold for each operand, but the other side of min and max needs both
 * operands */
static bool try_both(prover *p, const tg_affine *form, uint32_t at) {
    const tg_affine_term t = form->terms.data[at];
    tg_opcode wanted = t.coeff > 0 ? TG_OP_MIN : TG_OP_MAX;
    if (t.axis || !t.symbol->def || t.symbol->def->opcode != wanted) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        tg_affine x;
        if (!tg_affine_with_opaque(p->arena, tg_operand(t.symbol->def, i), &x) ||
            !try_bound(p, form, at, &x)) {
            return false;
        }
    }
    return true;
}

/* A multiple of a quotient rounded down, as of an index between steps of d: x - d + 1 <= d * (x / d) <= x. */
static bool try_quotient(prover *p, const tg_affine *form, uint32_t at) {
    const tg_affine_term t = form->terms.data[at];
    const tg_op *op = t.axis ? NULL : t.symbol->def;
    int64_t divisor;
    tg_affine next, x;
    if (!op || op->opcode != TG_OP_DIV || !tg_value_const_int(tg_operand(op, 1), &divisor) || divisor <= 1 ||
        t.coeff % divisor != 0 || !tg_affine_with_opaque(p->arena, tg_operand(op, 0), &x) ||
        (t.coeff > 0 && __builtin_sub_overflow(x.constant, divisor - 1, &x.constant))) {
        return false;
    }
    tg_affine_copy(p->arena, form, &next);
    next.terms.data[at] = next.terms.data[--next.terms.len];
    return tg_affine_add(&next, &x, t.coeff / divisor) && prove(p, &next);
}

/* Below a multiple y of d, the last multiple of it that x reaches is y - d: d * (x / d) <= y - d. */
static bool try_last_quotient(prover *p, const tg_affine *form, uint32_t at) {
    const tg_affine_term t = form->terms.data[at];
    const tg_op *op = t.axis ? NULL : t.symbol->def;
    int64_t divisor, part;
    if (!op || op->opcode != TG_OP_DIV || !tg_value_const_int(tg_operand(op, 1), &divisor) || divisor <= 1 || t.coeff >= 0 || t.coeff % divisor != 0) {
        return false;
    }
    bool proved = false;
    for (uint32_t i = 0; p->facts && i < p->facts->multiples.len && !proved; i++) {
        const tg_multiple *m = &p->facts->multiples.data[i];
        tg_affine next, y;
        bool fits = tg_value_const_int(m->part, &part) && part % divisor == 0 && tg_affine_with_opaque(p->arena, m->whole, &y) &&
                    value_below(p, tg_operand(op, 0), m->whole) && !__builtin_sub_overflow(y.constant, divisor, &y.constant);
        if (fits) {
            tg_affine_copy(p->arena, form, &next);
            next.terms.data[at] = next.terms.data[--next.terms.len];
            proved = tg_affine_add(&next, &y, t.coeff / divisor) && prove(p, &next);
        }
    }
    return proved;
}

static bool try_facts(prover *p, const tg_affine *form) {
    if (!p->facts || p->facts_used >= 3) {
        return false;
    }
    p->facts_used++;
    bool proved = false;
    for (uint32_t i = 0; i < p->facts->nonneg.len && !proved; i++) {
        tg_affine next;
        proved = tg_affine_sub(p->arena, form, &p->facts->nonneg.data[i], &next) &&
                 next.terms.len <= form->terms.len && prove(p, &next);
    }
    p->facts_used--;
    return proved;
}

/* The operation `code` of an axis, first or size, as a term of the form. */
static bool find_axis_value(const tg_affine *form, const tg_axis *axis, tg_opcode code, tg_value **out) {
    for (uint32_t i = 0; i < form->terms.len; i++) {
        const tg_affine_term *t = &form->terms.data[i];
        if (!t->axis && t->symbol->def && t->symbol->def->opcode == code && tg_op_axis(t->symbol->def, TG_ATTR_AXIS) == axis) {
            *out = t->symbol;
            return true;
        }
    }
    return false;
}

/* Indices of a block, where the form is about where it begins: first <= i <= first + size - 1. */
static void block_bounds(prover *p, const tg_affine *form, const tg_axis *axis, bool upper, bound_list *out) {
    tg_value *first, *size;
    bool known = find_axis_value(form, axis, TG_OP_AXIS_FIRST, &first) && (!upper || find_axis_value(form, axis, TG_OP_AXIS_SIZE, &size));
    if (known && out->n < MAX_BOUNDS) {
        tg_affine *bound = &out->forms[out->n];
        tg_affine_init(bound, p->arena, upper ? -1 : 0);
        out->n += tg_affine_add_term(bound, 1, first, NULL) && (!upper || tg_affine_add_term(bound, 1, size, NULL));
    }
}

static bool prove(prover *p, const tg_affine *form) {
    if (form->terms.len == 0) {
        return form->constant >= 0;
    }
    if (p->steps == 0) {
        return false;
    }
    p->steps--;
    uint32_t at = 0;
    for (uint32_t i = 1; i < form->terms.len; i++) {
        if (elimination_order(&form->terms.data[i]) <
            elimination_order(&form->terms.data[at])) {
            at = i;
        }
    }
    const tg_affine_term t = form->terms.data[at];
    if (t.axis && t.symbol) {
        return false; /* the product of a symbol and an axis has no affine bound */
    }
    bound_list bounds = {.n = 0};
    if (t.axis) {
        block_bounds(p, form, t.axis, t.coeff < 0, &bounds);
        axis_bounds(p, t.axis, t.coeff < 0, &bounds);
    } else {
        symbol_bounds(p, t.symbol, t.coeff < 0, &bounds);
    }
    for (uint32_t i = 0; i < bounds.n; i++) {
        if (try_bound(p, form, at, &bounds.forms[i])) {
            return true;
        }
    }
    return try_both(p, form, at) || try_last_quotient(p, form, at) || try_quotient(p, form, at) || try_facts(p, form);
}

bool tg_prove_nonneg(tg_arena *arena, const tg_facts *facts, const tg_affine *form) {
    prover p = {.arena = arena, .facts = facts, .steps = STEPS};
    return prove(&p, form);
}

/* The extent of dimension d as a form: a dim operation, whatever operation computes it. */
static bool extent_form(tg_arena *arena, const tg_value *tensor, uint32_t d, tg_affine *out) {
    const tg_op *def = tensor->def;
    if (def && def->opcode == TG_OP_TEMP) {
        return tg_affine_with_opaque(arena, tg_operand(def, d), out);
    }
    if (def && def->opcode == TG_OP_TENSOR) {
        return tg_affine_with_opaque(arena, tg_operand(def, 1 + d), out);
    }
    for (const tg_use *use = tensor->uses; use; use = use->next) {
        const tg_op *op = use->user;
        if (op->opcode == TG_OP_DIM && tg_op_int(op, TG_ATTR_D, -1) == (int64_t)d) {
            tg_affine_init(out, arena, 0);
            return tg_affine_add_term(out, 1, tg_result(op, 0), NULL);
        }
    }
    return false;
}

bool tg_prove_in_bounds(tg_arena *arena, const tg_facts *facts, const tg_value *index,
                        const tg_value *tensor, uint32_t d) {
    tg_affine at, room, extent;
    if (!tg_affine_with_opaque(arena, index, &at) || !extent_form(arena, tensor, d, &extent) ||
        !tg_affine_sub(arena, &extent, &at, &room)) {
        return false;
    }
    room.constant -= 1;
    return tg_prove_nonneg(arena, facts, &at) && tg_prove_nonneg(arena, facts, &room);
}

/* ---- facts ------------------------------------------------------------------------------ */

static void add_fact(tg_facts *facts, const tg_value *big, const tg_value *small,
                     int64_t minus) {
    tg_affine x, y, form;
    if (facts->nonneg.len < MAX_FACTS && tg_affine_of(facts->arena, big, &x) &&
        tg_affine_of(facts->arena, small, &y) && tg_affine_sub(facts->arena, &x, &y, &form)) {
        form.constant -= minus;
        tg_vec_push(facts->arena, &facts->nonneg, form);
    }
}

static void assume_value(tg_facts *facts, const tg_value *v, uint32_t depth) {
    const tg_op *op = v->def;
    if (!op || depth > 8) {
        return;
    }
    if (op->opcode == TG_OP_AND) {
        assume_value(facts, tg_operand(op, 0), depth + 1);
        assume_value(facts, tg_operand(op, 1), depth + 1);
    }
    if (op->opcode != TG_OP_CMP) {
        return;
    }
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_NE);
    const tg_value *x = tg_operand(op, 0), *y = tg_operand(op, 1);
    int64_t zero;
    bool divides = pred == TG_EQ && x->def && x->def->opcode == TG_OP_REM &&
                   tg_value_const_int(y, &zero) && zero == 0;
    if (divides) {
        tg_multiple m = {tg_operand(x->def, 0), tg_operand(x->def, 1)};
        tg_vec_push(facts->arena, &facts->multiples, m);
    }
    if (pred == TG_GE || pred == TG_GT || pred == TG_EQ) {
        add_fact(facts, x, y, pred == TG_GT);
    }
    if (pred == TG_LE || pred == TG_LT || pred == TG_EQ) {
        add_fact(facts, y, x, pred == TG_LT);
    }
}

void tg_facts_gather(tg_facts *facts, tg_func *f, tg_arena *arena) {
    *facts = (tg_facts){.arena = arena};
    for (const tg_op *op = f->body.body.first; op; op = op->next) {
        if (op->opcode == TG_OP_ASSUME) {
            assume_value(facts, tg_operand(op, 0), 0);
        }
    }
}

/* ---- ranges ----------------------------------------------------------------------------- */

/* Replaces atoms by bounds until the form is a constant or one symbol plus a constant. First
 * bound each time. */
static tg_bound bound_of(prover *p, tg_affine form, bool upper) {
    tg_bound out = {.known = false};
    while (p->steps > 0) {
        p->steps--;
        bool simple =
            form.terms.len == 1 && form.terms.data[0].coeff == 1 && !form.terms.data[0].axis;
        bool opaque = simple && form.terms.data[0].symbol->type->n_axes;
        if (form.terms.len == 0 || (simple && !opaque)) {
            out.known = true;
            out.symbol = simple ? form.terms.data[0].symbol : NULL;
            out.constant = form.constant;
        }
        if (form.terms.len == 0) {
            return out;
        }
        uint32_t at = 0;
        for (uint32_t i = 1; i < form.terms.len; i++) {
            at =
                elimination_order(&form.terms.data[i]) < elimination_order(&form.terms.data[at])
                    ? i
                    : at;
        }
        const tg_affine_term t = form.terms.data[at];
        bound_list bounds = {.n = 0};
        bool high = (t.coeff > 0) == upper;
        if (t.axis && !t.symbol) {
            axis_bounds(p, t.axis, high, &bounds);
        } else if (!t.axis) {
            symbol_bounds(p, t.symbol, high, &bounds);
        }
        if (bounds.n == 0) {
            return out;
        }
        form.terms.data[at] = form.terms.data[--form.terms.len];
        if (!tg_affine_add(&form, &bounds.forms[0], t.coeff)) {
            return out;
        }
    }
    return out;
}

static bool range_within(prover *p, const tg_value *v, tg_range *out) {
    tg_affine low, high;
    *out = (tg_range){{.known = false}, {.known = false}};
    if (!tg_affine_with_opaque(p->arena, v, &low)) {
        return false;
    }
    tg_affine_copy(p->arena, &low, &high);
    out->lo = bound_of(p, low, false);
    out->hi = bound_of(p, high, true);
    return out->lo.known || out->hi.known;
}

bool tg_range_of(tg_arena *arena, const tg_value *v, tg_range *out) {
    prover p = {.arena = arena, .steps = STEPS};
    return range_within(&p, v, out);
}
