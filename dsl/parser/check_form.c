/* Polynomials over atoms: arithmetic, comparison, and a small prover of inequalities. */
#include "dsl/parser/check_form.h"

#include <string.h>

/* ---- sets ------------------------------------------------------------------------------------------------- */

tg_vars tg_vars_new(const tg_check *c) {
    return (tg_vars){TG_NEW_ARRAY(c->arena, uint64_t, c->n_words)};
}

void tg_vars_add(tg_vars s, uint32_t var) {
    s.bits[var / 64] |= UINT64_C(1) << var % 64;
}

void tg_vars_remove(tg_vars s, uint32_t var) {
    s.bits[var / 64] &= ~(UINT64_C(1) << var % 64);
}

bool tg_vars_has(tg_vars s, uint32_t var) {
    return s.bits[var / 64] >> var % 64 & 1;
}

void tg_vars_join(const tg_check *c, tg_vars s, tg_vars more) {
    for (uint32_t i = 0; i < c->n_words; i++) {
        s.bits[i] |= more.bits[i];
    }
}

bool tg_vars_within(const tg_check *c, tg_vars s, tg_vars in) {
    for (uint32_t i = 0; i < c->n_words; i++) {
        if (s.bits[i] & ~in.bits[i]) {
            return false;
        }
    }
    return true;
}

tg_vars tg_vars_copy(const tg_check *c, tg_vars s) {
    tg_vars out = tg_vars_new(c);
    tg_vars_join(c, out, s);
    return out;
}

/* ---- arithmetic --------------------------------------------------------------------------------------------- */

typedef struct builder {
    uint32_t n;
    tg_form_term terms[TG_FORM_TERMS];
} builder;

static int compare_atoms(const tg_form_term *x, const tg_form_term *y) {
    if (x->n != y->n) {
        return x->n < y->n ? -1 : 1;
    }
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->atoms[i] != y->atoms[i]) {
            return x->atoms[i] < y->atoms[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Keeps the terms sorted; a factor that becomes 0 is dropped. */
static bool add_term(builder *b, const tg_form_term *t) {
    uint32_t at = 0;
    while (at < b->n && compare_atoms(&b->terms[at], t) < 0) {
        at++;
    }
    if (at < b->n && compare_atoms(&b->terms[at], t) == 0) {
        if (__builtin_add_overflow(b->terms[at].factor, t->factor, &b->terms[at].factor)) {
            return false;
        }
        if (b->terms[at].factor == 0) {
            memmove(&b->terms[at], &b->terms[at + 1], sizeof *t * (b->n - at - 1));
            b->n--;
        }
        return true;
    }
    if (t->factor == 0) {
        return true;
    }
    if (b->n == TG_FORM_TERMS) {
        return false;
    }
    memmove(&b->terms[at + 1], &b->terms[at], sizeof *t * (b->n - at));
    b->terms[at] = *t;
    b->n++;
    return true;
}

static tg_form finish(const tg_check *c, const builder *b) {
    return (tg_form){b->n, TG_COPY_ARRAY(c->arena, tg_form_term, b->terms, b->n)};
}

tg_form tg_form_int(const tg_check *c, int64_t v) {
    builder b = {.n = 0};
    tg_form_term t = {.factor = v};
    add_term(&b, &t);
    return finish(c, &b);
}

tg_form tg_form_atom(const tg_check *c, uint32_t atom) {
    builder b = {.n = 1, .terms = {{.factor = 1, .n = 1, .atoms = {atom}}}};
    return finish(c, &b);
}

bool tg_form_add(const tg_check *c, tg_form f, tg_form g, int64_t scale, tg_form *out) {
    builder b = {.n = f.n};
    memcpy(b.terms, f.terms, sizeof *f.terms * f.n);
    for (uint32_t i = 0; i < g.n; i++) {
        tg_form_term t = g.terms[i];
        if (__builtin_mul_overflow(t.factor, scale, &t.factor) || !add_term(&b, &t)) {
            return false;
        }
    }
    *out = finish(c, &b);
    return true;
}

static bool multiply_terms(const tg_form_term *x, const tg_form_term *y, tg_form_term *out) {
    memset(out, 0, sizeof *out);
    if (x->n + y->n > TG_FORM_DEGREE ||
        __builtin_mul_overflow(x->factor, y->factor, &out->factor)) {
        return false;
    }
    uint32_t i = 0, j = 0;
    while (i < x->n || j < y->n) {
        bool left = j == y->n || (i < x->n && x->atoms[i] <= y->atoms[j]);
        out->atoms[out->n++] = left ? x->atoms[i++] : y->atoms[j++];
    }
    return true;
}

bool tg_form_mul(const tg_check *c, tg_form f, tg_form g, tg_form *out) {
    builder b = {.n = 0};
    for (uint32_t i = 0; i < f.n; i++) {
        for (uint32_t j = 0; j < g.n; j++) {
            tg_form_term t;
            if (!multiply_terms(&f.terms[i], &g.terms[j], &t) || !add_term(&b, &t)) {
                return false;
            }
        }
    }
    *out = finish(c, &b);
    return true;
}

bool tg_form_equal(tg_form f, tg_form g) {
    if (f.n != g.n) {
        return false;
    }
    for (uint32_t i = 0; i < f.n; i++) {
        if (f.terms[i].factor != g.terms[i].factor ||
            compare_atoms(&f.terms[i], &g.terms[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool tg_form_constant(tg_form f, int64_t *out) {
    *out = f.n ? f.terms[0].factor : 0;
    return f.n == 0 || (f.n == 1 && f.terms[0].n == 0);
}

bool tg_form_single_atom(tg_form f, uint32_t *atom) {
    *atom = f.n ? f.terms[0].atoms[0] : 0;
    return f.n == 1 && f.terms[0].n == 1 && f.terms[0].factor == 1;
}

/* The term without one occurrence of an atom. */
tg_form tg_form_monomial(const tg_check *c, const tg_form_term *t, uint32_t without) {
    builder b = {.n = 1};
    bool dropped = false;
    b.terms[0].factor = t->factor;
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->atoms[i] == without && !dropped) {
            dropped = true;
        } else {
            b.terms[0].atoms[b.terms[0].n++] = t->atoms[i];
        }
    }
    return finish(c, &b);
}

void tg_form_deps(const tg_check *c, tg_form f, tg_vars out) {
    for (uint32_t i = 0; i < f.n; i++) {
        for (uint32_t k = 0; k < f.terms[i].n; k++) {
            tg_vars_join(c, out, c->atoms.data[f.terms[i].atoms[k]].deps);
        }
    }
}

/* ---- atoms ---------------------------------------------------------------------------------------------------- */

static bool same_atom(const tg_atom *x, const tg_atom *y) {
    if (x->kind != y->kind || x->op != y->op || x->dtype != y->dtype || x->value != y->value ||
        x->axis != y->axis || x->n_forms != y->n_forms || x->dim != y->dim) {
        return false;
    }
    for (uint32_t i = 0; i < x->n_forms; i++) {
        if (!tg_form_equal(x->forms[i], y->forms[i])) {
            return false;
        }
    }
    return true;
}

uint32_t tg_atom_intern(tg_check *c, const tg_atom *a) {
    for (uint32_t i = 0; i < c->atoms.len; i++) {
        if (same_atom(&c->atoms.data[i], a)) {
            return i;
        }
    }
    tg_vec_push(c->arena, &c->atoms, *a);
    return c->atoms.len - 1;
}

/* ---- inequalities ----------------------------------------------------------------------------------------------- */

static bool plainly_nonneg(const tg_check *c, tg_form f) {
    for (uint32_t i = 0; i < f.n; i++) {
        const tg_form_term *t = &f.terms[i];
        for (uint32_t k = 0; k < t->n; k++) {
            bool square = k + 1 < t->n && t->atoms[k] == t->atoms[k + 1];
            if (square) {
                k++;
            } else if (!c->atoms.data[t->atoms[k]].nonneg) {
                return false;
            }
        }
        if (t->factor < 0) {
            return false;
        }
    }
    return true;
}

/* Is `t` of the atoms of a and b together? All are sorted. */
static bool is_of(const tg_form_term *t, const tg_form_term *a, const tg_form_term *b) {
    uint32_t i = 0, k = 0;
    bool same = t->n == a->n + b->n;
    while (same && i + k < t->n) {
        bool next = k == b->n || (i < a->n && a->atoms[i] <= b->atoms[k]);
        same = t->atoms[i + k] == (next ? a->atoms[i] : b->atoms[k]);
        *(next ? &i : &k) += 1;
    }
    return same;
}

/* May f minus the fact times `by` have no negative term? f has to have one of the same atoms for each that this takes away, and the fact takes all
 * that are negative. Most facts fail here, and products of forms take long. */
static bool may_end(tg_form f, tg_form fact, const tg_form_term *by) {
    uint32_t negative = 0;
    for (uint32_t i = 0; i < f.n; i++) {
        negative += f.terms[i].factor < 0;
    }
    for (uint32_t i = 0; i < fact.n; i++) {
        uint32_t k = 0;
        while (k < f.n && (f.terms[k].factor < 0 || !is_of(&f.terms[k], &fact.terms[i], by))) {
            k++;
        }
        if (fact.terms[i].factor > 0 && k == f.n) {
            return false;
        }
        negative -= fact.terms[i].factor < 0 && negative > 0;
    }
    return negative == 0;
}

/* f minus a nonnegative multiple of a fact, chosen so that a term t of it takes a negative term of f away:
 * negative = t · rest, with nonnegative atoms in rest. `last`: of use only if no negative term is left. */
static bool subtract_fact(tg_check *c, tg_form f, tg_form fact, const tg_form_term *t,
                          const tg_form_term *negative, bool last, tg_form *out) {
    if (t->factor >= 0 || t->n > negative->n || negative->factor % t->factor != 0) {
        return false;
    }
    tg_form_term rest = {.factor = negative->factor / t->factor};
    uint32_t k = 0;
    for (uint32_t j = 0; j < negative->n; j++) {
        if (k < t->n && t->atoms[k] == negative->atoms[j]) {
            k++;
        } else if (c->atoms.data[negative->atoms[j]].nonneg) {
            rest.atoms[rest.n++] = negative->atoms[j];
        } else {
            return false;
        }
    }
    tg_form multiple, scaled = {1, &rest};
    return k == t->n && (!last || may_end(f, fact, &rest)) && tg_form_mul(c, fact, scaled, &multiple) &&
           tg_form_add(c, f, multiple, -1, out);
}

static bool nonneg_by_facts(tg_check *c, tg_form f, int depth) {
    if (plainly_nonneg(c, f)) {
        return true;
    }
    uint32_t i = 0; /* the first negative term has to go, whatever becomes of the others */
    while (i < f.n && f.terms[i].factor >= 0) {
        i++;
    }
    for (uint32_t k = 0; depth > 0 && i < f.n && k < c->facts.len; k++) {
        tg_form fact = c->facts.data[k], rest;
        for (uint32_t t = 0; t < fact.n; t++) {
            if (subtract_fact(c, f, fact, &fact.terms[t], &f.terms[i], depth == 1, &rest) &&
                nonneg_by_facts(c, rest, depth - 1)) {
                return true;
            }
        }
    }
    return false;
}

bool tg_form_nonneg(tg_check *c, tg_form f) {
    return nonneg_by_facts(c, f, 3);
}

static int64_t magnitude(int64_t v) {
    return v < 0 ? (v == INT64_MIN ? INT64_MAX : -v) : v;
}

static bool negate(const tg_check *c, tg_form f, tg_form *out) {
    return tg_form_add(c, tg_form_int(c, 0), f, -1, out);
}

bool tg_form_covers(tg_check *c, tg_form f, tg_form g) {
    if (f.n == 1 && g.n == 1 && compare_atoms(&f.terms[0], &g.terms[0]) == 0) {
        return magnitude(f.terms[0].factor) >= magnitude(g.terms[0].factor);
    }
    tg_form fs[2] = {f}, gs[2] = {g}, rest;
    bool good = negate(c, f, &fs[1]) && negate(c, g, &gs[1]);
    for (int i = 0; good && i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            if (tg_form_nonneg(c, gs[k]) && tg_form_add(c, fs[i], gs[k], -1, &rest) &&
                tg_form_nonneg(c, rest)) {
                return true;
            }
        }
    }
    return false;
}
