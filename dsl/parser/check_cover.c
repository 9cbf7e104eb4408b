/* Do the stores to an `out` tensor reach every element of it (W0805)?
 *
 * A proof by counting. A store writes each element from at most one point (E0402 has been checked); if it also stays inside the
 * tensor, it reaches as many elements as there are points. Stores that never meet add up, and the sum is compared with the
 * number of elements of the shape:
 *
 *   Y[i, h] = …; Y[i, h + D / 2] = …        h in D / 2, D % 2 == 0:     M · D/2 + M · D/2  >=  M · D
 *
 * Only stores that always happen count. Of two that agree but for one condition and its opposite one does; a condition
 * that is the same for the whole launch is tried both ways. A binder that the index does not name must not be empty:
 * `for (k in K) Y[m] = …` stores nothing where K is 0.
 *
 * Blocks of four that make a whole result reach beyond it: `Y[4 * i + r]`, i in ceil_div(P, 4), r in 4. Nothing in the proof
 * needs the tensor itself; any box that holds it and all stores will do. If the shape fails, the box of the stores is tried. */
#include "dsl/parser/check_form.h"

enum { MAX_CONDITIONS = 8, MAX_DECISIONS = 6, MAX_COUNTED = 24 };

typedef enum gap_kind {
    GAP_NONE,
    GAP_CONDITION,
    GAP_LOOP,
    GAP_EMPTY,
    GAP_DOMAIN,
    GAP_INDEX
} gap_kind;

/* a < b, a == b (b - a in `form`), or any bool value; `holds`: it or its opposite */
typedef struct condition {
    enum { COND_LESS, COND_EQUAL, COND_VALUE } kind;
    tg_form form;
    bool holds, uniform;
} condition;

typedef struct store {
    const tg_op *op;
    tg_form *index;
    uint32_t n;
    tg_form count; /* points, which all lie inside the tensor */
    condition conditions[MAX_CONDITIONS];
    uint32_t n_conditions;
} store;

typedef TG_VEC(store) stores;

typedef struct cover {
    tg_check *c;
    const tg_value *tensor;
    stores list;
    gap_kind gap; /* why a store does not count */
    uint32_t gap_var;
    tg_span gap_span;
    uint32_t n_stores;
    bool filled;
    tg_form dims[8]; /* of the box that is counted: the tensor's shape, or a larger one */
} cover;

static tg_op *parent_of(const tg_op *op) {
    return op->parent ? op->parent->parent->parent : NULL;
}

static bool note_gap(cover *v, const store *s, gap_kind gap, uint32_t var) {
    v->gap = gap;
    v->gap_var = var;
    v->gap_span = s->op->span;
    return false;
}

static bool is_uniform(const tg_check *c, tg_form f) {
    tg_vars deps = tg_vars_new(c);
    tg_form_deps(c, f, deps);
    return tg_vars_within(c, deps, tg_vars_new(c));
}

static bool proved_nonneg(tg_check *c, tg_form f, int64_t offset) {
    tg_form lo;
    return tg_form_add(c, f, tg_form_int(c, 1), offset, &f) &&
           tg_form_bound(c, f, NULL, false, &lo) && tg_form_nonneg(c, lo);
}

/* ---- domains ------------------------------------------------------------------------------------------------------ */

static bool block_of_axis(const tg_check *c, const tg_check_domain *d, tg_form span,
                          const tg_axis **out) {
    uint32_t first, size;
    if (!tg_form_single_atom(d->from, &first) || !tg_form_single_atom(span, &size)) {
        return false;
    }
    const tg_atom *x = &c->atoms.data[first], *y = &c->atoms.data[size];
    *out = x->axis;
    return x->kind == TG_ATOM_FIRST && y->kind == TG_ATOM_SIZE && x->axis == y->axis;
}

/* The number of values of a variable, or something negative if it has none. An axis over a block has as many as there are in all the blocks together:
 * *whole is the variable of the blocked axis then. */
static bool count_of(tg_check *c, uint32_t var, tg_form *out, uint32_t *whole) {
    const tg_axis *a = c->vars.data[var].axis;
    tg_check_domain d;
    *whole = var;
    if (a && a->like) {
        var = c->index_var[tg_check_root(a)->rank];
        *whole = tg_check_root(a)->kind == TG_AXIS_LOCAL ? *whole : var;
    }
    if (!tg_check_domain_of(c, var, &d) ||
        !tg_form_add(c, d.has_until ? d.until : d.extent, d.from, -1, out)) {
        return false;
    }
    if (block_of_axis(c, &d, *out, &a)) {
        *whole = c->index_var[a->rank];
        return tg_check_domain_of(c, *whole, &d) && !d.has_from && !d.has_until &&
               is_uniform(c, *out = d.extent);
    }
    tg_form beyond;
    bool inside = (!d.has_from || tg_form_nonneg(c, d.from)) &&
                  (!d.has_until || (tg_form_add(c, d.extent, d.until, -1, &beyond) &&
                                    tg_form_nonneg(c, beyond)));
    int64_t step = tg_op_int(c->vars.data[var].binder, TG_ATTR_STEP, 1);
    if (step > 1) {
        tg_form by = tg_form_int(c, step);
        if (!d.has_from && !d.has_until && tg_form_known_rem(c, *out, by).n == 0) {
            return is_uniform(c, *out = tg_form_div(c, *out, by));
        }
        return inside && tg_form_add(c, *out, tg_form_int(c, step - 1), 1, out) &&
               is_uniform(c, *out = tg_form_div(c, *out, tg_form_int(c, step)));
    }
    return inside && is_uniform(c, *out);
}

static bool never_empty(tg_check *c, uint32_t var) {
    tg_form n;
    uint32_t whole;
    return count_of(c, var, &n, &whole) && proved_nonneg(c, n, -1);
}

/* ---- conditions ----------------------------------------------------------------------------------------------------- */

static bool push_condition(store *s, condition x) {
    if (s->n_conditions == MAX_CONDITIONS) {
        return false;
    }
    s->conditions[s->n_conditions++] = x;
    return true;
}

static bool compare(tg_check *c, const tg_op *op, bool holds, condition *out) {
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_EQ);
    tg_form x = tg_check_form(c, tg_operand(op, 0)), y = tg_check_form(c, tg_operand(op, 1));
    bool swap = pred == TG_GT || pred == TG_LE, equal = pred == TG_EQ || pred == TG_NE;
    out->kind = equal ? COND_EQUAL : COND_LESS; /* x <= y is not y < x */
    out->holds = holds == (pred != TG_NE && pred != TG_LE && pred != TG_GE);
    return tg_form_add(c, swap ? x : y, swap ? y : x, -1, &out->form);
}

static bool add_condition(cover *v, store *s, const tg_value *value, bool holds) {
    tg_check *c = v->c;
    const tg_op *op = value->def;
    condition x = {.kind = COND_VALUE, .holds = holds};
    if (op && (op->opcode == TG_OP_NOT || op->opcode == TG_OP_BROADCAST)) {
        return add_condition(v, s, tg_operand(op, 0), holds == (op->opcode != TG_OP_NOT));
    }
    if (op && op->opcode == (holds ? TG_OP_AND : TG_OP_OR)) {
        return add_condition(v, s, tg_operand(op, 0), holds) &&
               add_condition(v, s, tg_operand(op, 1), holds);
    }
    bool integers =
        op && op->opcode == TG_OP_CMP && tg_dtype_is_int(tg_operand(op, 0)->type->dtype);
    if (!integers || !compare(c, op, holds, &x)) {
        x = (condition){.kind = COND_VALUE, .form = tg_check_form(c, value), .holds = holds};
    }
    tg_form opposite;
    bool certain = x.kind == COND_LESS &&
                   (x.holds ? proved_nonneg(c, x.form, -1)
                            : tg_form_add(c, tg_form_int(c, 0), x.form, -1, &opposite) &&
                                  proved_nonneg(c, opposite, 0));
    x.uniform = is_uniform(c, x.form);
    return certain || push_condition(s, x);
}

/* `j.first == 0`, `z == 0`: the variable of which the condition picks one value; UINT32_MAX if it is none. */
static uint32_t picked_variable(const tg_check *c, const condition *x) {
    uint32_t at;
    tg_form f = x->form, minus;
    bool equal = x->kind == COND_EQUAL && x->holds;
    if (!equal || !tg_form_add(c, tg_form_int(c, 0), f, -1, &minus) ||
        (!tg_form_single_atom(f, &at) && !tg_form_single_atom(minus, &at))) {
        return UINT32_MAX;
    }
    const tg_atom *a = &c->atoms.data[at];
    bool axis =
        a->kind == TG_ATOM_FIRST || a->kind == TG_ATOM_BLOCK || a->kind == TG_ATOM_INDEX;
    if (axis) {
        return c->index_var[tg_check_root(a->axis)->rank];
    }
    uintptr_t each =
        a->kind == TG_ATOM_EACH ? (uintptr_t)tg_map_get(c->each_vars, a->value) : 0;
    return each ? (uint32_t)each - 1 : UINT32_MAX;
}

/* Conditions that pick one value of a variable go; the variables are marked. */
static bool drop_picks(cover *v, store *s, tg_vars picked) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_conditions; i++) {
        uint32_t var = picked_variable(v->c, &s->conditions[i]);
        tg_check_domain d;
        if (var == UINT32_MAX) {
            s->conditions[kept++] = s->conditions[i];
        } else if (!tg_check_domain_of(v->c, var, &d) || d.has_from) {
            return note_gap(v, s, GAP_CONDITION, var);
        } else {
            tg_vars_add(picked, var);
        }
    }
    s->n_conditions = kept;
    return true;
}

/* Conditions and binders around the store. */
static bool climb(cover *v, store *s, uint32_t *vars, uint32_t *n) {
    const tg_op *inner = s->op;
    if (tg_op_guard(s->op) && !add_condition(v, s, tg_op_guard(s->op), true)) {
        return note_gap(v, s, GAP_CONDITION, 0);
    }
    for (const tg_op *op = parent_of(s->op); op; inner = op, op = parent_of(op)) {
        if (op->opcode == TG_OP_IF) {
            bool first = inner->parent == &op->regions[0].body;
            if (!add_condition(v, s, tg_operand(op, 0), first)) {
                return note_gap(v, s, GAP_CONDITION, 0);
            }
        } else if (op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR) {
            const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
            uintptr_t each =
                a ? 0 : (uintptr_t)tg_map_get(v->c->each_vars, op->regions[0].body.args[0]);
            if (*n == MAX_COUNTED || (!a && !each)) {
                return note_gap(v, s, GAP_LOOP, 0);
            }
            vars[(*n)++] = a ? v->c->index_var[a->rank] : (uint32_t)each - 1;
        } else if (op->opcode == TG_OP_WHILE) {
            return note_gap(v, s, GAP_LOOP, 0);
        }
    }
    return true;
}

/* ---- one store -------------------------------------------------------------------------------------------------------- */

static bool add_index_axes(const cover *v, const store *s, uint32_t *vars, uint32_t *n) {
    for (uint32_t d = 0; d < s->n; d++) {
        const tg_type *t = tg_op_index(s->op, d)->type;
        for (uint32_t i = 0; i < t->n_axes; i++) {
            uint32_t var = v->c->index_var[t->axes[i]->rank], k = 0;
            while (k < *n && vars[k] != var) {
                k++;
            }
            if (k == MAX_COUNTED) {
                return false;
            }
            vars[k] = var;
            *n = k == *n ? k + 1 : *n;
        }
    }
    return true;
}

/* The variable v if coordinate d is v plus or minus something fixed, takes every value of the dimension, and no
 * other coordinate names v; else UINT32_MAX. Such a coordinate may leave the tensor. */
static uint32_t sweeps(tg_check *c, const store *s, uint32_t d, tg_form dim) {
    tg_vars deps = tg_vars_new(c);
    uint32_t var = UINT32_MAX;
    for (uint32_t i = 0; i < s->index[d].n; i++) {
        const tg_form_term *t = &s->index[d].terms[i];
        const tg_atom *a = t->n ? &c->atoms.data[t->atoms[0]] : NULL;
        bool variable = a && (a->kind == TG_ATOM_INDEX || a->kind == TG_ATOM_EACH);
        if (variable &&
            (t->n > 1 || var != UINT32_MAX || (t->factor != 1 && t->factor != -1))) {
            return UINT32_MAX;
        }
        if (variable) {
            var = a->kind == TG_ATOM_INDEX
                      ? c->index_var[tg_check_root(a->axis)->rank]
                      : (uint32_t)(uintptr_t)tg_map_get(c->each_vars, a->value) - 1;
        } else {
            tg_form_deps(c, (tg_form){1, t}, deps);
        }
    }
    for (uint32_t e = 0; e < s->n; e++) {
        if (e != d) {
            tg_form_deps(c, s->index[e], deps);
        }
    }
    tg_form lo, hi, last;
    bool all = var != UINT32_MAX && !tg_vars_has(deps, var) && !c->vars.data[var].is_block &&
               tg_form_bound(c, s->index[d], NULL, false, &lo) &&
               tg_form_bound(c, s->index[d], NULL, true, &hi) &&
               tg_form_add(c, tg_form_int(c, 0), lo, -1, &lo) && tg_form_nonneg(c, lo) &&
               tg_form_add(c, hi, dim, -1, &last) && proved_nonneg(c, last, 1);
    return all && tg_op_int(c->vars.data[var].binder, TG_ATTR_STEP, 1) == 1 ? var : UINT32_MAX;
}

/* Multiplies s->count by the values of the variables that the index determines. */
static bool count_points(cover *v, store *s, const uint32_t *vars, uint32_t n, tg_vars picked,
                         tg_vars swept) {
    tg_check *c = v->c;
    tg_forms coordinates = {0};
    tg_vars known = tg_vars_new(c), counted = tg_vars_new(c);
    for (uint32_t d = 0; d < s->n; d++) {
        tg_vec_push(c->arena, &coordinates, s->index[d]);
    }
    tg_check_solve(c, &coordinates, known);
    bool unsure = false;
    for (uint32_t i = 0; i < n; i++) {
        tg_form count;
        uint32_t var = vars[i], whole,
                 block = c->vars.data[var].axis ? c->block_var[c->vars.data[var].axis->rank]
                                                : UINT32_MAX;
        bool determined = tg_vars_has(known, var) && !tg_vars_has(picked, var);
        if (!determined) {
            bool by_block =
                block != UINT32_MAX && tg_vars_has(known, block) && !tg_vars_has(picked, var);
            if (!by_block && !never_empty(c, var)) {
                return note_gap(v, s, GAP_EMPTY, var);
            }
            continue;
        }
        if (tg_vars_has(swept, var)) {
            continue;
        }
        if (!count_of(c, var, &count, &whole)) {
            return note_gap(v, s, GAP_DOMAIN, var);
        }
        bool surely =
            tg_form_nonneg(c, count); /* of two negative counts the product would not be */
        if (tg_vars_has(counted, whole) || (!surely && unsure) ||
            !tg_form_mul(c, s->count, count, &s->count)) {
            return note_gap(v, s, GAP_INDEX, var);
        }
        unsure = unsure || !surely;
        tg_vars_add(counted, whole);
    }
    return true;
}

/* Y[p[i]] with `p < N`, and `p >= 0` where its type has a sign */
static bool bounded_by_fact(tg_check *c, tg_form f, tg_form dim) {
    uint32_t at;
    int64_t zero;
    tg_form bound;
    if (!tg_form_single_atom(f, &at) || c->atoms.data[at].kind != TG_ATOM_LOAD) {
        return false;
    }
    const tg_value *table = c->atoms.data[at].value;
    bool below = tg_check_has_fact(c, table, TG_SF_LESS, &bound) && tg_form_equal(bound, dim);
    return below && (tg_dtype_kind_of(table->type->dtype) == TG_KIND_UINT ||
                     (tg_check_has_fact(c, table, TG_SF_GREATER_EQUAL, &bound) &&
                      tg_form_constant(bound, &zero) && zero >= 0));
}

/* p / q < n where p < q · n: `where L % q == 0` says that q · (L / q) is L, and nothing of (L - 1) / q, the largest index of
 * Y[i % q, i / q] */
static bool quotient_within(tg_check *c, tg_form f, tg_form dim) {
    uint32_t at;
    tg_form product, less;
    if (!tg_form_single_atom(f, &at) || c->atoms.data[at].kind != TG_ATOM_DIV) {
        return false;
    }
    const tg_form *by = c->atoms.data[at].forms;
    return tg_form_add(c, by[1], tg_form_int(c, 1), -1, &less) && tg_form_nonneg(c, less) &&
           tg_form_mul(c, by[1], dim, &product) && tg_form_within(c, by[0], product);
}

/* Why the index is not known to stay inside: a variable may have a domain that says so. */
static bool explain_index(cover *v, const store *s, const uint32_t *vars, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_form count;
        uint32_t whole;
        if (!count_of(v->c, vars[i], &count, &whole)) {
            return note_gap(v, s, GAP_DOMAIN, vars[i]);
        }
    }
    return note_gap(v, s, s->n_conditions ? GAP_CONDITION : GAP_INDEX, 0);
}

static bool measure(cover *v, store *s) {
    tg_check *c = v->c;
    uint32_t vars[MAX_COUNTED], n = 0;
    tg_vars picked = tg_vars_new(c), swept = tg_vars_new(c);
    s->count = tg_form_int(c, 1);
    if (!climb(v, s, vars, &n) || !drop_picks(v, s, picked)) {
        return false;
    }
    if (!add_index_axes(v, s, vars, &n)) {
        return note_gap(v, s, GAP_INDEX, 0);
    }
    for (uint32_t d = 0; d < s->n; d++) {
        tg_form dim = v->dims[d];
        if (tg_form_within(c, s->index[d], dim) || quotient_within(c, s->index[d], dim) ||
            bounded_by_fact(c, s->index[d], dim)) {
            continue;
        }
        uint32_t var = sweeps(c, s, d, dim);
        if (var == UINT32_MAX || !tg_form_mul(c, s->count, dim, &s->count)) {
            return explain_index(v, s, vars, n);
        }
        tg_vars_add(swept, var);
    }
    return count_points(v, s, vars, n, picked, swept);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------------- */

static bool same_condition(const condition *x, const condition *y) {
    return x->kind == y->kind && tg_form_equal(x->form, y->form);
}

/* The one condition of x whose opposite y has, the rest being equal; -1 if it is not so. */
static int opposite_condition(const store *x, const store *y) {
    int found = -1;
    for (uint32_t i = 0; i < x->n_conditions; i++) {
        uint32_t k = 0;
        while (k < y->n_conditions && !same_condition(&x->conditions[i], &y->conditions[k])) {
            k++;
        }
        bool differs = k < y->n_conditions && x->conditions[i].holds != y->conditions[k].holds;
        if (k == y->n_conditions || (differs && found >= 0)) {
            return -1;
        }
        found = differs ? (int)i : found;
    }
    return x->n_conditions == y->n_conditions ? found : -1;
}

static bool same_map(tg_check *c, const store *x, const store *y) {
    for (uint32_t d = 0; d < x->n; d++) {
        if (!tg_form_agrees(c, x->index[d], y->index[d])) {
            return false;
        }
    }
    return tg_form_equal(x->count, y->count);
}

/* Joins pairs that differ in one condition and its opposite, as long as there are some. */
static void join_opposites(tg_check *c, stores *list) {
    for (uint32_t i = 0; i < list->len; i++) {
        for (uint32_t k = 0; k < list->len; k++) {
            store *x = &list->data[i];
            int at = k == i ? -1 : opposite_condition(x, &list->data[k]);
            if (at < 0 || !same_map(c, x, &list->data[k])) {
                continue;
            }
            x->conditions[at] = x->conditions[--x->n_conditions];
            list->data[k] = list->data[--list->len];
            i = UINT32_MAX; /* from the start: the joined one may have an opposite too */
            break;
        }
    }
}

/* Stores that always happen and never meet, taken in order: do they have as many points as the tensor has elements? */
static bool add_up(cover *v, const stores *list) {
    tg_check *c = v->c;
    tg_form sum = tg_form_int(c, 0), all = tg_form_int(c, 1);
    for (uint32_t d = 0; d < v->tensor->type->rank; d++) {
        if (!tg_form_mul(c, all, v->dims[d], &all)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < list->len; i++) {
        const store *x = &list->data[i];
        bool counts = x->n_conditions == 0;
        for (uint32_t k = 0; counts && k < i; k++) {
            const store *y = &list->data[k];
            counts = y->n_conditions > 0 || tg_forms_disjoint(c, x->index, y->index, x->n);
        }
        tg_form missing;
        bool alone = x->n_conditions == 0 && tg_form_add(c, x->count, all, -1, &missing) &&
                     tg_form_nonneg(c, missing);
        if (alone || (counts && !tg_form_add(c, sum, x->count, 1, &sum))) {
            return alone;
        }
        if (x->n_conditions) {
            note_gap(v, x, GAP_CONDITION, 0);
        }
    }
    tg_form missing;
    return tg_form_add(c, sum, all, -1, &missing) && tg_form_nonneg(c, missing);
}

static stores measured(cover *v) {
    stores out = {0};
    for (uint32_t i = 0; i < v->list.len; i++) {
        store s = v->list.data[i];
        if (measure(v, &s)) {
            tg_vec_push(v->c->arena, &out, s);
        }
    }
    return out;
}

static const condition *uniform_condition(const stores *list) {
    for (uint32_t i = 0; i < list->len; i++) {
        for (uint32_t k = 0; k < list->data[i].n_conditions; k++) {
            if (list->data[i].conditions[k].uniform) {
                return &list->data[i].conditions[k];
            }
        }
    }
    return NULL;
}

/* The stores that may happen if x has this value, without x. */
static stores decide(const cover *v, const stores *list, condition x, bool holds) {
    stores out = {0};
    for (uint32_t i = 0; i < list->len; i++) {
        store s = list->data[i];
        bool possible = true;
        uint32_t kept = 0;
        for (uint32_t k = 0; k < list->data[i].n_conditions; k++) {
            bool same = same_condition(&s.conditions[k], &x);
            possible = possible && (!same || s.conditions[k].holds == holds);
            if (!same) {
                s.conditions[kept++] = s.conditions[k];
            }
        }
        s.n_conditions = kept;
        if (possible) {
            tg_vec_push(v->c->arena, &out, s);
        }
    }
    return out;
}

static bool covered(cover *v, stores list, int decisions) {
    const condition *x = uniform_condition(&list);
    if (x && decisions < MAX_DECISIONS) {
        return covered(v, decide(v, &list, *x, true), decisions + 1) &&
               covered(v, decide(v, &list, *x, false), decisions + 1);
    }
    join_opposites(v->c, &list);
    return add_up(v, &list);
}

/* ---- boxes ---------------------------------------------------------------------------------------------------------------------- */

static void take_shape(cover *v) {
    for (uint32_t d = 0; d < v->tensor->type->rank; d++) {
        v->dims[d] = tg_check_dim(v->c, v->tensor, d);
    }
}

/* One more than the largest value of a coordinate that is never negative. */
static bool end_of(tg_check *c, tg_form index, tg_form *out) {
    tg_form lo;
    return tg_form_bound(c, index, NULL, false, &lo) && tg_form_nonneg(c, lo) &&
           tg_form_bound(c, index, NULL, true, out) &&
           tg_form_add(c, *out, tg_form_int(c, 1), 1, out);
}

/* Takes the ends of stores that are known to be no smaller than the shape. False if none is another. */
static bool grow_to_stores(cover *v) {
    bool grown = false;
    for (uint32_t i = 0; i < v->list.len; i++) {
        const store *s = &v->list.data[i];
        for (uint32_t d = 0; d < s->n; d++) {
            tg_form end, more;
            if (end_of(v->c, s->index[d], &end) && !tg_form_equal(end, v->dims[d]) &&
                tg_form_add(v->c, end, v->dims[d], -1, &more) && tg_form_nonneg(v->c, more)) {
                v->dims[d] = end;
                grown = true;
            }
        }
    }
    return grown;
}

/* ---- gathering ---------------------------------------------------------------------------------------------------------------- */

static void note_store(tg_op *op, void *user) {
    cover *v = user;
    tg_effect effect = tg_op_info_of(op->opcode)->effect;
    if ((effect != TG_EFF_WRITE && effect != TG_EFF_ATOMIC) || tg_operand(op, 0) != v->tensor) {
        return;
    }
    v->filled = v->filled || op->opcode == TG_OP_FILL;
    v->n_stores++;
    store s = {.op = op};
    if (op->opcode != TG_OP_STORE) {
        return;
    }
    s.n = tg_op_n_indices(op);
    s.index = TG_NEW_ARRAY(v->c->arena, tg_form, s.n);
    for (uint32_t d = 0; d < s.n; d++) {
        s.index[d] = tg_check_form(v->c, tg_op_index(op, d));
    }
    for (uint32_t d = 0; d < s.n; d++) {
        (void)tg_check_dim(v->c, v->tensor, d);
    }
    tg_vec_push(v->c->arena, &v->list, s);
}

static void note_written(tg_op *op, void *user) {
    tg_check *c = user;
    tg_effect effect = tg_op_info_of(op->opcode)->effect;
    if (effect == TG_EFF_WRITE || effect == TG_EFF_ATOMIC) {
        tg_map_set(c->written, tg_operand(op, 0), c);
    }
}

/* p == q · (p / q) + p % q, p / q <= p, and p % q < q for positive constants q, of launch-time quotients, as facts */
static void add_quotient_facts(tg_check *c) {
    for (uint32_t i = 0; i < c->atoms.len; i++) {
        tg_atom a = c->atoms.data[i];
        tg_form product, less, more;
        if (a.kind != TG_ATOM_DIV || !is_uniform(c, tg_form_atom(c, i)) ||
            !tg_form_mul(c, a.forms[1], tg_form_atom(c, i), &product) ||
            !tg_form_add(c, product, tg_form_known_rem(c, a.forms[0], a.forms[1]), 1, &product) ||
            !tg_form_add(c, product, a.forms[0], -1, &more) ||
            !tg_form_add(c, a.forms[0], product, -1, &less)) {
            continue;
        }
        tg_vec_push(c->arena, &c->facts, more);
        tg_vec_push(c->arena, &c->facts, less);
        int64_t q;
        if (tg_form_constant(a.forms[1], &q) && q > 0 &&
            tg_form_add(c, tg_form_int(c, q - 1), tg_form_rem(c, a.forms[0], a.forms[1]), -1,
                        &less)) {
            tg_vec_push(c->arena, &c->facts, less);
        }
        if (tg_form_nonneg(c, a.forms[0]) &&
            tg_form_add(c, a.forms[0], tg_form_atom(c, i), -1, &less)) {
            tg_vec_push(c->arena, &c->facts, less);
        }
    }
}

/* Constant dimensions that are still unknown are taken to be positive: every instance is checked again. */
static void add_const_facts(tg_check *c) {
    for (uint32_t i = 0; c->sig && i < c->sig->n_dims; i++) {
        tg_sig_instr dim = {.op = TG_SE_DIM, .imm = {.i = i}};
        tg_form f;
        if (c->sig->dims[i].is_const && tg_check_sig_form(c, &dim, 1, &f) &&
            tg_form_add(c, f, tg_form_int(c, 1), -1, &f)) {
            tg_vec_push(c->arena, &c->facts, f);
        }
    }
}

/* Where a dimension is 0 there is nothing to cover: none is. */
static void add_shape_facts(const cover *v) {
    tg_form f;
    for (uint32_t d = 0; d < v->tensor->type->rank; d++) {
        if (tg_form_add(v->c, v->dims[d], tg_form_int(v->c, 1), -1, &f)) {
            tg_vec_push(v->c->arena, &v->c->facts, f);
        }
    }
}

static void add_facts(const cover *v) {
    add_const_facts(v->c);
    add_shape_facts(v);
    add_quotient_facts(v->c);
}

/* ---- reporting ------------------------------------------------------------------------------------------------------------------ */

/* Every store counts where it happens, and all of them together are not enough. */
static void note_sum(cover *v) {
    for (uint32_t i = 0; i < v->list.len && v->gap != GAP_CONDITION; i++) {
        const store *s = &v->list.data[i];
        if (v->gap == GAP_NONE || s->n_conditions) {
            note_gap(v, s, s->n_conditions ? GAP_CONDITION : GAP_INDEX, 0);
        }
    }
}

static void report(cover *v, const char *name) {
    tg_check *c = v->c;
    const tg_op *first = c->func->body.body.first;
    tg_span span = v->n_stores ? v->gap_span : first ? first->span : (tg_span){0};
    tg_diag *d = !v->n_stores
                     ? tg_report(c->diags, TG_W0805, span, "out %s is never stored", name)
                 : v->gap == GAP_CONDITION
                     ? tg_report(c->diags, TG_W0805, span,
                                 "elements of out %s are stored only where a condition holds; "
                                 "the others keep their old content",
                                 name)
                     : tg_report(c->diags, TG_W0805, span,
                                 "the stores to out %s may miss elements; these keep their old "
                                 "content",
                                 name);
    const char *var =
        v->gap == GAP_EMPTY || v->gap == GAP_DOMAIN ? tg_check_var_name(c, v->gap_var) : "";
    if (v->gap == GAP_LOOP) {
        tg_diag_set_label(c->diags, d, "in a loop that may not run");
    } else if (v->gap == GAP_EMPTY) {
        tg_diag_set_label(c->diags, d, "stores nothing where '%s' has no index", var);
    } else if (v->gap == GAP_DOMAIN) {
        tg_diag_set_label(c->diags, d,
                          "'%s' runs over a part of its extent that may not be all of it", var);
    } else if (v->gap == GAP_INDEX) {
        tg_diag_set_label(c->diags, d, "not proved to reach every element of the shape");
    }
    tg_diag_add_help(c->diags, d,
                     "give it an initial value, as in `out … %s[…] = 0`, or declare it `inout`",
                     name);
}

void tg_check_coverage(tg_check *c) {
    c->memo = tg_map_create(c->arena);
    c->written = tg_map_create(c->arena);
    tg_ir_walk(c->func, note_written, c);
    for (uint32_t i = 0; i < c->vars.len; i++) {
        tg_vars_add(c->every, i);
    }
    for (uint32_t i = 0; i < c->func->n_params; i++) {
        const tg_fparam *p = &c->func->params[i];
        cover v = {.c = c, .tensor = p->value};
        if (p->kind != TG_FP_OUT || !p->value) {
            continue;
        }
        tg_ir_walk(c->func, note_store, &v);
        uint32_t known_facts = c->facts.len;
        take_shape(&v);
        add_facts(&v);
        stores within = measured(&v);
        bool good = v.filled || covered(&v, within, 0);
        if (!good) {
            cover larger = v;
            c->facts.len = known_facts; /* bounds and counts have made quotients of their own */
            add_facts(&v);
            good = covered(&v, measured(&v), 0) || (grow_to_stores(&larger) && covered(&larger, measured(&larger), 0));
        }
        c->facts.len = known_facts;
        if (!good) {
            v.list = within;
            note_sum(&v);
            report(&v, p->name);
        }
    }
}
