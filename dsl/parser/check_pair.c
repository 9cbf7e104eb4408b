/* Two accesses to one tensor: do their coordinates agree, can they ever be equal? */
#include "base/integer.h"
#include "dsl/ir/affine.h"
#include "dsl/parser/check_form.h"

/* ---- equal up to the names of axes ------------------------------------------------------------------------------- */

static bool has_own_axis(const tg_check *c, tg_form f) {
    for (uint32_t i = 0; i < f.n; i++) {
        for (uint32_t k = 0; k < f.terms[i].n; k++) {
            const tg_atom *a = &c->atoms.data[f.terms[i].atoms[k]];
            if (a->kind == TG_ATOM_INDEX && tg_check_root(a->axis)->kind != TG_AXIS_GRID) {
                return true;
            }
        }
    }
    return false;
}

/* y with axes of its own replaced by axes of x that have the same domain and do not occur in y. */
static tg_form rename_axes(tg_check *c, tg_form x, tg_form y) {
    for (uint32_t i = 0; i < y.n; i++) {
        for (uint32_t k = 0; k < y.terms[i].n; k++) {
            const tg_atom *b = &c->atoms.data[y.terms[i].atoms[k]];
            if (b->kind != TG_ATOM_INDEX || tg_check_root(b->axis)->kind == TG_AXIS_GRID) {
                continue;
            }
            for (uint32_t j = 0; j < x.n; j++) {
                tg_check_domain p, q;
                uint32_t other = x.terms[j].n ? x.terms[j].atoms[x.terms[j].n - 1] : UINT32_MAX;
                const tg_atom *a = other != UINT32_MAX ? &c->atoms.data[other] : b;
                bool candidate =
                    a != b && a->kind == TG_ATOM_INDEX &&
                    tg_check_root(a->axis)->kind != TG_AXIS_GRID &&
                    x.terms[j].factor == y.terms[i].factor && x.terms[j].n == y.terms[i].n &&
                    tg_check_domain_of(c, c->index_var[a->axis->rank], &p) &&
                    tg_check_domain_of(c, c->index_var[b->axis->rank], &q) &&
                    tg_form_equal(p.extent, q.extent) && tg_form_equal(p.from, q.from) &&
                    tg_form_equal(p.until, q.until);
                tg_form rest = tg_form_monomial(c, &y.terms[i], y.terms[i].atoms[k]), fresh,
                        old = {1, &y.terms[i]}, out;
                if (candidate && tg_form_mul(c, rest, tg_form_atom(c, other), &fresh) &&
                    tg_form_add(c, y, old, -1, &out) && tg_form_add(c, out, fresh, 1, &out) &&
                    tg_form_equal(out, x)) {
                    return out;
                }
            }
        }
    }
    return y;
}

bool tg_form_agrees(tg_check *c, tg_form x, tg_form y) {
    return tg_form_equal(x, y) ||
           (has_own_axis(c, y) && tg_form_equal(x, rename_axes(c, x, y)));
}

/* ---- never equal ---------------------------------------------------------------------------------------------------- */

static bool below(tg_check *c, tg_form x, tg_form y) {
    tg_form hi, lo, gap;
    return tg_form_bound(c, x, NULL, true, &hi) && tg_form_bound(c, y, NULL, false, &lo) &&
           tg_form_add(c, lo, hi, -1, &gap) &&
           tg_form_add(c, gap, tg_form_int(c, 1), -1, &gap) && tg_form_nonneg(c, gap);
}

/* Has it one value while a phase runs? */
static bool is_launch_term(const tg_check *c, const tg_form_term *t) {
    bool all = true;
    for (uint32_t i = 0; i < t->n; i++) {
        const tg_atom *a = &c->atoms.data[t->atoms[i]];
        bool simple = a->kind == TG_ATOM_LAUNCH || a->kind == TG_ATOM_EACH || a->kind == TG_ATOM_DIV || a->kind == TG_ATOM_REM;
        all = all && simple && tg_vars_within(c, a->deps, c->launch);
    }
    return all;
}

static int64_t gcd_of_terms(const tg_check *c, tg_form f, int64_t g, bool launch_too) {
    for (uint32_t i = 0; i < f.n; i++) {
        if (f.terms[i].n && (launch_too || !is_launch_term(c, &f.terms[i]))) {
            g = tg_gcd(g, f.terms[i].factor);
        }
    }
    return g;
}

/* 2·i and 2·k + 1, or s % 2 and 1 - s % 2 with s of the launch: never equal, because the difference is no multiple of what the variables can change. */
static bool residues_differ(const tg_check *c, tg_form x, tg_form y) {
    tg_form d;
    if (!tg_form_add(c, x, y, -1, &d)) {
        return false;
    }
    int64_t g = gcd_of_terms(c, y, gcd_of_terms(c, x, 0, false), false), constant = 0;
    for (uint32_t i = 0; i < d.n; i++) {
        if (d.terms[i].n == 0) {
            constant = d.terms[i].factor;
        } else if (is_launch_term(c, &d.terms[i])) {
            g = tg_gcd(g, d.terms[i].factor);
        }
    }
    return g == 0 ? constant != 0 : constant % g != 0;
}

bool tg_forms_disjoint(tg_check *c, const tg_form *x, const tg_form *y, uint32_t n) {
    for (uint32_t d = 0; d < n; d++) {
        if (residues_differ(c, x[d], y[d]) || below(c, x[d], y[d]) || below(c, y[d], x[d])) {
            return true;
        }
    }
    return false;
}
