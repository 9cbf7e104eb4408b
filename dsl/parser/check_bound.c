/* Bounds of forms: variables are replaced by the ends of their domains, one after the other, until only launch-time
 * values (or variables that are to stay) are left. */
#include "dsl/parser/check_form.h"

enum { MAX_STEPS = 24, MAX_DEPTH = 4 };

static bool minus_one(const tg_check *c, tg_form f, tg_form *out) {
    return tg_form_add(c, f, tg_form_int(c, 1), -1, out);
}

static uint32_t attribute(tg_check *c, tg_atom_kind kind, const tg_axis *axis) {
    tg_atom a = {.kind = kind, .axis = axis, .nonneg = true, .deps = tg_vars_new(c)};
    tg_vars_add(a.deps, c->block_var[axis->rank]);
    return tg_atom_intern(c, &a);
}

/* first … first + size - 1 of the block of an axis */
static bool block_bound(tg_check *c, const tg_axis *axis, bool upper, tg_form *out) {
    tg_form first = tg_form_atom(c, attribute(c, TG_ATOM_FIRST, axis));
    if (!upper) {
        *out = first;
        return true;
    }
    tg_form size = tg_form_atom(c, attribute(c, TG_ATOM_SIZE, axis));
    return tg_form_add(c, first, size, 1, out) && minus_one(c, *out, out);
}

static bool is_fact(const tg_check *c, tg_form f) {
    uint32_t i = 0;
    while (i < c->facts.len && !tg_form_equal(c->facts.data[i], f)) {
        i++;
    }
    return i < c->facts.len;
}

tg_form tg_form_known_rem(tg_check *c, tg_form p, tg_form q) {
    tg_form rest = tg_form_rem(c, p, q), zero = tg_form_int(c, 0), minus;
    return is_fact(c, rest) && tg_form_add(c, zero, rest, -1, &minus) && is_fact(c, minus) ? zero : rest;
}

static bool domain_bound(tg_check *c, uint32_t var, bool upper, tg_form *out) {
    tg_check_domain d;
    if (!tg_check_domain_of(c, var, &d)) {
        return false;
    }
    if (!upper) {
        *out = d.has_from ? d.from : tg_form_int(c, 0);
        return true;
    }
    int64_t step = tg_op_int(c->vars.data[var].binder, TG_ATTR_STEP, 1);
    tg_form by = tg_form_int(c, step);
    if (step > 1 && !d.has_from && !d.has_until && tg_form_known_rem(c, d.extent, by).n == 0) {
        return tg_form_add(c, d.extent, by, -1, out);
    }
    return minus_one(c, d.has_until ? d.until : d.extent, out);
}

/* The operand of a min or max that serves: one that mentions a block, else the first. */
static tg_form choose_operand(const tg_check *c, const tg_atom *a) {
    for (uint32_t i = 0; i < a->n_forms; i++) {
        for (uint32_t t = 0; t < a->forms[i].n; t++) {
            const tg_form_term *term = &a->forms[i].terms[t];
            if (term->n && c->atoms.data[term->atoms[0]].kind == TG_ATOM_FIRST) {
                return a->forms[i];
            }
        }
    }
    return a->forms[0];
}

static bool quotient_bound(tg_check *c, const tg_atom *a, bool upper, tg_form *out) {
    tg_form less;
    if (!minus_one(c, a->forms[1], &less) || !tg_form_nonneg(c, less)) {
        return false; /* the divisor has to be positive */
    }
    if (a->kind == TG_ATOM_REM) {
        *out = upper ? less : tg_form_int(c, 0);
        return true;
    }
    tg_form end;
    if (!tg_form_bound(c, a->forms[0], NULL, upper, &end)) {
        return false;
    }
    *out = tg_form_div(c, end, a->forms[1]);
    return true;
}

/* A bound of one atom. */
static bool atom_bound(tg_check *c, uint32_t atom, bool upper, tg_form *out) {
    tg_atom a = c->atoms.data[atom];
    switch (a.kind) {
    case TG_ATOM_INDEX: {
        const tg_axis *root = tg_check_root(a.axis);
        if (c->by_block && root->kind != TG_AXIS_LOCAL) {
            return block_bound(c, root, upper, out);
        }
        return domain_bound(c, c->index_var[root->rank], upper, out);
    }
    case TG_ATOM_EACH: {
        uintptr_t var = (uintptr_t)tg_map_get(c->each_vars, a.value);
        return var && domain_bound(c, (uint32_t)var - 1, upper, out);
    }
    case TG_ATOM_DIV:
    case TG_ATOM_REM:
        return quotient_bound(c, &a, upper, out);
    case TG_ATOM_OP:
        if ((a.op == TG_OP_MIN && upper) || (a.op == TG_OP_MAX && !upper)) {
            *out = choose_operand(c, &a);
            return true;
        }
        break;
    case TG_ATOM_FIRST:
    case TG_ATOM_SIZE:
    case TG_ATOM_BLOCK:
    case TG_ATOM_COUNT:
    case TG_ATOM_LAUNCH:
    case TG_ATOM_LOAD:
    case TG_ATOM_VALUE:
        break;
    }
    if (!upper && a.nonneg) {
        *out = tg_form_int(c, 0);
        return true;
    }
    return false;
}

static bool has_deps(const tg_check *c, tg_vars s) {
    for (uint32_t i = 0; i < c->n_words; i++) {
        if (s.bits[i]) {
            return true;
        }
    }
    return false;
}

static bool stays(const tg_check *c, uint32_t atom, const tg_vars *keep) {
    const tg_atom *a = &c->atoms.data[atom];
    bool block = c->by_block && (a->kind == TG_ATOM_FIRST || a->kind == TG_ATOM_SIZE);
    bool choice = a->kind == TG_ATOM_OP && (a->op == TG_OP_MIN || a->op == TG_OP_MAX);
    return block || (!has_deps(c, a->deps) && !choice) ||
           (keep && tg_vars_within(c, a->deps, *keep));
}

/* Replaces one variable; false if none is left (*done) or it has no bound. */
static bool step(tg_check *c, tg_form *f, const tg_vars *keep, bool upper, bool *done) {
    *done = false;
    for (uint32_t i = 0; i < f->n; i++) {
        tg_form_term t = f->terms[i];
        for (uint32_t k = 0; k < t.n; k++) {
            if (stays(c, t.atoms[k], keep)) {
                continue;
            }
            tg_form rest = tg_form_monomial(c, &t, t.atoms[k]), old = {1, &f->terms[i]}, bound,
                    change;
            tg_form_term positive = rest.terms[0];
            positive.factor = 1;
            bool good = tg_form_nonneg(c, (tg_form){1, &positive}) &&
                        atom_bound(c, t.atoms[k], upper == (t.factor > 0), &bound) &&
                        tg_form_mul(c, rest, bound, &change) &&
                        tg_form_add(c, *f, old, -1, f) && tg_form_add(c, *f, change, 1, f);
            return good;
        }
    }
    *done = true;
    return false;
}

bool tg_form_bound(tg_check *c, tg_form f, const tg_vars *keep, bool upper, tg_form *out) {
    bool done = false;
    if (c->depth >= MAX_DEPTH) {
        return false;
    }
    c->depth++;
    for (int i = 0; i < MAX_STEPS && step(c, &f, keep, upper, &done); i++) {
    }
    c->depth--;
    *out = f;
    return done;
}

bool tg_form_within(tg_check *c, tg_form f, tg_form limit) {
    tg_form lo, hi, gap;
    return tg_form_bound(c, f, NULL, false, &lo) && tg_form_nonneg(c, lo) &&
           tg_form_bound(c, f, NULL, true, &hi) && tg_form_add(c, limit, hi, -1, &gap) &&
           minus_one(c, gap, &gap) && tg_form_nonneg(c, gap);
}
