/* How many elements one store reaches: the conditions around it, whether its index stays inside, and the values of the variables that the
 * index determines. See check_cover.c. */
#include "dsl/parser/check_cover.h"

enum { MAX_COUNTED = 24 };

static tg_op *parent_of(const tg_op *op) {
    return op->parent ? op->parent->parent->parent : NULL;
}

bool tg_cover_note_gap(cover *v, const store *s, gap_kind gap, uint32_t var) {
    v->gap = gap;
    v->gap_var = var;
    v->gap_span = s->op->span;
    return false;
}

bool tg_cover_is_uniform(const tg_check *c, tg_form f) {
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
               tg_cover_is_uniform(c, *out = d.extent);
    }
    tg_form beyond;
    bool inside = (!d.has_from || tg_form_nonneg(c, d.from)) &&
                  (!d.has_until || (tg_form_add(c, d.extent, d.until, -1, &beyond) &&
                                    tg_form_nonneg(c, beyond)));
    int64_t step = tg_op_int(c->vars.data[var].binder, TG_ATTR_STEP, 1);
    if (step > 1) {
        tg_form by = tg_form_int(c, step);
        if (!d.has_from && !d.has_until && tg_form_known_rem(c, *out, by).n == 0) {
            return tg_cover_is_uniform(c, *out = tg_form_div(c, *out, by));
        }
        return inside && tg_form_add(c, *out, tg_form_int(c, step - 1), 1, out) &&
               tg_cover_is_uniform(c, *out = tg_form_div(c, *out, tg_form_int(c, step)));
    }
    return inside && tg_cover_is_uniform(c, *out);
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
    x.uniform = tg_cover_is_uniform(c, x.form);
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
            return tg_cover_note_gap(v, s, GAP_CONDITION, var);
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
        return tg_cover_note_gap(v, s, GAP_CONDITION, 0);
    }
    for (const tg_op *op = parent_of(s->op); op; inner = op, op = parent_of(op)) {
        if (op->opcode == TG_OP_IF) {
            bool first = inner->parent == &op->regions[0].body;
            if (!add_condition(v, s, tg_operand(op, 0), first)) {
                return tg_cover_note_gap(v, s, GAP_CONDITION, 0);
            }
        } else if (op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR) {
            const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
            uintptr_t each =
                a ? 0 : (uintptr_t)tg_map_get(v->c->each_vars, op->regions[0].body.args[0]);
            if (*n == MAX_COUNTED || (!a && !each)) {
                return tg_cover_note_gap(v, s, GAP_LOOP, 0);
            }
            vars[(*n)++] = a ? v->c->index_var[a->rank] : (uint32_t)each - 1;
        } else if (op->opcode == TG_OP_WHILE) {
            return tg_cover_note_gap(v, s, GAP_LOOP, 0);
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
                return tg_cover_note_gap(v, s, GAP_EMPTY, var);
            }
            continue;
        }
        if (tg_vars_has(swept, var)) {
            continue;
        }
        if (!count_of(c, var, &count, &whole)) {
            return tg_cover_note_gap(v, s, GAP_DOMAIN, var);
        }
        bool surely =
            tg_form_nonneg(c, count); /* of two negative counts the product would not be */
        if (tg_vars_has(counted, whole) || (!surely && unsure) ||
            !tg_form_mul(c, s->count, count, &s->count)) {
            return tg_cover_note_gap(v, s, GAP_INDEX, var);
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
            return tg_cover_note_gap(v, s, GAP_DOMAIN, vars[i]);
        }
    }
    return tg_cover_note_gap(v, s, s->n_conditions ? GAP_CONDITION : GAP_INDEX, 0);
}

bool tg_cover_measure(cover *v, store *s) {
    tg_check *c = v->c;
    uint32_t vars[MAX_COUNTED], n = 0;
    tg_vars picked = tg_vars_new(c), swept = tg_vars_new(c);
    s->count = tg_form_int(c, 1);
    if (!climb(v, s, vars, &n) || !drop_picks(v, s, picked)) {
        return false;
    }
    if (!add_index_axes(v, s, vars, &n)) {
        return tg_cover_note_gap(v, s, GAP_INDEX, 0);
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
