/* The rules about memory within one phase (language.md 7.3 to 7.5), on the accesses of its body:
 *
 *   E0402  a store writes each element from at most one point        E0404  so does a partial assignment
 *   E0403  two stores to one tensor meet only within an instance     E0408  so do a read and a store
 *   E0409, E0410  atomics
 *
 * Injectivity is asked in two steps. Between instances: the index must determine every grid variable, with loop
 * variables unknown, because iterations of different instances are not ordered. Within an instance: it must determine
 * the tile axes, with everything else known, because iterations of one instance are ordered. */
#include "dsl/parser/check_form.h"

#include <string.h>

typedef struct access {
    const tg_op *op;
    const tg_value *tensor;
    tg_form *index;
    uint32_t n;
    tg_forms guards; /* forms that are 0 where the access happens */
    bool reported;
} access;

typedef struct walk {
    tg_check *c;
    TG_VEC(access) stores, loads, atomics;
    TG_VEC(const tg_op *) updates; /* REINDEX_SET */
    tg_forms guards;
    tg_vars grid; /* what tells the instances apart */
    tg_forms scratch;
    tg_forms last; /* the coordinates that same_instance asked about last, and the answer */
    bool last_answer, asked;
} walk;

/* ---- guards --------------------------------------------------------------------------------------------------------- */

/* Adds the equations that a condition implies; `holds`: the condition or its negation. */
static void add_guards(tg_check *c, const tg_value *v, bool holds, tg_forms *out) {
    const tg_op *op = v->def;
    if (!op) {
        return;
    }
    if (op->opcode == TG_OP_BROADCAST) {
        add_guards(c, tg_operand(op, 0), holds, out);
    } else if (op->opcode == TG_OP_NOT) {
        add_guards(c, tg_operand(op, 0), !holds, out);
    } else if (op->opcode == (holds ? TG_OP_AND : TG_OP_OR)) {
        add_guards(c, tg_operand(op, 0), holds, out);
        add_guards(c, tg_operand(op, 1), holds, out);
    } else if (op->opcode == TG_OP_CMP &&
               tg_op_enum(op, TG_ATTR_PRED, TG_EQ) == (holds ? TG_EQ : TG_NE)) {
        tg_form x = tg_check_form(c, tg_operand(op, 0)),
                y = tg_check_form(c, tg_operand(op, 1)), d;
        if (tg_dtype_is_int(tg_operand(op, 0)->type->dtype) && tg_form_add(c, x, y, -1, &d)) {
            tg_vec_push(c->arena, out, d);
        }
    }
}

/* ---- gathering ------------------------------------------------------------------------------------------------------ */

static access make_access(walk *w, const tg_op *op) {
    access a = {.op = op, .tensor = tg_operand(op, 0), .n = tg_op_n_indices(op)};
    a.index = TG_NEW_ARRAY(w->c->arena, tg_form, a.n);
    for (uint32_t d = 0; d < a.n; d++) {
        a.index[d] = tg_check_form(w->c, tg_op_index(op, d));
    }
    for (uint32_t i = 0; i < w->guards.len; i++) {
        tg_vec_push(w->c->arena, &a.guards, w->guards.data[i]);
    }
    if ((op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC) && tg_op_guard(op)) {
        add_guards(w->c, tg_op_guard(op), true, &a.guards);
    }
    return a;
}

static void gather_block(walk *w, const tg_block *b);

static void gather_if(walk *w, const tg_op *op) {
    uint32_t mark = w->guards.len;
    for (uint32_t r = 0; r < 2; r++) {
        add_guards(w->c, tg_operand(op, 0), r == 0, &w->guards);
        gather_block(w, &op->regions[r].body);
        w->guards.len = mark;
    }
}

static void gather_par(walk *w, const tg_op *op) {
    const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    if (a) {
        tg_vars_add(w->grid, w->c->block_var[a->rank]);
    } else {
        uintptr_t var = (uintptr_t)tg_map_get(w->c->each_vars, op->regions[0].body.args[0]);
        tg_vars_add(w->grid, (uint32_t)var - 1);
    }
}

static void gather_op(walk *w, const tg_op *op) {
    tg_arena *arena = w->c->arena;
    switch ((int)op->opcode) {
    case TG_OP_STORE:
        tg_vec_push(arena, &w->stores, make_access(w, op));
        break;
    case TG_OP_LOAD:
        tg_vec_push(arena, &w->loads, make_access(w, op));
        break;
    case TG_OP_ATOMIC:
    case TG_OP_CAS:
        tg_vec_push(arena, &w->atomics, make_access(w, op));
        tg_check_block_atomic(w->c, op);
        break;
    case TG_OP_REINDEX_SET:
        tg_vec_push(arena, &w->updates, op);
        tg_check_block_index(w->c, op);
        break;
    case TG_OP_REINDEX:
        tg_check_block_index(w->c, op);
        break;
    case TG_OP_REDUCE:
    case TG_OP_REDUCE_FN:
    case TG_OP_SCAN:
    case TG_OP_SCAN_FN:
    case TG_OP_SORT:
    case TG_OP_DOT:
        tg_check_block_reduction(w->c, op);
        break;
    case TG_OP_PAR:
        gather_par(w, op);
        break;
    case TG_OP_FOR:
        tg_check_block_carried(w->c, op);
        break;
    case TG_OP_IF:
        gather_if(w, op);
        return;
    default:
        break;
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        gather_block(w, &op->regions[r].body);
    }
}

static void gather_block(walk *w, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        gather_op(w, op);
    }
}

/* ---- text ------------------------------------------------------------------------------------------------------------- */

static const char *tensor_name(const tg_check *c, const tg_value *t) {
    for (uint32_t i = 0; i < c->func->n_params; i++) {
        if (c->func->params[i].value == t) {
            return c->func->params[i].name;
        }
    }
    return t->name ? t->name : "the tensor";
}

/* "Y[m, n]" as written, or the tensor's name. */
static const char *access_text(const tg_check *c, const access *a) {
    const char *name = tensor_name(c, a->tensor);
    const tg_source *src = tg_sources_get(c->diags->sources, a->op->span.file);
    size_t n = strlen(name);
    for (uint32_t i = a->op->span.begin; src && i + n < a->op->span.end && i + n < src->len;
         i++) {
        if (strncmp(src->text + i, name, n) != 0 || src->text[i + n] != '[') {
            continue;
        }
        int depth = 0;
        for (uint32_t k = i + (uint32_t)n; k < src->len; k++) {
            depth += src->text[k] == '[' ? 1 : src->text[k] == ']' ? -1 : 0;
            if (depth == 0) {
                return k - i < 60 ? tg_arena_strndup(c->arena, src->text + i, k - i + 1) : name;
            }
        }
    }
    return name;
}

/* "'k'", "'k' and 'j'" */
static const char *leftover_text(tg_check *c, tg_vars required, tg_vars known,
                                 uint32_t *first) {
    tg_strbuf s;
    tg_strbuf_init(&s, c->arena);
    uint32_t n = 0;
    for (uint32_t v = 0; v < c->vars.len; v++) {
        if (tg_vars_has(required, v) && !tg_vars_has(known, v)) {
            const char *name = tg_check_var_name(c, v);
            *first = n ? *first : v;
            tg_strbuf_printf(&s, "%s'%s'", n ? " and " : "", name);
            n++;
        }
    }
    tg_strbuf_puts(&s, n > 1 ? " are" : " is");
    return s.data;
}

/* A table read in an index, for the advice `unique`. */
static const tg_value *gathered_table(const tg_check *c, const access *a) {
    for (uint32_t d = 0; d < a->n; d++) {
        for (uint32_t t = 0; t < a->index[d].n; t++) {
            for (uint32_t k = 0; k < a->index[d].terms[t].n; k++) {
                const tg_atom *x = &c->atoms.data[a->index[d].terms[t].atoms[k]];
                if (x->kind == TG_ATOM_LOAD && x->n_forms == 1) {
                    return x->value;
                }
            }
        }
    }
    return NULL;
}

static bool is_arithmetic(const tg_op *op) {
    return op && (op->opcode == TG_OP_ADD || op->opcode == TG_OP_SUB ||
                  op->opcode == TG_OP_MUL || op->opcode == TG_OP_SHL);
}

/* Arithmetic in less than 64 bits that an index is made of, or null. It wraps, so nothing follows from it. */
static const tg_value *narrow_part(const tg_value *v, int depth) {
    const tg_op *op = v->def;
    if (!op || depth == 0 || op->opcode == TG_OP_LOAD) {
        return NULL;
    }
    if (op->opcode == TG_OP_CAST && is_arithmetic(tg_operand(op, 0)->def) &&
        tg_dtype_is_int(tg_operand(op, 0)->type->dtype) &&
        tg_dtype_bits(tg_operand(op, 0)->type->dtype) < 64) {
        return tg_operand(op, 0);
    }
    const tg_value *found = NULL;
    for (uint32_t i = 0; i < op->n_operands && !found; i++) {
        found = narrow_part(tg_operand(op, i), depth - 1);
    }
    return found;
}

static const tg_value *narrow_index(const access *a) {
    const tg_value *found = NULL;
    for (uint32_t d = 0; d < a->n && !found; d++) {
        const tg_value *v = tg_op_index(a->op, d);
        found = narrow_part(v, 8);
        for (uint32_t i = 0; i < v->type->n_axes && !found; i++) {
            const tg_op *binder = v->type->axes[i]->binder;
            for (uint32_t k = 0; binder && k < 3 && !found; k++) {
                found = narrow_part(tg_operand(binder, k), 8);
            }
        }
    }
    return found;
}

/* ---- injectivity --------------------------------------------------------------------------------------------------------- */

static tg_forms coordinates_of(const tg_check *c, const access *a) {
    tg_forms out = {0};
    for (uint32_t d = 0; d < a->n; d++) {
        tg_vec_push(c->arena, &out, a->index[d]);
    }
    for (uint32_t i = 0; i < a->guards.len; i++) {
        tg_vec_push(c->arena, &out, a->guards.data[i]);
    }
    return out;
}

static void advise(tg_check *c, tg_diag *d, const access *a, const char *left, bool is_axis,
                   bool between) {
    const char *text = access_text(c, a);
    const tg_value *table = gathered_table(c, a);
    const tg_value *narrow = a->op->opcode == TG_OP_STORE ? narrow_index(a) : NULL;
    if (narrow) {
        tg_diag_add_label(c->diags, d, narrow->def->span, "computed in %s, which wraps",
                          tg_dtype_name(narrow->type->dtype));
        tg_diag_add_help(c->diags, d,
                         "convert before the arithmetic, as in int(…): nothing is known of an "
                         "index that may wrap");
    } else if (table && !tg_check_has_fact(c, table, TG_SF_SORTED, NULL)) {
        tg_diag_add_help(c->diags, d,
                         "if no two entries of %s are equal, say so: `where unique(%s)` after "
                         "the parameters",
                         tensor_name(c, table), tensor_name(c, table));
    }
    if (between) {
        tg_diag_add_help(c->diags, d,
                         "to combine the values of all '%s', move it inside: `for (%s in …)` "
                         "with an accumulator, or "
                         "`atomic %s += …`",
                         left, left, text);
        tg_diag_add_help(c->diags, d,
                         "to let one instance store, write `where %s%s == 0` behind the value",
                         left, is_axis ? ".first" : "");
    } else {
        tg_diag_add_help(
            c->diags, d,
            "reduce over '%s' first, as in `sum(…, %s)`, or add with `atomic %s += …`", left,
            left, text);
    }
    tg_diag_add_help(c->diags, d,
                     "`unchecked` before the store accepts that one of the values remains");
}

static void report_store(tg_check *c, access *a, tg_vars required, tg_vars known,
                         bool between) {
    uint32_t left = 0;
    const char *list = leftover_text(c, required, known, &left);
    a->reported = true;
    tg_diag *d =
        tg_report(c->diags, TG_E0402, a->op->span,
                  "store is not injective: %s not determined by %s", list, access_text(c, a));
    tg_diag_set_label(c->diags, d,
                      between ? "several instances may write one element"
                              : "one instance may write an element twice");
    advise(c, d, a, tg_check_var_name(c, left), c->vars.data[left].axis != NULL, between);
}

/* Everything but the indices of axes: what is fixed while one statement runs once. */
static tg_vars fixed_variables(const tg_check *c) {
    tg_vars out = tg_vars_new(c);
    for (uint32_t v = 0; v < c->vars.len; v++) {
        if (!c->vars.data[v].axis || c->vars.data[v].is_block) {
            tg_vars_add(out, v);
        }
    }
    return out;
}

static void add_index_axes(const tg_check *c, const tg_type *t, tg_vars out) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        tg_vars_add(out, c->index_var[t->axes[i]->rank]);
    }
}

static void check_store(walk *w, access *a) {
    tg_check *c = w->c;
    if (tg_op_flag(a->op, TG_ATTR_UNCHECKED)) {
        return;
    }
    tg_forms coordinates = coordinates_of(c, a);
    tg_vars known = tg_vars_new(c);
    tg_check_solve(c, &coordinates, known);
    if (!tg_vars_within(c, w->grid, known)) {
        report_store(c, a, w->grid, known, true);
        return;
    }
    tg_vars required = tg_vars_new(c), inside = fixed_variables(c);
    for (uint32_t d = 0; d < a->n; d++) {
        add_index_axes(c, tg_op_index(a->op, d)->type, required);
    }
    tg_check_solve(c, &coordinates, inside);
    if (!tg_vars_within(c, required, inside)) {
        report_store(c, a, required, inside, false);
    }
}

static void check_update(walk *w, const tg_op *op) {
    tg_check *c = w->c;
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    tg_vars known = fixed_variables(c), required = tg_vars_new(c);
    tg_forms coordinates = {0};
    add_index_axes(c, tg_operand(op, 0)->type, known);
    for (uint32_t i = 0; axes && i < axes->n_axes; i++) {
        tg_vars_remove(known, c->index_var[axes->axes[i]->rank]);
    }
    for (uint32_t i = 2; i < op->n_operands; i++) {
        const tg_value *e = tg_operand(op, i);
        tg_vec_push(c->arena, &coordinates, tg_check_form(c, e));
        add_index_axes(c, e->type, required);
    }
    tg_check_solve(c, &coordinates, known);
    if (!tg_vars_within(c, required, known)) {
        uint32_t first = 0;
        const char *list = leftover_text(c, required, known, &first),
                   *left = tg_check_var_name(c, first);
        tg_diag *d = tg_report(
            c->diags, TG_E0404, op->span,
            "partial assignment may write an element twice: %s not determined by the index",
            list);
        tg_diag_add_help(c->diags, d,
                         "reduce over '%s' first, or count with `histogram(x, %s, b)`; a "
                         "gather `y[…]` on the right side is always allowed",
                         left, left);
    }
}

/* ---- pairs ------------------------------------------------------------------------------------------------------------------ */

/* Unrolled loops ask the same question for thousands of pairs. */
static bool tell_instance(walk *w, const tg_forms *agreeing) {
    bool same = w->asked && agreeing->len == w->last.len;
    for (uint32_t i = 0; same && i < agreeing->len; i++) {
        same = tg_form_equal(agreeing->data[i], w->last.data[i]);
    }
    if (!same) {
        tg_vars known = tg_vars_new(w->c);
        tg_check_solve(w->c, agreeing, known);
        w->last_answer = tg_vars_within(w->c, w->grid, known);
        w->last.len = 0;
        for (uint32_t i = 0; i < agreeing->len; i++) {
            tg_vec_push(w->c->arena, &w->last, agreeing->data[i]);
        }
        w->asked = true;
    }
    return w->last_answer;
}

/* Do accesses to one element come from one instance? The coordinates in which the two maps agree must tell it. */
static bool same_instance(walk *w, const access *x, const access *y) {
    tg_check *c = w->c;
    tg_forms agreeing = w->scratch;
    agreeing.len = 0;
    for (uint32_t d = 0; d < x->n; d++) {
        if (tg_form_agrees(c, x->index[d], y->index[d])) {
            tg_vec_push(c->arena, &agreeing, x->index[d]);
        }
    }
    for (uint32_t i = 0; i < x->guards.len; i++) {
        for (uint32_t k = 0; k < y->guards.len; k++) {
            if (tg_form_equal(x->guards.data[i], y->guards.data[k])) {
                tg_vec_push(c->arena, &agreeing, x->guards.data[i]);
                break;
            }
        }
    }
    w->scratch = agreeing;
    return tell_instance(w, &agreeing);
}

/* Taken on trust, or reported already. */
static bool is_settled(const access *a) {
    return a->reported || tg_op_flag(a->op, TG_ATTR_UNCHECKED);
}

static void check_store_pair(walk *w, const access *x, const access *y) {
    tg_check *c = w->c;
    if (x->tensor != y->tensor || is_settled(x) || is_settled(y) || same_instance(w, x, y) ||
        tg_forms_disjoint(c, x->index, y->index, x->n)) {
        return;
    }
    tg_diag *d = tg_report(c->diags, TG_E0403, y->op->span,
                           "two stores to %s may overlap between instances: %s and %s",
                           tensor_name(c, x->tensor), access_text(c, x), access_text(c, y));
    tg_diag_add_label(c->diags, d, x->op->span, "the other store");
    tg_diag_add_help(c->diags, d,
                     "make the index maps equal, or provably disjoint (constant offsets, "
                     "disjoint ranges), or put one store into a second grid");
}

static void check_read(walk *w, const access *load, const access *store) {
    tg_check *c = w->c;
    if (load->tensor != store->tensor || is_settled(store) || same_instance(w, store, load) ||
        tg_forms_disjoint(c, store->index, load->index, store->n)) {
        return;
    }
    tg_diag *d = tg_report(c->diags, TG_E0408, load->op->span,
                           "reads %s, which another instance may store in this phase",
                           access_text(c, load));
    tg_diag_add_label(c->diags, d, store->op->span, "stored here");
    tg_diag_add_help(c->diags, d,
                     "write to a second tensor, or put the store into a second grid: a grid "
                     "sees every store of the grids before it");
}

/* ---- atomics ------------------------------------------------------------------------------------------------------------------- */

static bool has_fill(const tg_check *c, const tg_value *tensor) {
    for (const tg_use *u = tensor->uses; u; u = u->next) {
        if (u->user->opcode == TG_OP_FILL && tg_operand(u->user, 0) == tensor) {
            return true;
        }
    }
    (void)c;
    return false;
}

static void check_atomic_target(tg_check *c, const access *a) {
    bool is_out = a->tensor->def && a->tensor->def->opcode == TG_OP_TEMP;
    for (uint32_t i = 0; i < c->func->n_params; i++) {
        is_out = is_out || (c->func->params[i].value == a->tensor &&
                            c->func->params[i].kind == TG_FP_OUT);
    }
    if (is_out && !has_fill(c, a->tensor)) {
        const char *name = tensor_name(c, a->tensor);
        tg_diag *d = tg_report(c->diags, TG_E0409, a->op->span,
                               "atomic target %s has no initial value", name);
        tg_diag_add_help(c->diags, d, "declare it with one, as in `%s[…] = 0`, or as `inout`",
                         name);
    }
}

static void check_mixed(tg_check *c, const access *atomic, const access *plain) {
    if (atomic->tensor != plain->tensor) {
        return;
    }
    const char *name = tensor_name(c, atomic->tensor);
    tg_diag *d = tg_report(c->diags, TG_E0410, plain->op->span,
                           "%s is accessed both atomically and plainly in one phase", name);
    tg_diag_add_label(c->diags, d, atomic->op->span, "atomic access");
    tg_diag_add_help(
        c->diags, d,
        "use the value that `atomic_add` and its kin return, or read %s in a second grid",
        name);
}

/* ---- phases ---------------------------------------------------------------------------------------------------------------------- */

static void check_pairs(walk *w) {
    for (uint32_t i = 0; i < w->stores.len; i++) {
        for (uint32_t k = 0; k < i; k++) {
            check_store_pair(w, &w->stores.data[k], &w->stores.data[i]);
        }
        for (uint32_t k = 0; k < w->loads.len; k++) {
            check_read(w, &w->loads.data[k], &w->stores.data[i]);
        }
        for (uint32_t k = 0; k < w->atomics.len; k++) {
            check_mixed(w->c, &w->atomics.data[k], &w->stores.data[i]);
        }
    }
    for (uint32_t i = 0; i < w->atomics.len; i++) {
        check_atomic_target(w->c, &w->atomics.data[i]);
        for (uint32_t k = 0; k < w->loads.len; k++) {
            check_mixed(w->c, &w->atomics.data[i], &w->loads.data[k]);
        }
    }
}

/* Tensors written in the phase: their elements are not constants of it. */
static void note_written(tg_check *c, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        tg_effect effect = tg_op_info_of(op->opcode)->effect;
        if (effect == TG_EFF_WRITE || effect == TG_EFF_ATOMIC) {
            tg_map_set(c->written, tg_operand(op, 0), c);
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            note_written(c, &op->regions[r].body);
        }
    }
}

static void note_grid(tg_check *c, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        if (op->opcode != TG_OP_PAR) {
            continue;
        }
        const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
        uintptr_t each =
            a ? 0 : (uintptr_t)tg_map_get(c->each_vars, op->regions[0].body.args[0]);
        tg_vars_add(c->every, a ? c->block_var[a->rank] : (uint32_t)each - 1);
        note_grid(c, &op->regions[0].body);
    }
}

void tg_check_phase(tg_check *c, tg_op *phase) {
    walk w = {.c = c};
    c->phase = phase;
    c->memo = tg_map_create(c->arena);
    c->written = tg_map_create(c->arena);
    c->every = tg_vars_new(c);
    w.grid = tg_vars_new(c);
    note_written(c, &phase->regions[0].body);
    note_grid(c, &phase->regions[0].body);
    tg_vars_add(c->every, c->iteration);
    gather_block(&w, &phase->regions[0].body);
    for (uint32_t i = 0; i < w.stores.len; i++) {
        check_store(&w, &w.stores.data[i]);
    }
    for (uint32_t i = 0; i < w.updates.len; i++) {
        check_update(&w, w.updates.data[i]);
    }
    check_pairs(&w);
}
