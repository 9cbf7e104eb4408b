/* What the values of a set of coordinates determine: the rules (a) to (f) of language.md 7.3 as a closure.
 *
 * Known are variables (by their number) and single atoms (a quotient can be known before its dividend is). Each round
 * looks at every coordinate with the known parts taken as constants:
 *
 *   one unknown atom                    it becomes known                                            (a)
 *   several, factors a mixed radix      all become known                                            (b)
 *   x/q and x%q known                   x is a further coordinate                                   (c)
 *   a guard x == e                      is a coordinate like any other: the caller adds x - e       (d)
 *   perm[e] known, unique(perm)         e is a further coordinate                                   (e)
 *   y in off[g] … off[g + 1] known      g is a further coordinate                                   (f) */
#include "dsl/parser/check_form.h"

enum { MAX_UNKNOWN = 8 };

typedef struct solver {
    tg_check *c;
    tg_forms coordinates;
    tg_vars known; /* variables */
    bool *atoms;   /* known atoms; grows with c->atoms */
    uint32_t n_atoms;
    bool changed;
} solver;

typedef struct unknown {
    uint32_t atom;
    tg_form factor; /* over known atoms */
    tg_form extent; /* number of values; n = 0 and !bounded: unbounded */
    bool bounded;
} unknown;

static bool atom_known(solver *s, uint32_t atom) {
    return (atom < s->n_atoms && s->atoms[atom]) ||
           tg_vars_within(s->c, s->c->atoms.data[atom].deps, s->known);
}

static void add_coordinate(solver *s, tg_form f) {
    for (uint32_t i = 0; i < s->coordinates.len; i++) {
        if (tg_form_equal(s->coordinates.data[i], f)) {
            return;
        }
    }
    tg_vec_push(s->c->arena, &s->coordinates, f);
    s->changed = true;
}

/* ---- consequences ------------------------------------------------------------------------------------------------- */

/* lo = off[e], hi = off[e + 1], sorted(off): gives e. An interval of a sorted table tells which one it is. */
static bool table_interval(solver *s, tg_form lo, tg_form hi, tg_form *e) {
    uint32_t a, b;
    tg_form gap;
    int64_t one;
    if (!tg_form_single_atom(lo, &a) || !tg_form_single_atom(hi, &b)) {
        return false;
    }
    const tg_atom *x = &s->c->atoms.data[a], *y = &s->c->atoms.data[b];
    if (x->kind != TG_ATOM_LOAD || y->kind != TG_ATOM_LOAD || x->value != y->value ||
        x->n_forms != 1 || !tg_check_has_fact(s->c, x->value, TG_SF_SORTED, NULL)) {
        return false;
    }
    *e = x->forms[0];
    return tg_form_add(s->c, y->forms[0], x->forms[0], -1, &gap) &&
           tg_form_constant(gap, &one) && one == 1;
}

/* The index of a block belongs to one block only; an axis over a block (`axis u in i`, `each r in i`) too. */
static void know_index(solver *s, uint32_t var) {
    tg_check *c = s->c;
    const tg_var *v = &c->vars.data[var];
    if (v->axis && c->block_var[v->axis->rank] != UINT32_MAX) {
        tg_vars_add(s->known, c->block_var[v->axis->rank]);
    }
    tg_check_domain d;
    tg_form e, span;
    uint32_t first, size;
    if (!tg_check_domain_of(c, var, &d)) {
        return;
    }
    tg_form end = d.has_until ? d.until : d.extent;
    if (table_interval(s, d.from, end, &e)) {
        add_coordinate(s, e);
    }
    if (!tg_form_single_atom(d.from, &first) || !tg_form_add(c, end, d.from, -1, &span) ||
        !tg_form_single_atom(span, &size)) {
        return;
    }
    const tg_atom *x = &c->atoms.data[first], *y = &c->atoms.data[size];
    if (x->kind == TG_ATOM_FIRST && y->kind == TG_ATOM_SIZE && x->axis == y->axis) {
        tg_vars_add(s->known, c->block_var[x->axis->rank]);
    }
}

static void know_variable(solver *s, uint32_t var) {
    if (!tg_vars_has(s->known, var)) {
        tg_vars_add(s->known, var);
        s->changed = true;
        if (!s->c->vars.data[var].is_block) {
            know_index(s, var);
        }
    }
}

static void mark_atom(solver *s, uint32_t atom) {
    if (atom >= s->n_atoms) {
        bool *grown = TG_NEW_ARRAY(s->c->arena, bool, s->c->atoms.len + 64);
        for (uint32_t i = 0; i < s->n_atoms; i++) {
            grown[i] = s->atoms[i];
        }
        s->atoms = grown;
        s->n_atoms = s->c->atoms.len + 64;
    }
    if (!s->atoms[atom]) {
        s->atoms[atom] = true;
        s->changed = true;
    }
}

/* x/q and x%q: the other one may be known already. */
static void try_quotient(solver *s, const tg_atom *a) {
    tg_atom_kind other = a->kind == TG_ATOM_DIV ? TG_ATOM_REM : TG_ATOM_DIV;
    for (uint32_t i = 0; i < s->c->atoms.len; i++) {
        const tg_atom *b = &s->c->atoms.data[i];
        if (b->kind == other && tg_form_equal(a->forms[0], b->forms[0]) &&
            tg_form_equal(a->forms[1], b->forms[1]) && atom_known(s, i)) {
            add_coordinate(s, a->forms[0]);
            return;
        }
    }
}

static void know_atom(solver *s, uint32_t atom) {
    tg_check *c = s->c;
    tg_atom a = c->atoms.data[atom];
    mark_atom(s, atom);
    switch (a.kind) {
    case TG_ATOM_INDEX:
        know_variable(s, c->index_var[a.axis->rank]);
        break;
    case TG_ATOM_EACH:
        know_variable(s, (uint32_t)(uintptr_t)tg_map_get(c->each_vars, a.value) - 1);
        break;
    case TG_ATOM_FIRST:
    case TG_ATOM_BLOCK:
        if (c->block_var[a.axis->rank] != UINT32_MAX) {
            know_variable(s, c->block_var[a.axis->rank]);
        }
        break;
    case TG_ATOM_DIV:
    case TG_ATOM_REM:
        try_quotient(s, &a);
        break;
    case TG_ATOM_LOAD:
        if (a.n_forms == 1 && tg_check_has_fact(c, a.value, TG_SF_UNIQUE, NULL)) {
            add_coordinate(s, a.forms[0]);
        }
        break;
    case TG_ATOM_LAUNCH:
    case TG_ATOM_SIZE:
    case TG_ATOM_COUNT:
    case TG_ATOM_OP:
    case TG_ATOM_VALUE:
        break;
    }
}

/* ---- one coordinate ------------------------------------------------------------------------------------------------- */

/* Groups the unknown part of a form by atom; -1 if some term has two unknown atoms or there are too many. */
static int gather_unknowns(solver *s, tg_form f, unknown *out) {
    int n = 0;
    for (uint32_t i = 0; i < f.n; i++) {
        uint32_t atom = UINT32_MAX;
        for (uint32_t k = 0; k < f.terms[i].n; k++) {
            if (atom_known(s, f.terms[i].atoms[k])) {
                continue;
            }
            if (atom != UINT32_MAX) {
                return -1;
            }
            atom = f.terms[i].atoms[k];
        }
        if (atom == UINT32_MAX) {
            continue;
        }
        int at = 0;
        while (at < n && out[at].atom != atom) {
            at++;
        }
        if (at == MAX_UNKNOWN) {
            return -1;
        }
        tg_form part = tg_form_monomial(s->c, &f.terms[i], atom);
        if (at == n) {
            out[n++] = (unknown){.atom = atom, .factor = part};
        } else if (!tg_form_add(s->c, out[at].factor, part, 1, &out[at].factor)) {
            return -1;
        }
    }
    return n;
}

static bool variable_extent(solver *s, uint32_t var, tg_form *out) {
    tg_check_domain d;
    if (!tg_check_domain_of(s->c, var, &d)) {
        return false;
    }
    /* differences of two indices are below the extent, whatever `from` is; a known interval is tighter */
    *out = d.extent;
    tg_form span;
    bool both =
        d.has_from && tg_form_add(s->c, d.has_until ? d.until : d.extent, d.from, -1, &span);
    if (both && span.n == 1) {
        *out = span;
    }
    return true;
}

/* The number of values of an atom, as far as mixed radix needs it. */
static bool extent_of(solver *s, uint32_t atom, tg_form *out) {
    tg_check *c = s->c;
    tg_atom a = c->atoms.data[atom];
    switch (a.kind) {
    case TG_ATOM_INDEX:
        return variable_extent(s, c->index_var[tg_check_root(a.axis)->rank], out);
    case TG_ATOM_EACH:
        return variable_extent(s, (uint32_t)(uintptr_t)tg_map_get(c->each_vars, a.value) - 1,
                               out);
    case TG_ATOM_REM:
        *out = a.forms[1];
        return true;
    case TG_ATOM_DIV: { /* values lo … hi */
        tg_form lo, hi, p = a.forms[0];
        bool good =
            tg_form_bound(c, p, NULL, true, &hi) && tg_form_bound(c, p, NULL, false, &lo);
        hi = good ? tg_form_div(c, hi, a.forms[1]) : p;
        lo = good ? tg_form_div(c, lo, a.forms[1]) : p;
        return good && tg_form_add(c, hi, lo, -1, out) &&
               tg_form_add(c, *out, tg_form_int(c, 1), 1, out);
    }
    case TG_ATOM_BLOCK:
        return false;
    case TG_ATOM_LAUNCH:
    case TG_ATOM_FIRST:
    case TG_ATOM_SIZE:
    case TG_ATOM_COUNT:
    case TG_ATOM_LOAD:
    case TG_ATOM_OP:
    case TG_ATOM_VALUE:
        break;
    }
    return false;
}

/* |factor of next| >= |factor of low| · extent of low */
static bool steps_over(solver *s, const unknown *low, const unknown *next) {
    tg_form reach;
    return low->bounded && tg_form_mul(s->c, low->factor, low->extent, &reach) &&
           tg_form_covers(s->c, next->factor, reach);
}

/* An order of the digits from least to most significant, by search: there are few. */
static bool mixed_radix(solver *s, unknown *digits, int n, int placed) {
    if (placed >= n) {
        return true;
    }
    for (int i = placed; i < n && i < MAX_UNKNOWN; i++) {
        unknown swap = digits[placed];
        digits[placed] = digits[i];
        digits[i] = swap;
        bool fits = placed == 0 || steps_over(s, &digits[placed - 1], &digits[placed]);
        if (fits && mixed_radix(s, digits, n, placed + 1)) {
            return true;
        }
        swap = digits[placed];
        digits[placed] = digits[i];
        digits[i] = swap;
    }
    return false;
}

/* A factor that is not 0: a number, or launch-time values known to be at least 1. */
static bool factor_not_zero(solver *s, tg_form f) {
    int64_t v;
    tg_form less;
    if (tg_form_constant(f, &v)) {
        return v != 0;
    }
    if (tg_form_add(s->c, f, tg_form_int(s->c, 1), -1, &less) && tg_form_nonneg(s->c, less)) {
        return true;
    }
    return tg_form_add(s->c, tg_form_int(s->c, -1), f, -1, &less) && tg_form_nonneg(s->c, less);
}

/* Where the indices of a variable end, if they start at 0. */
static bool end_of(solver *s, uint32_t atom, tg_form *out) {
    tg_atom a = s->c->atoms.data[atom];
    tg_check_domain d;
    bool cut = a.kind == TG_ATOM_INDEX &&
               tg_check_domain_of(s->c, s->c->index_var[tg_check_root(a.axis)->rank], &d) &&
               d.has_until && !d.has_from;
    if (cut) {
        *out = d.until;
    }
    return cut || extent_of(s, atom, out);
}

/* off[g] + y with y in 0 … off[g + 1] - off[g]: position in a sorted table of intervals */
static bool table_position(solver *s, tg_form f, const unknown *u) {
    for (int i = 0; i < 2; i++) {
        const tg_atom *base = &s->c->atoms.data[u[i].atom];
        int64_t one;
        tg_form extent, end, e, lo = tg_form_atom(s->c, u[i].atom);
        bool unit = tg_form_constant(u[0].factor, &one) && one == 1 &&
                    tg_form_constant(u[1].factor, &one) && one == 1;
        if (unit && base->kind == TG_ATOM_LOAD && end_of(s, u[1 - i].atom, &extent) &&
            tg_form_add(s->c, lo, extent, 1, &end) && table_interval(s, lo, end, &e)) {
            add_coordinate(s, e);
            return true;
        }
    }
    (void)f;
    return false;
}

/* `each i in N step 4`: two indices differ by a multiple of the step. */
static bool scale_step(solver *s, unknown *u) {
    tg_check *c = s->c;
    const tg_atom *a = &c->atoms.data[u->atom];
    uintptr_t var = a->kind == TG_ATOM_EACH ? (uintptr_t)tg_map_get(c->each_vars, a->value) : 0;
    int64_t step = var ? tg_op_int(c->vars.data[var - 1].binder, TG_ATTR_STEP, 1) : 1;
    tg_form by = tg_form_int(c, step);
    if (step <= 1) {
        return true;
    }
    if (!tg_form_add(c, u->extent, tg_form_int(c, step - 1), 1, &u->extent)) {
        return false;
    }
    u->extent = tg_form_div(c, u->extent, by);
    return tg_form_mul(c, u->factor, by, &u->factor);
}

static void solve_coordinate(solver *s, tg_form f) {
    unknown u[MAX_UNKNOWN];
    int n = gather_unknowns(s, f, u);
    if (n <= 0) {
        return;
    }
    if (n == 1) {
        if (factor_not_zero(s, u[0].factor)) {
            know_atom(s, u[0].atom);
        }
        return;
    }
    if (n == 2 && table_position(s, f, u)) {
        return;
    }
    for (int i = 0; i < n; i++) {
        u[i].bounded = extent_of(s, u[i].atom, &u[i].extent) && scale_step(s, &u[i]);
    }
    if (mixed_radix(s, u, n, 0) && factor_not_zero(s, u[0].factor)) {
        for (int i = 0; i < n; i++) {
            know_atom(s, u[i].atom);
        }
    }
}

/* Variables with a single value are known from the start. */
static void know_units(solver *s) {
    for (uint32_t v = 0; v < s->c->vars.len; v++) {
        const tg_var *var = &s->c->vars.data[v];
        int64_t extent = -1;
        tg_check_domain d;
        bool one = var->axis && var->axis->extent == 1;
        if (!one && !var->is_block && tg_check_domain_of(s->c, v, &d)) {
            one = tg_form_constant(d.extent, &extent) && extent == 1;
        }
        if (one) {
            know_variable(s, v);
        }
    }
}

void tg_check_solve(tg_check *c, const tg_forms *coordinates, tg_vars known) {
    solver s = {.c = c, .known = known};
    for (uint32_t i = 0; i < coordinates->len; i++) {
        tg_vec_push(c->arena, &s.coordinates, coordinates->data[i]);
    }
    know_units(&s);
    do {
        s.changed = false;
        for (uint32_t i = 0; i < s.coordinates.len; i++) {
            solve_coordinate(&s, s.coordinates.data[i]);
        }
    } while (s.changed);
}
