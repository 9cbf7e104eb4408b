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
#include "dsl/parser/check_cover.h"

enum { MAX_DECISIONS = 6 };

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
            tg_cover_note_gap(v, x, GAP_CONDITION, 0);
        }
    }
    tg_form missing;
    return tg_form_add(c, sum, all, -1, &missing) && tg_form_nonneg(c, missing);
}

static stores measured(cover *v) {
    stores out = {0};
    for (uint32_t i = 0; i < v->list.len; i++) {
        store s = v->list.data[i];
        if (tg_cover_measure(v, &s)) {
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

/* Of the launch-time quotient that atom i is, p / q: p == q · (p / q) + p % q; where q is positive, p % q < q and p / q has no
 * other sign than p, which in ceil_div(n, q) is -n; p / q <= p where p is not negative. */
static void add_quotient_fact(tg_check *c, uint32_t i) {
    tg_atom a = c->atoms.data[i];
    tg_form product, less, more, below, quotient = tg_form_atom(c, i);
    if (!tg_form_mul(c, a.forms[1], quotient, &product) ||
        !tg_form_add(c, product, tg_form_known_rem(c, a.forms[0], a.forms[1]), 1, &product) ||
        !tg_form_add(c, product, a.forms[0], -1, &more) ||
        !tg_form_add(c, a.forms[0], product, -1, &less)) {
        return;
    }
    tg_vec_push(c->arena, &c->facts, more);
    tg_vec_push(c->arena, &c->facts, less);
    bool positive =
        tg_form_add(c, a.forms[1], tg_form_int(c, 1), -1, &below) && tg_form_nonneg(c, below);
    bool counts = tg_form_nonneg(c, a.forms[0]);
    if (positive && tg_form_add(c, below, tg_form_rem(c, a.forms[0], a.forms[1]), -1, &less)) {
        tg_vec_push(c->arena, &c->facts, less);
    }
    tg_form zero = tg_form_int(c, 0), opposite;
    if (positive && counts) {
        tg_vec_push(c->arena, &c->facts, quotient);
    } else if (positive && tg_form_add(c, zero, a.forms[0], -1, &opposite) &&
               tg_form_nonneg(c, opposite) && tg_form_add(c, zero, quotient, -1, &opposite)) {
        tg_vec_push(c->arena, &c->facts, opposite);
    }
    if (counts && tg_form_add(c, a.forms[0], quotient, -1, &less)) {
        tg_vec_push(c->arena, &c->facts, less);
    }
}

static void add_quotient_facts(tg_check *c) {
    for (uint32_t i = 0; i < c->atoms.len; i++) {
        if (c->atoms.data[i].kind == TG_ATOM_DIV &&
            tg_cover_is_uniform(c, tg_form_atom(c, i))) {
            add_quotient_fact(c, i);
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
            tg_cover_note_gap(v, s, s->n_conditions ? GAP_CONDITION : GAP_INDEX, 0);
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
